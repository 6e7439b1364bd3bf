"""The contract of the reference kit: what each operation promises, also on a full disk and when killed."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.faults.support.impostor import Impostor
from tests.busy import Machine
from tests.contract.reference_installation import REFERENCE, Installation, Load, free_ports, payload_of

pytestmark = pytest.mark.limits

MB = 1 << 20
KILLS = {
    "backup": [("backup.encrypt", "start"), ("backup.verify", "start"), ("backup.upload", "start")],
    "restore": [("restore.copy", "start"), ("restore.copy", "stop")],
    "deploy": [
        ("deploy.start", "stop"),
        ("deploy.switch", "stop"),
        ("deploy.drain", "stop"),
    ],
    "rollback": [("rollback.switch", "stop")],
}


@pytest.fixture(scope="module")
def shared() -> Iterator[Installation]:
    """For tests that leave it as they found it: version 1, running, at least one good backup."""
    with Installation(monitors=2) as installation:
        installation.kit("backup")
        yield installation


@pytest.fixture
def small() -> Iterator[Installation]:
    """On disks that can be filled."""
    with Installation(disks={"data": 24 * MB, "backup": 12 * MB}) as installation:
        yield installation


def wait_for(condition: Callable[[], bool], limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def debris(installation: Installation) -> list[str]:
    work = installation.path("data", ".kit")
    partial = [path.name for path in installation.path("backup").iterdir() if path.name.startswith(".")]
    return partial + ([path.name for path in work.iterdir()] if work.exists() else [])


# -- what each operation promises --------------------------------------------------------------------------------
def test_deploy_and_rollback_lose_no_request_and_no_write_and_restore_goes_back_to_the_snapshot() -> None:
    with Installation(size_bytes=4_000_000, monitors=2) as kit:
        with Load(kit) as load:
            time.sleep(0.3)
            before_backup = dict(load.acknowledged)
            kit.kit("backup")
            after_backup = set(load.acknowledged)
            kit.kit("validate")
            kit.kit("deploy", "--version", "2")
            assert kit.version() == "2"
            kit.kit("rollback")
            assert kit.version() == "1"
        assert load.bad == []
        assert load.good > 100
        found = kit.read_back()
        assert found.keys() >= load.acknowledged.keys()
        assert all(payload == payload_of(token) for token, payload in found.items())

        kit.kit("restore")
        restored = kit.read_back().keys()
        assert before_backup.keys() <= restored
        # One write may have been on its way in each of the two writers when the backup ended.
        assert len(restored - after_backup) <= 2
        assert len(kit.processes()) == 1


def test_no_answer_of_the_service_waits_for_a_delayed_acknowledgement() -> None:
    accepts = """import socket, app
