"""An island: no way out, nothing shared, and nothing of it outlives any of its four processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.island.island import KIND_VARIABLE, Island, best_kind
from harness.island.spec import WORK, IslandSpec, Kind
from tests.e2e import host_state
from tests.e2e.command import ROOT
from tests.e2e.live_run import SCENARIOS, LiveRun, member, tiny_copy

pytestmark = pytest.mark.island

KINDS = [pytest.param("root", marks=pytest.mark.root), "user"]
# Where the code and the interpreter are, wherever that is.
KEPT = tuple(sorted({str(ROOT), sys.prefix, sys.base_prefix, str(Path(sys.executable).resolve().parents[1])}))
PATIENCE_S = 20.0

# Everything a program on an island can see of the world. It refuses to look from the test's own network.
LOOK = """
import errno, json, os, socket, sys
record, outer_net, kept = sys.argv[1:4]
assert os.readlink("/proc/self/ns/net") != outer_net, "this is no island"

def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"

def write(folder):
    return attempt(lambda: os.close(os.open(folder + "/drill-written", os.O_CREAT | os.O_WRONLY)))

def send(address):
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as datagram:
        return attempt(lambda: datagram.sendto(b"x", (address, 9)))

def talk_to_itself():
    with socket.create_server(("127.0.0.1", 8080)) as server:
        socket.create_connection(server.getsockname(), 5).close()

covered = ["/tmp", "/var/tmp", "/dev/shm", "/run"]
before = {folder: os.listdir(folder) for folder in covered}
seen = {
    "routes": open("/proc/net/route").read().splitlines()[1:],
    "routes6": sorted({line.split()[-1] for line in open("/proc/net/ipv6_route")}),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "connect": attempt(lambda: socket.create_connection(("192.0.2.1", 80), 5)),
    "sent": {a: send(a) for a in ("192.0.2.1", "2001:db8::1", "255.255.255.255")},
    "itself": attempt(talk_to_itself),
    "before": before,
    "written": {f: write(f) for f in (*covered, "/", "/etc", "/var", "/usr", "/mnt", "/mnt/drill/record", kept)},
    "kept": os.listdir(kept),
    "root": bool(os.statvfs("/").f_flag & os.ST_RDONLY),
    "processes": [p for p in os.listdir("/proc") if p.isdigit()],
    "uid": os.geteuid(),
    "init": open("/proc/1/cmdline").read().split(chr(0))[1:3],
}
json.dump(seen, open(record + "/look.json", "w"))
"""

# Takes the same names as its neighbour, says so, and looks around once the neighbour has taken them too.
NEIGHBOUR = """
import ctypes, json, os, socket, sys, time
record, name = sys.argv[1:3]
for folder in ("/tmp", "/dev/shm", "/var/tmp", "/run"):
    open(folder + "/drill-lock", "x").write(name)
server = socket.create_server(("127.0.0.1", 8080))
libc = ctypes.CDLL(None, use_errno=True)
queue = libc.msgget(0x4452, 0o3600)  # IPC_CREAT | IPC_EXCL
open(record + "/ready", "w").close()
while not os.path.exists(record + "/go"):
    time.sleep(0.02)
words = [open(f"/proc/{p}/cmdline").read() for p in os.listdir("/proc") if p.isdigit()]
seen = {
    "queue": queue,
    "queues": len(open("/proc/sysvipc/msg").readlines()) - 1,
    "neighbours": sum(w.rstrip(chr(0)).rpartition(chr(0))[2].startswith("neighbour-") for w in words),
    "files": [open(f + "/drill-lock").read() for f in ("/tmp", "/dev/shm", "/var/tmp", "/run")],
}
json.dump(seen, open(record + "/look.json", "w"))
"""

# All a run has: disks on loop devices, a service, shared memory, and a daemon that made itself independent.
BUSY = """
import ctypes, json, os, socket, sys, time
from pathlib import Path
from harness.disks.disk import mount_sized
record, kind, then = sys.argv[1:4]
fds = json.loads(Path(record, "fds.json").read_text())
for name in ("data", "backup"):
    disk = mount_sized(name, Path("/mnt/drill/sut") / name, 16 << 20, kind, fds.get(name))
    (disk.path / "file").write_text("x" * 100000)
server = socket.create_server(("127.0.0.1", 8080))
ctypes.CDLL(None).shmget(0x4452, 4096, 0o3600)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.chdir(disk.path)
        os.execvp("sleep", ["sleep", "599"])
    os._exit(0)
os.wait()
Path(record, "profile").write_text(disk.profile)
while then == "stay" or not Path(record, "go").exists():
    time.sleep(0.02)
