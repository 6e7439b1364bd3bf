"""Long-running processes of the installation: started in their own session, ended by pid and start time."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from phases import Deadline
from places import start_time


def start(argv: list[str], log: Path, wait_for_go: bool = False) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a daemon. With ``wait_for_go`` it serves only after ``go``, so that it can be written down first."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if wait_for_go else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    return process, {"pid": process.pid, "started": start_time(process.pid), "boot": boot_id()}


def go(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(b"go\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended already; whoever waits for it to be ready sees that and says so


def alive(note: dict[str, Any] | None) -> bool:
    """Whether the very process of the note still runs: the same pid with another start time is somebody else, and so is
    one that was started as soon after another boot."""
    return note is not None and note.get("boot", boot_id()) == boot_id() and start_time(note["pid"]) == note["started"]


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def end(note: dict[str, Any] | None, grace_s: float) -> None:
    """SIGTERM, then SIGKILL after ``grace_s``."""
    for number, limit_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 5.0)):
        if not note or not alive(note):
            return
        if number is signal.SIGKILL or grace_s > 0:
            os.kill(note["pid"], number)
        deadline = Deadline(limit_s)
        while alive(note) and not deadline.passed:
            time.sleep(0.02)
