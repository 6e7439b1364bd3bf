"""A service is started and stopped as real ones are: in the foreground or not, quickly or not."""

from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from harness.config.reader import load_system
from harness.host.checkout import BUNDLED
from harness.recording.recorder import Recorder
from harness.system.live import LiveSystem

SYSTEM = """
name = "small"
[service]
start = {start}
stop = {stop}
url = "http://127.0.0.1:{{port}}"
stop_deadline_s = {deadline_s}
[data]
kind = "opaque"
dir = "{{dir}}/data"
backup_dir = "{{dir}}/backup"
[versions]
old = "1"
new = "2"
[operations.backup]
command = ["true"]
[load]
write_rate = 0
[[load.requests]]
name = "look"
kind = "read"
path = "/"
"""
SERVER = """
import http.server, os, signal, sys, threading, time
drain_s, port = float(sys.argv[1]), int(sys.argv[2])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
def drain():
    time.sleep(drain_s)
    open(sys.argv[3] + "/drained", "w").close()
    os._exit(0)
def leave(*_):
    threading.Thread(target=drain).start()
signal.signal(signal.SIGTERM, leave)
open(sys.argv[3] + "/pid", "w").write(str(os.getpid()))
server.serve_forever()
"""
Make = Callable[..., LiveSystem]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """A system with a foreground service that takes ``drain_s`` to leave, started; ``stop`` is its command."""
    made: list[LiveSystem] = []
    recorder = Recorder(tmp_path / "run")

    def _make(stop: str, deadline_s: float, drain_s: float) -> LiveSystem:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        (tmp_path / "server.py").write_text(SERVER)
        start = ["{python}", "{system}/server.py", str(drain_s), "{port}", "{dir}"]
        words = ["sh", "-c", stop] if stop else []
        (tmp_path / "system.toml").write_text(SYSTEM.format(start=start, stop=words, deadline_s=deadline_s))
        config = load_system(str(tmp_path), BUNDLED)
        directory = tmp_path / "sut"
        directory.mkdir()
        made.append(LiveSystem(config, directory, port, 1, {}, recorder, sys.executable))
        made[-1].service.start("1")
        return made[-1]

    yield _make
    for system in made:
        system.service.stop(0.5)
    recorder.close()
    for left in tmp_path.rglob("left"):
        for pid in left.read_text().split():
            psutil.Process(int(pid)).kill()


def test_one_that_drains_for_longer_than_two_seconds_is_let_end(make: Make) -> None:
    system = make("", 30, 2.5)
    stop = system.service.stop()
    assert (stop.error, stop.killed) == ("", False)
    assert (system.directory / "drained").exists()


def test_one_that_drains_for_longer_than_it_may_is_killed_and_that_is_said(make: Make) -> None:
    system = make("", 0.3, 30)
    assert system.service.stop().killed
    assert not (system.directory / "drained").exists()


def test_a_stop_that_waits_for_the_service_to_be_gone_sees_it_go(make: Make) -> None:
    waits = "pid=$(cat pid); kill $pid; while kill -0 $pid 2>/dev/null; do sleep 0.05; done"
    stop = make(waits, 20, 0.2).service.stop()
    assert (stop.error, stop.killed) == ("", False)


def test_a_stop_that_leaves_a_child_with_its_output_is_over_when_it_ends(make: Make) -> None:
    began = time.monotonic()
    stop = make("kill $(cat pid); sleep 987654 & echo $! >> left; exit 0", 20, 0.1).service.stop()
    assert (stop.error, stop.killed) == ("", False)
    assert time.monotonic() - began < 15


def test_a_stop_that_asked_well_is_not_asked_again_while_the_service_drains(make: Make, tmp_path: Path) -> None:
    system = make("kill $(cat pid)", 20, 0.5)
    (tmp_path / "server.py").touch()
    assert system.service.stop().error == ""
    assert (system.directory / "drained").exists()


@pytest.mark.parametrize(
    ("command", "deadline_s", "said"),
    [
        ("echo no such service >&2; exit 3", 5, "exited with 3"),
        ("echo waiting; sleep 987654", 0.3, "had not ended after 0.3 s"),
    ],
)
def test_a_stop_that_fails_is_told_and_the_service_ended_all_the_same(
    make: Make, command: str, deadline_s: float, said: str
) -> None:
    system = make(command, deadline_s, 0.0)
    process = system.service._process
    assert process
    stop = system.service.stop()
    assert said in stop.error
    assert process.exit in (0, -signal.SIGTERM, -signal.SIGKILL)