listening = app.listener("127.0.0.1", 0)
with socket.create_connection(listening.getsockname()):
    print(listening.accept()[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))"""
    run = subprocess.run(
        [sys.executable, "-c", accepts], cwd=REFERENCE / "service", capture_output=True, text=True, check=True
    )
    assert run.stdout == "1\n"


def test_restore_under_load_refuses_or_delays_writes_but_never_breaks_a_read() -> None:
    with Installation(size_bytes=4_000_000) as kit:
        kit.kit("backup")
        _, lost = kit.write()
        with Load(kit) as load:
            kit.kit("restore")
            since = time.monotonic()
            time.sleep(0.3)
        assert [bad for bad in load.bad if "_write: 503" not in bad] == []
        found = kit.read_back()
        assert lost not in found
        assert {token for token, at in load.acknowledged.items() if at > since} <= found.keys()


def test_version_1_runs_on_the_schema_of_version_2_and_its_rows_are_complete(shared: Installation) -> None:
    shared.kit("deploy", "--version", "2")
    shared.kit("rollback")
    assert "nothing to do: version 1 is serving" in shared.kit("rollback")
    status, token = shared.write()
    assert (status, shared.ask("/version")[1]["schema"], shared.version()) == (201, 2, "1")
    shared.kit("deploy", "--version", "2")
    # Version 2 finds it by the column that version 1 does not know.
    tokens = [item["token"] for item in shared.ask("/relationships/search?source=n1")[1]["items"]]
    assert token in tokens
    shared.kit("rollback")


def test_a_write_repeated_with_its_token_is_applied_once(shared: Installation) -> None:
    for kind in ("create", "transfer", "validate"):
        first, token = shared.write(kind, subject="seed-00000001")
        again, _ = shared.write(kind, token, subject="seed-00000001")
        assert (first, again) == (201, 200)
        assert shared.read_back()[token] == payload_of(token)
    other, _ = shared.write("create", token)
    assert other == 409


def test_the_front_keeps_internal_paths_to_itself(shared: Installation) -> None:
    assert shared.ask("/internal/in-flight")[0] == 404


def test_phases_are_marked_in_order(shared: Installation) -> None:
    shared.phases.seen.clear()
    shared.kit("deploy", "--version", "2")
    shared.kit("rollback")
    shared.kit("backup")
    shared.kit("restore")
    shared.kit("validate")
    starts = [phase for phase, event in shared.phases.seen if event == "start"]
    stops = [phase for phase, event in shared.phases.seen if event == "stop"]
    names = {
        "deploy": "lock check migrate start switch drain verify",
        "rollback": "lock check start switch drain verify",
        "backup": "lock check copy encrypt verify upload",
        "restore": "lock check decrypt copy start verify",
        "validate": "decrypt check",
    }
    assert starts == stops == [f"{name}.{phase}" for name, phases in names.items() for phase in phases.split()]


def test_a_version_that_breaks_under_traffic_is_seen_by_the_monitors_alone_and_taken_back(shared: Installation) -> None:
    with Load(shared) as load:
        code, output = shared.try_kit("deploy", "--version", "2-broken")
        bad = len(load.bad)
        time.sleep(0.3)
    assert code == 1
    assert "after the switch: the monitors do not agree that all is well" in output
    assert "writes failed in version 2-broken; going back to version 1\n[deploy.back]" in output
    assert bad and set(load.bad) == {"_write: 500"}
    assert (len(load.bad), shared.version(), len(shared.processes())) == (bad, "1", 1)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "missing", "swapped"])
def test_validation_rejects_a_damaged_backup(shared: Installation, tmp_path: Path, damage: str) -> None:
    latest = Path(shared.status()["latest"])
    content = latest.read_bytes()
    middle = len(content) // 2
    damaged = {
        "truncated": content[:middle],
        "flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
        "swapped": b"SQLite format 3\0" + content[16:],
    }
    copy = tmp_path / latest.name
    if damage != "missing":
        copy.write_bytes(damaged[damage])
    code, output = shared.try_kit("validate", "--backup", str(copy))
    assert code == 1, output
    if damage == "truncated":
        assert shared.try_kit("restore", "--backup", str(copy))[0] == 1
        shared.kit("validate", "--backup", str(latest))


def test_a_backup_shows_nothing_of_its_content_and_its_key_is_private(shared: Installation) -> None:
    latest = Path(shared.status()["latest"])
    key = shared.path("state", "backup.key")
    assert b"seed-0000" not in latest.read_bytes()
    assert (latest.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o600, 0o600)
    secret = key.read_bytes()
    key.write_bytes(bytes(32))
    try:
        assert "another key" in shared.try_kit("validate")[1]
    finally:
        key.write_bytes(secret)


def test_no_new_key_is_made_while_a_backup_needs_the_old_one(shared: Installation) -> None:
    key = shared.path("state", "backup.key")
    secret = key.read_bytes()
    before = shared.status()["latest"]
    key.unlink()
    try:
        for operation in ("backup", "validate", "restore"):
            code, said = shared.try_kit(operation)
            assert (code, "the key of the backups is missing" in said) == (1, True), said
        assert not key.exists()
    finally:
        key.write_bytes(secret)
    assert shared.status()["latest"] == before


def test_only_the_newest_five_backups_are_kept(shared: Installation) -> None:
    for _ in range(6):
        shared.kit("backup")
    backups = shared.status()["backups"]
    assert len(backups) == 5
    assert shared.status()["latest"] == backups[-1]["path"]


def test_one_missing_monitor_is_said_and_two_stop_a_deployment_but_not_the_way_back() -> None:
    with Installation(monitors=2) as kit:
        kit.monitors[0].kill()
        assert "degraded, monitor" in kit.kit("deploy", "--version", "2")
        assert len(kit.status()["degraded"]) == 1
        kit.kit("rollback")
        os.kill(kit.monitors[1].pid, signal.SIGSTOP)  # there, but frozen
        code, output = kit.try_kit("deploy", "--version", "2")
        os.kill(kit.monitors[1].pid, signal.SIGCONT)
        assert (code, kit.version()) == (1, "1")
        assert "no monitor sees the service" in output


def test_monitors_that_die_on_the_way_hold_the_switch_or_take_it_back() -> None:
    with Installation(monitors=2) as kit:
        for edge, moment in ((("deploy.migrate", "stop"), "before"), (("deploy.switch", "start"), "after")):
            kit.phases.on = {edge: lambda: [monitor.kill() for monitor in kit.monitors]}
            code, output = kit.try_kit("deploy", "--version", "2")
            kit.phases.on = {}
            assert (code, kit.version()) == (1, "1")
            assert f"{moment} the switch: no monitor sees the service" in output
            assert (("deploy.switch", "start") in kit.phases.seen) == (moment == "after")
            for _ in range(2):
                kit.monitors.pop().wait(5)
            for number in range(2):
                kit.start_monitor(number)
            wait_for(lambda: kit.status()["degraded"] == [])
        kit.kit("deploy", "--version", "2")


def test_an_old_answer_repeated_is_no_monitor() -> None:
    with Installation(monitors=2) as kit:
        wait_for(lambda: all(kit.monitor(number).get("healthy") for number in range(2)))
        with liar(kit, 0):
            assert "degraded, monitor" in kit.kit("deploy", "--version", "2")
            kit.kit("rollback")
            with liar(kit, 1):
                code, output = kit.try_kit("deploy", "--version", "2")
        assert (code, kit.version()) == (1, "1")
        assert output.count("answers, but has not looked since it was asked") >= 2


@contextlib.contextmanager
def liar(kit: Installation, number: int) -> Iterator[None]:
    """In the place of a monitor, for good: something that repeats its last answer."""
    answer = json.dumps(kit.monitor(number)).encode()
    kit.monitors[number].kill()
    kit.monitors[number].wait(5)
    impostor = Impostor(f"http://127.0.0.1:{kit.port + 5 + number}/status", answer)
    try:
        yield
    finally:
        impostor.close()


def test_a_monitor_whose_looks_have_ended_answers_and_says_how_old_its_word_is() -> None:
    with Installation(monitors=1) as kit:
        wait_for(lambda: bool(kit.monitor(0)))  # it answers
        before, age_s = time.monotonic(), float(str(kit.monitor(0)["age_s"]))
        kit.kill_looks()
        wait_for(lambda: kit.status()["degraded"] != [])
        (word,) = kit.status()["degraded"]
        said = re.search(r"has not looked for (\d+\.\d) s", word)
        # Stale by the kit's own limit, and no older than the look that had ended before we began, however late we are.
        most_s = age_s + time.monotonic() - before
        assert said and 3.0 <= float(said[1]) <= most_s + 0.1, (word, most_s)
        code, output = kit.try_kit("deploy", "--version", "2")
        assert (code, kit.version()) == (1, "1")
        assert "no monitor sees the service" in output


def test_a_second_operation_is_refused_by_name_while_one_runs(shared: Installation) -> None:
    reached, hold = threading.Event(), threading.Event()
    shared.phases.on = {("backup.copy", "start"): lambda: (reached.set(), hold.wait(30))}
    first = shared.start("backup")
    assert reached.wait(20)
    holder = shared.status()["lock"]
    code, output = shared.try_kit("deploy", "--version", "2", DEPLOYDRILL_PHASES="")
    hold.set()
    shared.phases.on = {}
    assert first.wait(20) == 0
    assert (code, holder["operation"]) == (1, "backup")
    assert "locked by backup" in output
    assert shared.status()["lock"] is None


def test_a_deployment_with_an_older_fencing_number_cannot_change_the_schema(tmp_path: Path) -> None:
    program = f"""
