"""Patches that break a part of the harness itself, each put in by a fault when the inside half makes it."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from _hollow import Hollow

from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver
from harness.meters import outage
from harness.model import Instant
from harness.recording.events import Event, OperationStarted
from harness.recording.recorder import Recorder
from harness.rehearsal.staging import traffic
from harness.system.operations import OperationRequest, Operations

NOBODY = "http://127.0.0.1:9"


class Stranger(BaseHTTPRequestHandler):
    """Answers everything that comes, with a cheerful nothing."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET

    def log_message(self, *_: object) -> None: ...


def stranger() -> str:
    """The address of a server that is not the system."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _load_aims_at(url: Callable[[], str]) -> None:
    configure = LoadDriver.configure

    def aimed(self: LoadDriver, config: LoadConfig) -> None:
        configure(self, replace(config, endpoint=Endpoint(url())))

    LoadDriver.configure = aimed  # type: ignore[method-assign]  # the sabotage


def _probes_aim_at(url: Callable[[], str]) -> None:
    made = outage.prober_config
    traffic.prober_config = lambda load, probe: made(replace(load, endpoint=Endpoint(url())), probe)


def _prober(then: Callable[[int], None]) -> None:
    """``then`` with the prober's pid, when a backup begins."""
    probers: list[outage.Prober] = []
    start, run = outage.Prober.start, Operations.run

    def started(self: outage.Prober, deadline_s: float = 5.0) -> None:
        start(self, deadline_s)
        probers.append(self)

    def sabotaged(self: Operations, request: OperationRequest, wanted_version: str = "") -> Any:
        if request.operation == "backup":
            then(probers[0].pid)
        return run(self, request, wanted_version)

    outage.Prober.start = started  # type: ignore[method-assign]  # the sabotage
    Operations.run = sabotaged  # type: ignore[method-assign]  # the sabotage


def _stopped(pid: int, seconds: float) -> None:
    """SIGSTOP now, SIGCONT later by somebody else."""
    subprocess.Popen(["sh", "-c", f"sleep {seconds}; kill -CONT {pid}"])
    os.kill(pid, signal.SIGSTOP)


def load_nowhere() -> None:
    traffic.STEADY_DEADLINE_S = 3.0
    _load_aims_at(lambda: NOBODY)


def load_elsewhere() -> None:
    _load_aims_at(stranger)


def probes_nowhere() -> None:
    _probes_aim_at(lambda: NOBODY)


def probes_elsewhere() -> None:
    _probes_aim_at(stranger)


def prober_killed() -> None:
    _prober(lambda pid: os.kill(pid, signal.SIGKILL))


def prober_paused() -> None:
    _prober(lambda pid: _stopped(pid, 2.5))


def inside_paused() -> None:
    """We ourselves stand still while the kit works: longer than its claim, and than its deadline."""
    wait = Operations._wait

    def paused(self: Operations, process: Any, id_: str, start_ns: int, deadline_s: float) -> int | None:
        if id_ == "deploy-1":
            _stopped(os.getpid(), 3.5)
        return wait(self, process, id_, start_ns, deadline_s)

    Operations._wait = paused  # type: ignore[method-assign]  # the sabotage


def recording_full() -> None:
    """The file system the recording lies on fills while the backup runs, and stays full."""
    record = Recorder.record

    def filling(self: Recorder, event: Event, when: Instant | None = None) -> Instant:
        at = record(self, event, when)
        if isinstance(event, OperationStarted):
            with (self.folder / "ballast").open("wb", buffering=0) as file:
                for size in (1 << 20, 1 << 12, 1):
                    try:
                        while True:
                            file.write(bytes(size))
                    except OSError as error:
                        assert error.errno == errno.ENOSPC
        return at

    Recorder.record = filling  # type: ignore[method-assign]  # the sabotage


PATCHES = {
    name.replace("_", "-"): patch
    for name, patch in (
        ("load_nowhere", load_nowhere),
        ("load_elsewhere", load_elsewhere),
        ("probes_nowhere", probes_nowhere),
        ("probes_elsewhere", probes_elsewhere),
        ("prober_killed", prober_killed),
        ("prober_paused", prober_paused),
        ("inside_paused", inside_paused),
        ("recording_full", recording_full),
    )
}


@dataclass(frozen=True)
class Patched(Hollow):
    """A fault that bites nobody: the patch of its name is put in where the inside half makes it."""

    patch: str = ""
    name: ClassVar[str] = "patched"

    def __post_init__(self) -> None:
        if Path(sys.argv[0]).parts[-2:] == ("rehearsal", "main.py"):
            PATCHES[self.patch]()
