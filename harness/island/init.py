"""Process 1 of an island: covers what must not be shared, starts the inside half, reaps orphans, and ends the island
when the lifeline says so or breaks.

Run as ``python -m harness.island.init SPEC_FD LIFELINE_FD``. The lifeline is a pipe whose only writer is the outside:
``stop`` asks the inside half to finish, end of file ends everything at once.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

from harness.errors import ExitCode, HarnessError
from harness.host.processes import descendants, state
from harness.island import mounts
from harness.island.spec import COVERED, OURS, WORK, WORK_MOUNT, IslandSpec

_PR_SET_CHILD_SUBREAPER = 36
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def cover(spec: IslandSpec) -> None:
    """Make the host read-only and give the island its own temporary directories, shared memory and work directory."""
    kept = {path: os.open(path, os.O_PATH | os.O_DIRECTORY) for path in (spec.record, *spec.keep)}
    mounts.set_read_only(Path("/"), True, recursive=True)
    for path in COVERED:
        if path.is_dir():
            mounts.tmpfs(path, "0755" if path in (WORK_MOUNT, Path("/run")) else "1777")
    record = WORK / "record"
    record.mkdir(parents=True)
    mounts.mount(f"/proc/self/fd/{kept[spec.record]}", record, flags=mounts.MS_BIND)
    mounts.set_read_only(record, False)
    for place in spec.keep:
        target = Path(place)
        if not target.exists():
            target.mkdir(parents=True)
            mounts.mount(f"/proc/self/fd/{kept[place]}", target, flags=mounts.MS_BIND | mounts.MS_REC)
    for fd in kept.values():
        os.close(fd)


def bring_loopback_up() -> None:
    """A new network namespace has its loopback down; by ioctl, so that not even `ip` is needed for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack_from("H", fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16s24x", b"lo")), 16)[0]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | _IFF_UP))


def start_inside(spec: IslandSpec) -> int:
    """Fork the inside half; its output goes to ``inside.log`` of the record."""
    pid = os.fork()
    if pid:
        return pid
    try:
        record = WORK / "record" if spec.kind != "none" else Path(spec.record)
        log = os.open(record / "inside.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.setsid()
        for fd in spec.fds.values():
            os.set_inheritable(fd, True)
        os.execvp(spec.inside[0], spec.inside)
    except OSError as error:
        os.write(2, f"start {spec.inside[0]}: {error}\n".encode())
    os._exit(ExitCode.OUR_BUG)


def watch(inside: int, lifeline: int) -> int:
    """Reap until the inside half ends (its exit code) or the lifeline breaks (137)."""
    wake, written = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # a terminal's Ctrl-C reaches us too; the outside decides
    poll = select.poll()
    poll.register(lifeline, select.POLLIN)
    poll.register(wake, select.POLLIN)
    while True:
        for fd, _ in poll.poll(1000):
            if fd == lifeline:
                if not os.read(lifeline, 4096):
                    return 137
                os.kill(inside, signal.SIGTERM)
            else:
                try:
                    os.read(wake, 4096)
                except BlockingIOError:
                    pass
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return 137
            if pid == 0:
                break
            if pid == inside:
                return os.waitstatus_to_exitcode(status) & 0xFF


def _is_ours(pid: str, inside: int) -> bool:
    """The inside half, or one of its senders."""
    try:
        return int(pid) == inside or OURS.encode() + b"=" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:  # it has ended, or is somebody else's
        return False


def end_descendants(inside: int, leave: bool) -> None:
    """Without a namespace of our own: end every process that descends from us (we are their subreaper), bounded; with
    ``leave`` only our own, for what a kit started is a system that is to stay."""
    for _ in range(50):
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        children = [child for child in children if not leave or _is_ours(child, inside)]
        if not children:
            break
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
                os.waitpid(int(child), 0)
            except (ProcessLookupError, ChildProcessError):
                continue
    for pid in descendants(os.getpid()):  # what a fault had stopped goes on: nobody else would ever wake it
        if state(pid) == "T":
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGCONT)


def main() -> int:
    spec_fd, lifeline = int(sys.argv[1]), int(sys.argv[2])
    with os.fdopen(spec_fd) as file:
        spec = IslandSpec.from_json(file.read())
    os.set_inheritable(lifeline, False)
    if spec.kind == "none":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        code = watch(inside := start_inside(spec), lifeline)
        end_descendants(inside, spec.leave)
        return code
    try:
        cover(spec)
        bring_loopback_up()
    except HarnessError as error:
        Path(spec.record, "island.error").write_text(f"{error.what}\n{error.why}\n{error.hint}\n")
        return ExitCode.HOST_CANNOT
    return watch(start_inside(spec), lifeline)


if __name__ == "__main__":
    sys.exit(main())
