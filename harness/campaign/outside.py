"""The outside half of a run: makes the island, follows its recording, passes signals in, and sinks it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec

from harness.config.schema import SystemConfig
from harness.disks.disk import images
from harness.errors import ExitCode, HarnessError
from harness.host.checkout import ROOT
from harness.host.clock import Deadline, mono_ns
from harness.host.sizes import size
from harness.host.undo import UndoLog
from harness.island.island import Island
from harness.island.spec import WORK, IslandSpec
from harness.plan import Plan, staging_path
from harness.recording.events import Event, decode
from harness.recording.recorder import EVENTS

# CI systems kill soon after they cancel: this long the inside half has to heal and leave.
STOP_GRACE_S = 5.0
_POLL_S = 0.1
# What a run may write to `reports/` before a full disk there would spoil its recording.
LEAST_FREE_BYTES = 256_000_000

OnEvent = Callable[[Event], None]


def _ignore(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN, which whatever a run starts would inherit."""


class Signals:
    """Remembers the first SIGINT, SIGTERM or SIGHUP (unless that was ignored before); whoever waits asks, in any
    thread. ``abandoned``: the command itself wants its runs to end, for it cannot go on."""

    def __init__(self) -> None:
        self.number: int | None = None
        self.abandoned = False

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Started with `nohup`, a run is to outlive the log-out.
            nohup = number == signal.SIGHUP and signal.getsignal(number) in (signal.SIG_IGN, _ignore)
            signal.signal(number, _ignore if nohup else self._remember)

    def _remember(self, number: int, _frame: FrameType | None) -> None:
        self.number = self.number or number

    def abandon(self) -> None:
        self.abandoned = True

    @property
    def stop(self) -> bool:
        """Whether every run is to end now."""
        return self.number is not None or self.abandoned

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.INTERRUPTED if self.number == signal.SIGINT else ExitCode.TERMINATED


def rehearse(
    plan: Plan,
    config: SystemConfig,
    about: Mapping[str, Any],
    out: Path,
    undo: UndoLog,
    signals: Signals,
    on_event: OnEvent,
    deadline_s: float,
) -> Path:
    """Run one cell to its end and return the folder of its recording (still staged: judged and named by the caller).

    ``about`` goes into run.json beside the plan. Raises HarnessError when the island could not be made.
    """
    folder = staging_path(out, plan.run)
    check_room(out)
    with ExitStack() as after:
        after.callback(undo.done, undo.record("staging", {"path": str(folder)}))
        folder.mkdir(parents=True)
        if plan.kind == "none":
            # A short path: that of a Unix socket has 107 bytes.
            work = Path(tempfile.gettempdir(), f"drill-{os.getpid()}-{mono_ns():x}")
            about_work = "work directory of a run without an island"
            after.callback(undo.done, undo.record("path", {"path": str(work)}, about_work))
            work.mkdir(mode=0o700)
            after.callback(shutil.rmtree, work, ignore_errors=True)
            plan = replace(plan, work=str(work), port=_free_port())
        with ExitStack() as started:
            if plan.kind == "root":
                sizes = {"data": config.disks.data_bytes, "backup": config.disks.backup_bytes}
                plan = replace(plan, fds=images(folder, sizes, bool(about.get("timing"))))
            for fd in plan.fds.values():
                started.callback(os.close, fd)  # the island has its own by then
            (folder / "run.json").write_text(json.dumps({"plan": plan.to_dict(), **about}, indent=1))
            island = Island(_spec(plan, config, folder), folder / "island.log")
            after.callback(island.destroy, STOP_GRACE_S)
            island.start()
        _follow(island, folder, signals, on_event, deadline_s)
    return folder


def _spec(plan: Plan, config: SystemConfig, folder: Path) -> IslandSpec:
    record = WORK / "record" if plan.kind != "none" else folder
    return IslandSpec(
        kind=plan.kind,
        inside=(sys.executable, "-m", "harness.rehearsal.main", str(record)),
        record=str(folder),
        work=plan.work,
        keep=_kept(plan, config),
        fds=plan.fds,
        leave=config.service.attach,
    )


def _follow(island: Island, folder: Path, signals: Signals, on_event: OnEvent, deadline_s: float) -> None:
    """Hand every event on as it is written, until the island is down, a signal comes, or the deadline passes."""
    deadline = Deadline(deadline_s, "the run")
    asked: Deadline | None = None
    offset, rest = 0, b""
    while True:
        code = island.wait(_POLL_S)
        path = folder / EVENTS
        if path.exists():
            with path.open("rb") as file:
                file.seek(offset)
                data = file.read()
            offset += len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                with suppress(msgspec.DecodeError):  # whoever judges the recording says so
                    on_event(decode(line))
        if code is not None:
            return
        if asked is None and (signals.stop or deadline.passed):
            island.ask_to_stop()
            asked = Deadline(STOP_GRACE_S, "the inside half to leave")
        if asked is not None and asked.passed:
            return


def _kept(plan: Plan, config: SystemConfig) -> tuple[str, ...]:
    """Directories the run reads from, wherever they lie: the code, the interpreter, the system, the user's faults."""
    places = {
        ROOT,
        Path(sys.prefix),
        Path(sys.base_prefix),
        Path(sys.executable).resolve().parents[1],
        # With --target, PYTHONPATH or a .pth file packages lie elsewhere.
        *(Path(p) for p in sys.path if Path(p).name in ("site-packages", "dist-packages") and Path(p).is_dir()),
        config.folder,
        *(Path(f.source.folder or Path(f.source.file).parent) for f in plan.faults if f.source),
    }
    return tuple(sorted(str(p.resolve()) for p in places))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def check_room(out: Path) -> None:
    """Make ``out`` if it is missing; an error when nothing can be written there, or too little."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        state = os.statvfs(out)
    except OSError as error:
        why = "it is not a directory" if isinstance(error, FileExistsError) else error.strerror or str(error)
        raise HarnessError(f"write to {out}", why, "choose another place with --out") from error
    free = state.f_bavail * state.f_frsize
    if free < LEAST_FREE_BYTES:
        raise HarnessError(
            f"record under {out}",
            f"only {size(free)} are free there, a run needs {size(LEAST_FREE_BYTES)}",
            "free some space, or choose another place with --out",
            ExitCode.HOST_CANNOT,
        )
