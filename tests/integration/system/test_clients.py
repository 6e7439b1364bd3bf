"""A client of the user's own answers for a service that does not speak HTTP."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from harness import registry
from harness.config.reader import load_system
from harness.config.schema import ClientConfig, RequestTemplate
from harness.host.clock import Deadline, mono_ns, sleep, wait_until
from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver
from harness.meters.outage import Prober, prober_config
from harness.model import NS
from harness.system.clients.client import Client, Outcome
from harness.system.clients.door import ClientDoor
from harness.system.clients.serve import Service
from harness.system.clients.talk import ClientGone, Talk, ended
from harness.system.commands import SystemCommands

CLIENT = Path(__file__).with_name("notes_client.py")
# The same in another language would do: it answers what it is asked, the last question first.
PROGRAM = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    if asked["do"] == "read_all":
        print(json.dumps({"id": asked["id"], "entries": [["a", "1"], ["b", None]]}))
        print(json.dumps({"id": asked["id"], "done": True}), flush=True)
    elif asked["do"] == "version":
        print("no answer at all", flush=True)
        print(json.dumps({"id": asked["id"], "version": "7"}), flush=True)
    else:
        print(json.dumps({"id": asked["id"], "error": "not today"}), flush=True)
"""


def opened(folder: Path, config: ClientConfig, url: str = "") -> ClientDoor:
    """A door of a system that is kept in the folder."""
    system = load_system("hardened", registry.BUNDLED)
    return ClientDoor(config, url, SystemCommands(system, folder, 0, 0, sys.executable, folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes").write_text("")
    (tmp_path / "notes.version").write_text("3")
    return tmp_path


@pytest.fixture
def door(folder: Path) -> Iterator[ClientDoor]:
    door = opened(folder, ClientConfig(python=str(CLIENT)), f"file:{folder / 'notes'}")
    yield door
    door.close()


@pytest.fixture
def talk(door: ClientDoor) -> Iterator[Talk]:
    talk = Talk(door.path)
    yield talk
    talk.close()


def wrote(talk: Talk, token: str, payload: str) -> tuple[str, int, str]:
    return ended(talk.ask("write", 20, name="set", token=token, payload=payload))


def test_a_class_answers_every_question(talk: Talk, folder: Path) -> None:
    assert talk.ask("ready", 20)["ok"] is True
    assert talk.ask("version", 20)["version"] == "3"
    assert wrote(talk, "a", "1") == ("ok", 200, "")
    assert talk.ask("read", 20, name="get")["ok"] is True
    assert talk.entries(20) == [("a", "1")]
    assert "what a client prints is no answer" in (folder / "client-1.out").read_text()


def test_only_what_the_service_says_settles_a_write(talk: Talk) -> None:
    assert wrote(talk, "a", "too much")[:2] == ("refused", 507)
    outcome, _, said = wrote(talk, "b", "lost on its way")
    assert (outcome, said) == ("reset", "TimeoutError: lost on its way")
    assert talk.entries(20) == [("b", "lost on its way")]


def test_a_program_that_ends_is_told_and_another_is_started(talk: Talk, door: ClientDoor) -> None:
    with pytest.raises(ClientGone):
        wrote(talk, "a", "ends")
    assert wrote(talk, "b", "2") == ("ok", 200, "")
    assert len(door.programs) == 2


def test_a_program_in_any_language_answers_in_json_lines(folder: Path) -> None:
    door = opened(folder, ClientConfig(command=(sys.executable, "-c", PROGRAM)))
    talk = Talk(door.path)
    try:
        assert talk.ask("version", 20) == {"id": 1, "version": "7"}
        assert talk.entries(20) == [("a", "1"), ("b", None)]
        assert ended(talk.ask("read", 20, name="get")) == ("reset", 0, "not today")
    finally:
        talk.close()
        door.close()


def test_a_program_that_ends_as_soon_as_it_is_asked_is_not_started_as_fast_as_it_is_asked(folder: Path) -> None:
    door = opened(folder, ClientConfig(command=(sys.executable, "-c", "")))
    talk, began_ns = Talk(door.path), mono_ns()
    for _ in range(6):
        with pytest.raises(ClientGone):
            talk.ask("ready", 20)
        wait_until(lambda: all(p.exit is not None for p in door.programs), Deadline(20, "its end"))
    assert (mono_ns() - began_ns) / NS > 1.0  # each after the third waits half a second
    talk.close()
    door.close()


CONNECTED = """
import time
from harness import Client

class Connected(Client):
    def __init__(self, url):
        self.number = open(url).read()
        self.url = url

    def read(self):
        time.sleep(0.3)
        if open(self.url).read() != self.number:
            raise ConnectionError("of a service that is gone")
"""


def test_after_a_restart_one_failure_is_enough_for_all_that_were_connected_before(folder: Path) -> None:
    """Whoever keeps connections gives them up once one of them is found dead: the others would fail one by one, long
    after the service is back."""
    (folder / "connected.py").write_text(CONNECTED)
    number = folder / "number"
    number.write_text("1")
    door = opened(folder, ClientConfig(python=str(folder / "connected.py")), str(number))
    talk = Talk(door.path)

    def reads(together: int) -> list[str]:
        with ThreadPoolExecutor(together) as pool:
            asked = [pool.submit(talk.ask, "read", 20.0, name="get") for _ in range(together)]
            return [ended(a.result())[0] for a in asked]

    try:
        assert reads(4) == ["ok"] * 4
        number.write_text("2")
        assert reads(1) == ["reset"]
        assert reads(4) == ["ok"] * 4
    finally:
        talk.close()
        door.close()


def test_errors_that_are_the_services_word_on_a_request_cost_no_connections(folder: Path) -> None:
    made: list[int] = []

    class Refused(Client):
        def __init__(self, url: str) -> None:
            made.append(1)

        def read(self) -> None:
            return None

        def write(self, token: str, payload: str) -> Outcome:
            raise RuntimeError("no space left")

    service = Service(Refused, "", io.BytesIO())

    def ask(do: str) -> None:
        service.answer({"id": 1, "do": do, "token": "t", "payload": ""}, Deadline(20, "an answer"))

    def reads() -> None:
        for _ in range(50):
            ask("read")
            sleep(0.002)

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(reads) for _ in range(3)]
        writes = [pool.submit(ask, "write") for _ in range(10)]
        for future in (*done, *writes):
            future.result()
    assert len(made) <= 3 + 10 + 3  # each write's, and at most one more for each thread that only reads


def test_a_question_that_nobody_waits_for_any_more_is_not_asked() -> None:
    asked: list[str] = []

    class Asked(Client):
        def write(self, token: str, payload: str) -> Outcome:
            asked.append(token)
            return "acknowledged"

    told = io.BytesIO()
    service = Service(Asked, "", told)
    for token, within_s in (("late", 0.0), ("in time", 20.0)):
        question = {"id": 1, "do": "write", "token": token, "payload": ""}
        service.answer(question, Deadline(within_s, "an answer"))
    assert (asked, told.getvalue().count(b"\n")) == (["in time"], 1)


def test_what_is_no_client_is_told_on_its_output(folder: Path) -> None:
    (folder / "empty.py").write_text("")
    door = opened(folder, ClientConfig(python=str(folder / "empty.py")))
    talk = Talk(door.path)
    with pytest.raises(ClientGone):
        talk.ask("ready", 20)
    assert "defines 0 subclasses of harness.Client" in (folder / "client-1.out").read_text()
    door.close()


def test_load_and_prober_send_by_it(door: ClientDoor, folder: Path) -> None:
    for name in ("samples", "ledger"):
        (folder / name).mkdir()
    requests = (
        RequestTemplate("set", "write", 0, "GET", ""),
        RequestTemplate("get", "read", 1, "GET", ""),
    )
    config = LoadConfig(
        endpoint=Endpoint("http://localhost"),
        deadline_ms=2000,
        users=2,
        think_s=(0.01, 0.02),
        write_rate=20,
        arrival_rate=0,
        requests=requests,
        seed=1,
        samples_dir=str(folder / "samples"),
        ledger_dir=str(folder / "ledger"),
        status_path=str(folder / "status.jsonl"),
        program=str(door.path),
    )
    load, prober = LoadDriver(folder), Prober(prober_config(config), folder)
    try:
        load.configure(config)
        prober.start(30)
        load.start()
        assert wait_until(lambda: load.progress().writes_acknowledged > 10, Deadline(60, "writes"))
        assert wait_until(lambda: not prober.unanswered(), Deadline(30, "good probes"))
    finally:
        probed, stopped = prober.stop(), load.stop()
    assert (probed.clean, probed.bad_answers, stopped.clean, load.progress().bad) == (True, (), True, 0)
    written = {line.split('"')[1] for line in (folder / "notes").read_text().splitlines()}
    ledgers = "".join(path.read_text() for path in (folder / "ledger").glob("*.jsonl"))
    assert written and all(token in ledgers for token in written)
