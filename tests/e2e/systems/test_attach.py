"""A system that runs already: used as it is, neither started nor stopped, and left with whatever its kit started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest

from harness.host.clock import Deadline, wait_until
from harness.host.processes import state
from harness.island.island import Island
from harness.island.spec import IslandSpec
from harness.recording.recording import Recording
from tests.e2e import healing, host_state
from tests.e2e.command import TINY, Done, deploydrill
from tests.e2e.live_run import SCENARIOS, LiveRun

_TINY = f'"{{python}}", "{TINY / "tiny.py"}"'
# A program in the background, such as a deployment leaves that starts a new version.
_LEAVES = "'setsid sleep 600 & echo $! > $TINY_DIR/left; exec \"$@\"'"
_ATTACHED = f"""
name = "attached"
[service]
attach = true
url = "http://127.0.0.1:PORT"
deadline_ms = 30000
access_log = "HOME/logs/access.log"
[env]
TINY_DIR = "HOME"
[versions]
old = "1"
new = "2"
[operations]
backup = {{ command = ["sh", "-c", {_LEAVES}, "sh", {_TINY}, "backup"] }}
deploy = {{ command = [{_TINY}, "deploy", "{{version}}"] }}
rollback = {{ command = [{_TINY}, "deploy", "1"] }}
status = {{ command = [{_TINY}, "status"] }}
[load]
users = 4
think_s = [0.05, 0.15]
write_rate = 30.0
[[load.requests]]
name = "create"
kind = "write"
weight = 0
method = "POST"
path = "/entries"
body = '{{"token": "{{token}}", "payload": "{{payload}}"}}'
[[load.requests]]
name = "look"
kind = "read"
path = "/look?n={{n}}"
[load.read_back]
path = "/entries?after={{after}}"
"""


@dataclass(frozen=True)
class Running:
    """The service as somebody else started it, and its system.toml."""

    home: Path
    toml: Path
    url: str
    process: subprocess.Popen[bytes]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except URLError:
            return False

    def left(self) -> int:
        """The program that the last backup left running."""
        return int((self.home / "left").read_text())

    def run(self, *words: str | Path) -> Done:
        common = ("--scenarios", SCENARIOS, "--system", self.toml, "--out", self.home.parent / "out", "--no-live")
        return deploydrill("run", *words, *common)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home, toml = tmp_path / "home", tmp_path / "attached.toml"
    home.mkdir()
    toml.write_text(_ATTACHED.replace("PORT", str(port)).replace("HOME", str(home)))
    argv = [sys.executable, str(TINY / "tiny.py"), "serve", str(port)]
    process = subprocess.Popen(argv, env={**os.environ, "TINY_DIR": str(home)})
    system = Running(home, toml, f"http://127.0.0.1:{port}", process)
    try:
        deadline = time.monotonic() + 30
        while not system.answers():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield system
    finally:
        process.kill()
        process.wait()


def test_it_is_rehearsed_where_it_is_and_left_as_it_was(running: Running, tmp_path: Path) -> None:
    # First a run that is killed: its writes are there when the next one begins, and its lines in the log.
    with healing.alone():
        with LiveRun(tmp_path / "killed", "quick:backup", "--scenarios", SCENARIOS, system=running.toml) as live:
            live.wait_for_event("operation.stop")
            left = running.left()
            live.kill()
            deadline = time.monotonic() + 20
            while family := [p for p in host_state.of_run(live.mark) if p != left]:
                assert time.monotonic() < deadline, family
                time.sleep(0.05)
            assert running.process.poll() is None and running.answers()
            assert list(host_state.of_run(live.mark)) == [left]  # what the kit had started goes on
            os.kill(left, 9)
        healed = deploydrill("heal")
    assert healed.exit == 0
    work = f"healed: path {tempfile.gettempdir()}/drill-{live.process.pid}-"
    assert healed.out.count(work) == 1, healed.out

    done = running.run("quick:backup", "disk_full:before-backup")
    try:
        assert running.process.poll() is None and running.answers()
        assert Path(f"/proc/{running.left()}/cmdline").read_bytes().startswith(b"sleep")
    finally:
        os.kill(running.left(), 9)
    assert (done.exit, done.found("fail")) == (3, [])
    assert {r["scenario"]: r["outcome"] for r in done.results()} == {"quick": "pass", "disk_full": "unknown"}
    (found,) = done.found("unknown")
    assert (found["code"], found["details"]) == ("run.attached_lacks", {"needs": ["sized_disk"]})
    quick = next(r for r in done.results() if r["scenario"] == "quick")
    assert quick["host"]["island"] == "none: the system runs already"
    recording = Recording(next(done.report.glob("quick-*")))
    (look, *_) = recording.observations
    assert look.cause != "before" and len(look.held_before) > 20  # the killed run's, which no ledger of this one holds
    assert not (done.report / "quick-backup" / "artefacts").exists()


def test_what_a_fault_had_stopped_goes_on_when_the_run_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "stopped"
    stops = f"setsid sleep 600 & kill -STOP $!; echo $! > {told}.new; mv {told}.new {told}; exec sleep 600"
    island = Island(
        IslandSpec("none", ("sh", "-c", stops), str(tmp_path), str(tmp_path), leave=True), tmp_path / "island.log"
    )
    island.start()
    try:
        assert wait_until(told.exists, Deadline(20, "its words"))
        pid = int(told.read_text())
        assert wait_until(lambda: state(pid) == "T", Deadline(5, "the signal"))
    finally:
        island.destroy()
    try:
        assert wait_until(lambda: state(pid) == "S", Deadline(5, "the signal"))
    finally:
        os.kill(pid, 9)


def error_of(done: Done) -> str:
    """What broke the run off."""
    (found,) = done.found("unknown", "run.broken_off")
    return str(found["details"]["error"])


def test_one_that_does_not_run_or_runs_another_version_is_unknown(running: Running) -> None:
    (running.home / "version").write_text("2")
    done = running.run("quick:backup")
    assert done.exit == 3
    assert "version 2" in error_of(done)
    running.process.kill()
    running.process.wait()
    done = running.run("quick:backup")
    assert done.exit == 3
    assert f"{running.url}/ready" in error_of(done)