"""

# The outside half, in as few lines as it takes.
OUTSIDE = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from harness.disks.disk import image
from harness.island.island import Island
from harness.island.spec import IslandSpec
spec = IslandSpec.from_json(Path(sys.argv[1]).read_text())
record = Path(spec.record)
fds = {name: image(record) for name in ("data", "backup")} if spec.kind == "root" else {}
(record / "fds.json").write_text(json.dumps(fds))
island = Island(replace(spec, fds=fds), record / "island.log")
island.start()
for fd in fds.values():
    os.close(fd)
sys.exit(island.wait(600))
"""


def spec(kind: Kind, record: Path, program: str, *words: str, keep: tuple[str, ...] = ()) -> IslandSpec:
    record.mkdir(parents=True)
    inside = (sys.executable, "-c", program, str(WORK / "record"), *words)
    return IslandSpec(kind, inside, str(record), str(WORK), keep=(*KEPT, *keep))


@pytest.fixture
def island() -> Iterator[Callable[[IslandSpec], Island]]:
    """Starts islands, and sinks them in the end."""
    started: list[Island] = []

    def start(wanted: IslandSpec) -> Island:
        started.append(Island(wanted, Path(wanted.record) / "island.log"))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.destroy()


def said(record: Path) -> str:
    """What an island that failed has to say."""
    return "\n".join(p.read_text() for p in sorted(record.iterdir()) if p.suffix in (".log", ".error"))


def appears(path: Path, record: Path) -> None:
    assert host_state.waited(lambda: [] if path.exists() else [path.name], PATIENCE_S) == [], said(record)