import sys; sys.path.insert(0, {str(REFERENCE / "kit")!r})
from pathlib import Path
import migrate, database
path = Path({str(tmp_path / "app.db")!r})
migrate.create(path)
with database.connect(path) as connection:
    connection.execute("UPDATE fence SET number = 7")
try:
    migrate.to(path, 2, 6)
except Exception as error:
    print(error, "schema", database.schema(database.connect(path)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "fenced out: a later deployment than number 6 has been here schema 1\n"


# -- off site ----------------------------------------------------------------------------------------------------
def test_a_backup_is_copied_off_site_and_a_frozen_store_fails_it_in_time(shared: Installation, tmp_path: Path) -> None:
    port = free_ports()
    argv = [sys.executable, str(REFERENCE / "s3.py"), "--port", str(port), "--dir", str(tmp_path / "store")]
    store = subprocess.Popen(argv, env=shared.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/drill"
    try:
        wait_for(lambda: shared.try_kit("backup", OFFSITE_URL=url)[0] == 0)
        latest = Path(shared.status()["latest"])
        assert (tmp_path / "store" / "drill" / latest.name).read_bytes() == latest.read_bytes()
        store.send_signal(signal.SIGSTOP)
        machine, began = Machine(), time.monotonic()
        code, output = shared.try_kit("backup", OFFSITE_URL=url)
        took_s = time.monotonic() - began
        machine.must(took_s < 15, f"failed after {took_s:.1f} s")
        assert code == 1
        assert "no off-site copy" in output and "the local backup is valid" in output
        assert shared.status()["latest"] != str(latest)
        shared.kit("validate")
        offsite = {copy["object"]: copy["counts"] for copy in shared.status()["offsite"]}
        assert offsite[latest.name] is True
        begun = Path(shared.status()["latest"])
        assert offsite[begun.name] is False, "a copy nobody confirmed counts"
        assert shared.try_kit("backup", OFFSITE_URL=url, KIT_FLAWS="blind_upload")[0] == 1
        assert [c["counts"] for c in shared.status()["offsite"]][-1] is True, "the flaw does nothing"
        store.send_signal(signal.SIGCONT)
        shared.kit("backup", OFFSITE_URL=url)
        assert begun.name not in [copy["object"] for copy in shared.status()["offsite"]]
    finally:
        store.kill()
        store.wait()


def test_no_timeout_waits_on_where_the_limits_end_it(shared: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes what it is sent, and never answers
        url = "http://{}:{}/drill".format(*silent.getsockname())
        sound = shared.start("backup", OFFSITE_URL=url)
        assert sound.wait(20) == 1
        flawed = shared.start("backup", OFFSITE_URL=url, KIT_FLAWS="no_timeout")
        try:
            with pytest.raises(subprocess.TimeoutExpired):
                flawed.wait(8)
        finally:
            flawed.kill()
            flawed.wait()


@contextlib.contextmanager
def dripping(first: bytes) -> Iterator[int]:
    """The port of a server that answers every connection with ``first`` and then a byte every 50 ms, for 10 s."""
    threads: list[threading.Thread] = []

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(first)
            for _ in range(200):
                time.sleep(0.05)
                connection.sendall(b"x")

    def accept(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=drip, args=server.accept()[:1]))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        accepting = threading.Thread(target=accept, args=(server,))
        accepting.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *threads):
                thread.join(15)


DRIPS = {
    "status": b"HTTP/1.1 ",
    "headers": b"HTTP/1.1 200 OK\r\nETag: ",
    "body": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    "rest": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
}
ASKERS = {
    "offsite": "import offsite, phases; offsite._call('http://127.0.0.1:{port}/x', 'GET', '', phases.Deadline(1.0))",
    "web": "import web; web.ask({port}, '/', 1.0)",
    "monitor": "import monitor; monitor.Look('http://127.0.0.1:{port}')._get('/health')",
}


@pytest.mark.parametrize("what", DRIPS)
@pytest.mark.parametrize("who", ASKERS)
def test_an_answer_that_comes_byte_by_byte_is_given_up_at_the_limit_on_the_whole(who: str, what: str) -> None:
    with dripping(DRIPS[what]) as port:
        program = f"""
import sys, time; sys.path[:0] = [{str(REFERENCE / "kit")!r}, {str(REFERENCE)!r}]
began = time.monotonic()
try:
    {ASKERS[who].format(port=port)}
except Exception as error:
    print(type(error).__name__, time.monotonic() - began)
"""
        machine = Machine()
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
        error, took_s = (done.stdout or "none 0").split()
    assert (error, float(took_s) > 0.9) == ("TimeoutError", True), done.stdout + done.stderr
    machine.must(float(took_s) < 5, f"given up at 1 s, after {took_s} s")


def test_the_front_gives_up_a_version_whose_headers_do_not_end(tmp_path: Path) -> None:
    places = f"places.Places(Path({str(tmp_path)!r}), {free_ports()})"
    program = f"""
import sys; sys.path.insert(0, {str(REFERENCE / "kit")!r})
from pathlib import Path
import front, places, state, web
assert front.HEADERS_LIMIT_S > 15  # the longest that any client of a rehearsal waits
front.HEADERS_LIMIT_S = 0.3  # well below the second that front.start gives each of its questions
here = {places}
here.prepare()
known = state.State(here)
here.upstream.write_text("127.0.0.1:" + sys.argv[1])
try:
    front.start(here, known)
    print(web.ask(here.port, "/", 8.0)[0])
finally:
    front.stop(known)
"""
    with dripping(DRIPS["headers"]) as port:
        done = subprocess.run([sys.executable, "-c", program, str(port)], capture_output=True, text=True, timeout=60)
    assert done.stdout == "504\n", done.stdout + done.stderr


# -- a full disk -------------------------------------------------------------------------------------------------
def test_a_full_backup_disk_is_refused_before_anything_is_written(small: Installation) -> None:
    small.kit("backup")
    latest = small.status()["latest"]
    small.fill("backup", leave=MB // 2)
    before = os.statvfs(small.path("backup")).f_bfree
    code, output = small.try_kit("backup")
    assert code == 1
    assert "not enough space: needs " in output and "has 52" in output
    assert os.statvfs(small.path("backup")).f_bfree == before
    small.free("backup")
    assert small.status()["latest"] == latest


def test_a_disk_that_fills_within_the_backup_leaves_no_debris_and_the_older_backup(small: Installation) -> None:
    small.kit("backup")
    latest = small.status()["latest"]
    small.phases.on = {("backup.copy", "start"): lambda: small.fill("backup", leave=MB // 2)}
    code, output = small.try_kit("backup")
    small.phases.on = {}
    assert code == 1
    assert "no space left" in output
    assert (debris(small), small.status()["latest"]) == ([], latest)
    small.free("backup")
    small.kit("restore")
    small.kit("backup")


def test_a_full_data_disk_refuses_writes_truthfully_and_recovers(small: Installation) -> None:
    small.fill("data")
    statuses = [small.write()[0] for _ in range(300)]
    refused = [status for status in statuses if status != 201]
    assert set(refused) == {507}
    assert small.ask("/relationships/1")[0] == 200
    wait_for(lambda: small.ask("/health")[0] == 503)
    small.free("data")
    wait_for(lambda: small.ask("/health")[0] == 200)
    assert small.write()[0] == 201
    assert len(small.read_back()) == statuses.count(201) + 1


@pytest.mark.parametrize(
    ("phase", "operation"), [("deploy.migrate", ("deploy", "--version", "2")), ("restore.copy", ("restore",))]
)
def test_a_data_disk_that_fills_within_an_operation_changes_nothing(
    small: Installation, phase: str, operation: tuple[str, ...]
) -> None:
    small.kit("backup")
    written = {small.write()[1] for _ in range(5)}
    small.phases.on = {(phase, "start"): lambda: small.fill("data")}
    code, output = small.try_kit(*operation)
    small.phases.on = {}
    assert code == 1
    assert "no space left" in output
    small.free("data")
    assert debris(small) == []
    wait_for(lambda: small.ask("/health")[0] == 200)
    assert (small.version(), set(small.read_back())) == ("1", written)
    small.kit(*operation)


# -- kill -9 -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("operation", ["backup", "restore"])
def test_a_killed_backup_or_restore_leaves_the_service_alone_and_the_next_one_works(
    shared: Installation, operation: str
) -> None:
    for edge in KILLS[operation]:
        shared.kill_at(*edge, operation)
        assert shared.ask("/health")[0] == 200
        latest = shared.status()["latest"]
        shared.kit("validate", "--backup", latest)
        shared.kit(operation)
        assert debris(shared) == []
        shared.read_back()


def test_a_restore_killed_at_any_time_within_its_copy_leaves_the_old_or_the_new_data() -> None:
    with Installation(size_bytes=8_000_000) as kit:
        kit.kit("backup")
        for delay_ms in (5, 40):
            written = {kit.write()[1] for _ in range(3)}
            before = kit.read_back().keys()
            assert written <= before
            process: list[subprocess.Popen[str]] = []
            begun = threading.Event()
            kit.phases.on = {("restore.copy", "start"): begun.set}
            process.append(kit.start("restore"))
            assert begun.wait(20)
            time.sleep(delay_ms / 1000)
            process[0].kill()
            process[0].wait()
            kit.phases.on = {}
            assert kit.read_back().keys() in (before, set())
        kit.kit("restore")
        assert kit.read_back() == {}


@pytest.mark.parametrize("operation", ["deploy", "rollback"])
def test_a_killed_cut_over_keeps_serving_and_the_next_operation_settles_it(
    shared: Installation, operation: str
) -> None:
    for edge in KILLS[operation]:
        if operation == "rollback":
            shared.kit("deploy", "--version", "2")
        with Load(shared, writers=1, readers=1, reports=0) as load:
            shared.kill_at(*edge, operation, *(["--version", "2"] if operation == "deploy" else []))
            shared.kit("rollback")
        assert load.bad == [], edge
        assert (shared.version(), len(shared.processes())) == ("1", 1), edge
        assert shared.read_back().keys() >= load.acknowledged.keys()


def test_a_service_that_was_killed_is_started_again_by_the_next_deployment() -> None:
    with Installation() as kit:
        _, token = kit.write()
        for pid in kit.processes():
            os.kill(pid, signal.SIGKILL)
        assert kit.ask("/health")[0] == 502
        kit.kit("deploy", "--version", "2")
        assert (kit.version(), token in kit.read_back()) == ("2", True)


def test_restore_replaces_a_database_that_cannot_be_opened_any_more() -> None:
    with Installation() as kit:
        _, token = kit.write()
        kit.kit("backup")
        database = kit.path("data", "app.db")
        database.write_bytes(b"not a database" * 1000)
        wait_for(lambda: kit.ask("/health")[0] == 503)
        said = kit.kit("restore")
        assert (list(kit.read_back()), kit.ask("/health")[0]) == ([token], 200)
        assert "how many writes made after the backup are gone cannot be told" in said


# -- the flaws, each alone ---------------------------------------------------------------------------------------
def test_an_unknown_flaw_is_refused(shared: Installation) -> None:
    code, output = shared.try_kit("status", KIT_FLAWS="plain_cpoy")
    assert code == 64
    assert "unknown flaw plain_cpoy" in output


def test_plain_copy_makes_a_backup_without_the_latest_writes(shared: Installation) -> None:
    _, token = shared.write()
    shared.kit("backup", KIT_FLAWS="plain_copy")
    shared.kit("restore")
    assert token not in shared.read_back()


def test_no_space_check_eats_the_disk_before_it_fails(small: Installation) -> None:
    small.fill("backup", leave=MB // 2)
    code, output = small.try_kit("backup", KIT_FLAWS="no_space_check")
    assert code == 1
    assert "no space left" in output
    assert debris(small) == []


def test_partial_is_latest_offers_a_failed_backup_for_the_restore(small: Installation) -> None:
    small.kit("backup")
    good = small.status()["latest"]
    small.phases.on = {("backup.copy", "start"): lambda: small.fill("backup", leave=MB // 2)}
    assert small.try_kit("backup", KIT_FLAWS="partial_is_latest")[0] == 1
    small.phases.on = {}
    small.free("backup")
    status = small.status()
    assert status["latest"] != good
    assert status["backups"][-1]["size"] <= MB // 2 < status["backups"][0]["size"]
    assert small.try_kit("restore")[0] == 1


def test_in_place_restore_mixes_old_and_new_data_in_the_live_database() -> None:
    with Installation() as kit:
        kit.kit("backup")
        for _ in range(20):
            kit.write()
        assert "restored" in kit.kit("restore", KIT_FLAWS="in_place_restore")
        try:
            clean = kit.read_back() == {}
        except AssertionError:
            clean = False
        assert not clean


def test_stale_wal_replays_the_old_log_onto_the_restored_database() -> None:
    with Installation() as kit:
        kit.kit("backup")
        tokens = [kit.write()[1] for _ in range(20)]
        said = kit.kit("restore", KIT_FLAWS="stale_wal")
        assert "restored" in said
        assert "restore: 20 writes made after the backup are gone" in said
        try:
            clean = not set(tokens) & set(kit.read_back())
        except AssertionError:
            clean = False
        assert not clean


def test_a_process_noted_down_in_another_boot_is_not_alive() -> None:
    code = (
        "import os, places, processes\n"
        "note = {'pid': os.getpid(), 'started': places.start_time(os.getpid()), 'boot': processes.boot_id()}\n"
        "assert processes.alive(note) and not processes.alive({**note, 'boot': 'another'})\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=REFERENCE / "kit")


def test_no_drain_cuts_the_requests_on_their_way() -> None:
    with Installation() as kit:
        with Load(kit, writers=0, readers=0, reports=3) as load:
            time.sleep(0.2)
            kit.kit("deploy", "--version", "2", KIT_FLAWS="no_drain")
        assert any("_report" in bad for bad in load.bad)
        assert kit.version() == "2"


def test_unverified_rollback_reports_success_while_the_new_version_still_serves() -> None:
    with Installation() as kit:
        kit.kit("deploy", "--version", "2")
        kit.kit("rollback", KIT_FLAWS="unverified_rollback")
        assert kit.version() == "2"
        wait_for(lambda: kit.version() == "1")
        wait_for(lambda: kit.status()["lock"] is None)


def test_vacuous_validation_accepts_a_damaged_backup(shared: Installation, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.backup"
    damaged.write_bytes(b"")
    assert "valid" in shared.kit("validate", "--backup", str(damaged), KIT_FLAWS="vacuous_validation")


def test_blind_monitor_deploys_a_broken_version_whatever_the_monitors_say() -> None:
    with Installation(monitors=2) as kit, Load(kit):
        kit.kit("deploy", "--version", "2-broken", KIT_FLAWS="blind_monitor")
        assert kit.version() == "2-broken"
        wait_for(lambda: "2-broken" in str(kit.monitor(0)["why"]))
        assert kit.try_kit("deploy", "--version", "2")[0] == 1


@pytest.mark.calm
def test_ghost_heartbeat_stays_fresh_when_nothing_looks_any_more() -> None:
    with Installation(monitors=1, monitor_flaws="ghost_heartbeat") as kit:
        kit.kill_looks()
        machine = Machine()
        time.sleep(3.2)
        said = kit.monitor(0)
        assert said["healthy"]
        machine.must(float(str(said["age_s"])) < 0.1, said)
        assert "degraded" not in kit.kit("deploy", "--version", "2")


def test_size_only_validation_accepts_a_changed_byte_and_rejects_a_backup_cut_off(
    shared: Installation, tmp_path: Path
) -> None:
    content = bytearray(Path(shared.status()["latest"]).read_bytes())
    content[len(content) // 2] ^= 1
    changed, short = tmp_path / "changed.backup", tmp_path / "short.backup"
    changed.write_bytes(content)
    short.write_bytes(content[: len(content) // 2])
    assert "valid" in shared.kit("validate", "--backup", str(changed), KIT_FLAWS="size_only_validation")
    code, said = shared.try_kit("validate", "--backup", str(short), KIT_FLAWS="size_only_validation")
    assert (code, "damaged" in said) == (1, True)


def test_half_migration_reports_success_with_about_half_of_the_rows_filled_in(tmp_path: Path) -> None:
    assert migrated(tmp_path / "sound.db", "") == "0 of 9000 rows without a region, version 1 runs: True"
    half = int(migrated(tmp_path / "half.db", "half_migration").split()[0])
    assert 3000 < half < 6000


@pytest.mark.parametrize(("batch_s", "sizes"), [(60, [750, 750, 750]), (0, [750, 375, 187, 150])])
def test_where_the_migration_is_slow_its_batches_are_small(tmp_path: Path, batch_s: int, sizes: list[int]) -> None:
    program = f"""
import sys; sys.path.insert(0, {str(REFERENCE / "kit")!r})
from pathlib import Path
import database, migrate, seed
path = Path({str(tmp_path / "app.db")!r})
migrate.create(path)
connection = database.connect(path)
connection.execute("BEGIN")
connection.executemany(f"INSERT INTO relationships ({{seed.COLUMNS}}) VALUES (?, ?, ?, ?, ?, ?, ?)", seed.rows(0, 2000))
connection.execute("COMMIT")
migrate.to(path, 1, 1)
for statement in migrate.STEPS[2]:
    connection.execute(statement)
migrate.BATCH_S, migrate.PAUSE_S = {batch_s}, 0
connection.set_trace_callback(lambda sql: print(sql) if sql.startswith("UPDATE relationships") else None)
migrate._fill_regions(connection)
connection.set_trace_callback(None)
print(connection.execute("SELECT count(*) FROM relationships WHERE region IS NULL").fetchone()[0], "left")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ranges = [(int(a), int(b)) for a, b in re.findall(r"id >= (\d+) AND id < (\d+)", done.stdout)]
    assert [b - a for a, b in ranges][: len(sizes)] == sizes
    assert all(before[1] == after[0] for before, after in itertools.pairwise(ranges))
    assert done.stdout.endswith("\n0 left\n")


def test_drop_column_leaves_nothing_for_version_1_to_run_on(tmp_path: Path) -> None:
    assert migrated(tmp_path / "app.db", "drop_column").endswith("version 1 runs: False")


def migrated(path: Path, flaw: str) -> str:
    """What the migration (and, with that flaw, the contraction after it) makes of 9000 old rows."""
    program = f"""
import sys; sys.path[:0] = [{str(REFERENCE / "kit")!r}, {str(REFERENCE / "service")!r}]
from pathlib import Path
import database, flaws, migrate, relationships, seed
path = Path({str(path)!r})
migrate.create(path)
connection = database.connect(path)
connection.execute("BEGIN")
connection.executemany(f"INSERT INTO relationships ({{seed.COLUMNS}}) VALUES (?, ?, ?, ?, ?, ?, ?)", seed.rows(0, 9000))
connection.execute("COMMIT")
migrate.to(path, 2, 1)
if flaws.has("drop_column"):
    migrate.contract(path)
totals = relationships.read_back(connection, 0, 10, False, True)["totals"]
try:
    runs = relationships.by_number(connection, 7, False) is not None
except Exception:
    runs = False
print(totals["not_searchable"], "of 9000 rows without a region, version 1 runs:", runs)
"""
    environment = {**os.environ, "KIT_FLAWS": flaw}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()