# -- what can be seen from it --------------------------------------------------------------------------------------
@pytest.fixture(scope="module", params=KINDS)
def look(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What LOOK saw on an island of that kind."""
    base = tmp_path_factory.mktemp("look")
    kept = base / "kept"
    kept.mkdir()
    (kept / "file").touch()
    wanted = spec(request.param, base / "record", LOOK, os.readlink("/proc/self/ns/net"), str(kept), keep=(str(kept),))
    one = Island(wanted, base / "island.log")
    one.start()
    try:
        assert one.wait(PATIENCE_S) == 0, said(base) + said(base / "record")
    finally:
        one.destroy()
    seen: dict[str, Any] = json.loads((base / "record" / "look.json").read_text())
    return seen | {"kept at": str(kept), "kept after": sorted(p.name for p in kept.iterdir())}


def test_there_is_no_way_out(look: dict[str, Any]) -> None:
    assert (look["routes"], look["interfaces"]) == ([], ["lo"])
    assert set(look["routes6"]) <= {"lo"}
    assert look["connect"] == "ENETUNREACH"
    assert look["sent"] == {"192.0.2.1": "ENETUNREACH", "2001:db8::1": "ENETUNREACH", "255.255.255.255": "ENETUNREACH"}


def test_its_own_loopback_is_up(look: dict[str, Any]) -> None:
    assert look["itself"] == "done"


def test_the_host_is_read_only(look: dict[str, Any]) -> None:
    assert look["root"]
    assert {f: look["written"][f] for f in ("/", "/etc", "/var", "/usr")} == dict.fromkeys(
        ("/", "/etc", "/var", "/usr"), "EROFS"
    )
    assert look["written"]["/mnt/drill/record"] == "done"


def test_places_for_temporary_files_are_empty_and_its_own(look: dict[str, Any]) -> None:
    for folder, names in look["before"].items():
        # But for the way to what must stay reachable below it.
        way = {Path(k).relative_to(folder).parts[0] for k in (*KEPT, look["kept at"]) if Path(k).is_relative_to(folder)}
        assert set(names) <= way, folder
        assert look["written"][folder] == "done"
        assert not Path(folder, "drill-written").exists()


def test_what_it_reads_from_stays_reachable_below_a_covered_path_and_cannot_be_written(look: dict[str, Any]) -> None:
    assert Path(look["kept at"]).is_relative_to(tempfile.gettempdir())
    assert look["kept"] == ["file"]
    assert look["written"][look["kept at"]] == "EROFS"
    assert look["kept after"] == ["file"]


def test_its_process_1_is_ours_and_the_host_s_processes_are_not_there(look: dict[str, Any]) -> None:
    assert (look["uid"], look["init"]) == (0, ["-m", "harness.island.init"])
    assert len(look["processes"]) == 2


def test_a_whole_run_works_from_a_checkout_below_tmp(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    skipped = shutil.ignore_patterns("__pycache__", "bundled")
    for name in ("harness", "scenarios"):
        shutil.copytree(ROOT / name, checkout / name, ignore=skipped)
    inside = checkout / "harness" / "rehearsal" / "main.py"
    inside.write_text(
        inside.read_text().replace("    record = Path", "    print(__file__, flush=True)\n    record = Path")
    )
    system = tiny_copy(checkout / "tiny")
    words = ["run", "quick:backup", "--scenarios", str(SCENARIOS), "--system", str(system), "--no-live"]
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words, "--out", str(checkout / "reports")],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout / "reports/latest/quick-backup/inside.log").read_text() == f"{inside}\n"


# -- two of them ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_two_at_the_same_time_do_not_meet(kind: Kind, tmp_path: Path, island: Callable[[IslandSpec], Island]) -> None:
    mark = host_state.new_mark()
    before = host_state.snapshot(mark)
    records = {name: tmp_path / name for name in ("neighbour-a", "neighbour-b")}
    pair = [island(spec(kind, record, NEIGHBOUR, name)) for name, record in records.items()]
    for record in records.values():
        appears(record / "ready", record)
    # Both hold all of it now, and the host holds none of it.
    assert host_state.left_behind(before, mark, 1.0) == []
    for record in records.values():
        (record / "go").touch()
    for one, (name, record) in zip(pair, records.items(), strict=True):
        assert one.wait(PATIENCE_S) == 0, said(record)
        seen = json.loads((record / "look.json").read_text())
        assert seen["files"] == [name] * 4
        assert (seen["queue"] >= 0, seen["queues"], seen["neighbours"]) == (True, 1, 1)


# -- its end -------------------------------------------------------------------------------------------------------
class Outside:
    """An outside half in a process of its own, with a busy island."""

    def __init__(self, kind: Kind, base: Path, then: str = "stay") -> None:
        self.record = base / "record"
        self.mark = host_state.new_mark()
        self._before = host_state.snapshot(self.mark)
        (base / "spec.json").write_text(spec(kind, self.record, BUSY, kind, then).to_json())
        argv = [sys.executable, "-c", OUTSIDE, str(base / "spec.json")]
        self.process = subprocess.Popen(argv, env=host_state.marked(self.mark), cwd=ROOT)

    def wait_until_busy(self) -> dict[int, host_state.Process]:
        """All its processes, once it has everything a run has."""
        appears(self.record / "profile", self.record)
        family = host_state.of_run(self.mark)
        assert [p.pid for p in family.values() if p.words == "sleep 599"], "no daemon"
        return family

    def loops(self) -> frozenset[str]:
        return host_state.snapshot(self.mark).loops - self._before.loops

    def left_behind(self) -> list[str]:
        return host_state.left_behind(self._before, self.mark, PATIENCE_S)

    def end(self) -> None:
        host_state.end_run(self.mark)
        self.process.wait(PATIENCE_S)


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Callable[..., Outside]]:
    started: list[Outside] = []

    def start(kind: Kind, then: str = "stay") -> Outside:
        started.append(Outside(kind, tmp_path, then))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.mark.parametrize("role", ["outside", "unshare", "init", "inside"])
@pytest.mark.parametrize("kind", KINDS)
def test_sigkill_of_any_of_its_processes_ends_all_of_it(kind: Kind, role: str, outside: Callable[..., Outside]) -> None:
    one = outside(kind)
    family = one.wait_until_busy()
    assert len({p.namespaces[0] for p in family.values()}) == 2  # pid: the host's, and the island's
    if kind == "root" and "loop" in (one.record / "profile").read_text():
        assert len(one.loops()) == 2
    words = {p.pid: p.words for p in family.values()}
    if role == "inside":
        pid = min(p for p, said_ in words.items() if said_.startswith(f"{sys.executable} -c") and p != one.process.pid)
    else:
        pid = one.process.pid if role == "outside" else member(family, role)
    os.kill(pid, signal.SIGKILL)
    assert one.left_behind() == []
    assert one.process.wait(PATIENCE_S) != 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_daemon_that_made_itself_independent_ends_with_it(kind: Kind, outside: Callable[..., Outside]) -> None:
    one = outside(kind, "go")
    one.wait_until_busy()
    (one.record / "go").touch()
    assert one.process.wait(PATIENCE_S) == 0, said(one.record)
    assert one.left_behind() == []


def test_the_kind_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("user", "none"):
        monkeypatch.setenv(KIND_VARIABLE, kind)
        assert best_kind() == kind


def test_a_whole_run_in_a_user_namespace_leaves_nothing_when_it_is_killed(tmp_path: Path) -> None:
    system = tiny_copy(tmp_path / "tiny")
    words = ("quick:backup", "--scenarios", SCENARIOS)
    with LiveRun(tmp_path / "out", *words, system=system, env={KIND_VARIABLE: "user"}) as run:
        run.wait_for_event("load.start")
        assert "memory file system" in next(e["profile"] for e in run.events() if e["kind"] == "disk")
        run.kill()
        assert run.left_behind() == []
