"""Processes by their id: who they are, what they wait for, and how to end them."""

from __future__ import annotations

import os
import re
import select
import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.host.clock import Deadline

_PROC = Path("/proc")
# In the flags of /proc/PID/stat (include/linux/sched.h).
_PF_EXITING = 0x4
_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "in uninterruptible sleep (disk)",
    "T": "stopped by a signal",
    "t": "stopped by a debugger",
    "Z": "exited, not yet reaped",
    "I": "idle",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """One process of one boot: a pid alone is used again sooner or later. ``pid_namespace`` is the inode of the
    namespace the pid belongs to."""

    pid: int
    start_ticks: int
    boot: str
    pid_namespace: int


def boot_id() -> str:
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def pid_namespace() -> int:
    return (_PROC / "self/ns/pid").stat().st_ino


def identity(pid: int) -> Identity | None:
    """Who ``pid`` is now, None when there is no such process."""
    ticks = start_time(pid)
    return None if ticks is None else Identity(pid, ticks, boot_id(), pid_namespace())


def start_time(pid: int) -> int | None:
    """When it started, in clock ticks since boot; None when there is no such process."""
    stat = _stat(pid)
    return int(stat[19]) if stat else None


def is_running(who: Identity) -> bool:
    """Whether exactly that process still runs (a zombie does not). Only for pids of our own pid namespace."""
    if who.boot != boot_id():
        return False
    stat = _stat(who.pid)
    return stat is not None and int(stat[19]) == who.start_ticks and stat[0] not in "ZX"


def state(pid: int) -> str:
    """The letter of its state (``T``: stopped by a signal, ``Z``: exited, not yet reaped); empty when there is none."""
    stat = _stat(pid)
    return stat[0] if stat else ""


def is_pending(pid: int, number: int) -> bool:
    """Whether a signal waits to reach the process; False for none of that number."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return False
    pending = [int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd:", "ShdPnd:"))]
    return any(mask >> (number - 1) & 1 for mask in pending)


def is_ending(pid: int) -> bool:
    """Whether the process was killed or is on its way out: no line of its program will run any more."""
    stat = _stat(pid)
    return bool(stat and int(stat[6]) & _PF_EXITING) or is_pending(pid, signal.SIGKILL)


def group_states(group: int) -> dict[int, str]:
    """The processes of a process group with the letter of their ``state``."""
    found: dict[int, str] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) and int(stat[2]) == group:
            found[int(entry.name)] = stat[0]
    return found


def descendants(pid: int) -> list[int]:
    """Its children and theirs, parents first; one that was adopted by init after its parent ended is not among them."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[1]), []).append(int(entry.name))
    found: list[int] = []
    level = [pid]
    while level:
        level = [c for p in level for c in sorted(children.get(p, ()))]
        found += level
    return found


@dataclass(frozen=True, slots=True)
class Effort:
    """What the processes of a session, and those they have waited for, have done so far: CPU time, and bytes written to
    anything (None where that may not be read)."""

    cpu_s: float
    written_bytes: int | None


def effort(session: int) -> Effort:
    """Of a daemon with a session of its own, such as a service that a kit has started, nothing counts."""
    ticks = 0
    written: list[int] = []
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) and int(stat[3]) == session:
            ticks += sum(int(field) for field in stat[11:15])  # its own, and of the children it has waited for
            written += [int(n) for n in re.findall(r"^wchar: (\d+)$", _read(entry / "io"), re.MULTILINE)]
    return Effort(ticks / os.sysconf("SC_CLK_TCK"), sum(written) if written else None)


def end(pids: Iterable[int], grace_s: float = 2.0, kill_s: float = 5.0) -> list[int]:
    """SIGTERM, after ``grace_s`` SIGKILL; returns those that outlived even that for ``kill_s`` (stuck in the kernel).

    By handle: a pid that is used again meanwhile is never signalled. Children of ours stay to be reaped by us.
    """
    handles: dict[int, int] = {}
    for pid in pids:
        try:
            handles[pid] = os.pidfd_open(pid)
        except ProcessLookupError:
            continue  # already gone
    try:
        for number, limit_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, kill_s)):
            for handle in handles.values():
                try:
                    signal.pidfd_send_signal(handle, number)
                except ProcessLookupError:
                    pass
            for pid in _wait_exits(handles, Deadline(limit_s, "processes to end")):
                os.close(handles.pop(pid))
        return list(handles)
    finally:
        for handle in handles.values():
            os.close(handle)


def _wait_exits(handles: dict[int, int], deadline: Deadline) -> list[int]:
    """Those that have exited, as soon as all have or the deadline passes."""
    poll = select.poll()
    waiting = {handle: pid for pid, handle in handles.items()}
    for handle in waiting:
        poll.register(handle, select.POLLIN)
    exited: list[int] = []
    while waiting:
        ready = poll.poll(deadline.left_s * 1000)
        for handle, _ in ready:
            poll.unregister(handle)
            exited.append(waiting.pop(handle))
        if deadline.passed:
            break
    return exited


def blocked_on(pid: int) -> str:
    """One sentence on what it and its descendants wait for, the deepest last: state, system call, and the file or the
    peer of the call. Never raises; says "gone" or "not permitted" instead."""
    sayings = [s for s in (_saying(p) for p in [pid, *descendants(pid)]) if s]
    if not sayings:
        return f"process {pid} is gone"
    # A shell that waits for its child says little: the last few are what hangs.
    return "; ".join(sayings if len(sayings) <= 4 else [sayings[0], f"{len(sayings) - 4} more", *sayings[-3:]])


def _saying(pid: int) -> str:
    stat = _stat(pid)
    if stat is None:
        return ""
    text = f"{_name(pid)} (pid {pid}) {_STATES.get(stat[0], stat[0])}"
    if stat[0] in "ZX":
        return text
    threads = sorted(int(t.name) for t in _listing(_PROC / str(pid) / "task"))
    # Threads of a pool all wait for the same lock: said once, and not at all beside what tells more.
    calls = dict.fromkeys(filter(None, (_system_call(pid, thread) for thread in threads)))
    telling = [said for name, said in calls if name != "futex"] or [said for _, said in calls]
    if telling:
        text += " " + ", ".join(telling[:3])
    channel = _read(_PROC / str(pid) / "wchan")
    return f"{text} [{channel}]" if channel and channel != "0" else text


# The calls a hung program is usually found in; their number per machine, and which argument is a file descriptor.
_CALLS_X86_64 = {
    0: "read", 1: "write", 7: "poll", 8: "lseek", 17: "pread64", 18: "pwrite64", 19: "readv", 20: "writev",
    23: "select", 34: "pause", 35: "nanosleep", 42: "connect", 43: "accept", 44: "sendto", 45: "recvfrom",
    46: "sendmsg", 47: "recvmsg", 61: "wait4",
    72: "fcntl", 73: "flock", 74: "fsync", 75: "fdatasync", 76: "truncate", 77: "ftruncate", 82: "rename",
    87: "unlink", 162: "sync", 202: "futex", 230: "clock_nanosleep", 232: "epoll_wait", 247: "waitid", 257: "openat",
    263: "unlinkat", 264: "renameat", 270: "pselect6", 271: "ppoll", 277: "sync_file_range", 281: "epoll_pwait",
    285: "fallocate", 288: "accept4", 295: "preadv", 296: "pwritev", 306: "syncfs", 316: "renameat2",
    326: "copy_file_range",
}  # fmt: skip
_CALLS_AARCH64 = {
    22: "epoll_pwait", 25: "fcntl", 32: "flock", 35: "unlinkat", 38: "renameat", 45: "truncate", 46: "ftruncate",
    47: "fallocate", 56: "openat", 62: "lseek", 63: "read", 64: "write", 65: "readv", 66: "writev", 67: "pread64",
    68: "pwrite64", 72: "pselect6", 73: "ppoll", 81: "sync", 82: "fsync", 83: "fdatasync", 84: "sync_file_range",
    95: "waitid", 98: "futex", 101: "nanosleep", 115: "clock_nanosleep", 202: "accept", 203: "connect", 206: "sendto",
    207: "recvfrom", 211: "sendmsg", 212: "recvmsg", 242: "accept4", 260: "wait4", 267: "syncfs", 276: "renameat2",
    285: "copy_file_range",
}  # fmt: skip
_CALLS = {"x86_64": _CALLS_X86_64, "aarch64": _CALLS_AARCH64}.get(os.uname().machine, {})
_WITHOUT_FD = {
    "poll", "ppoll", "select", "pselect6", "pause", "nanosleep", "clock_nanosleep", "wait4", "waitid", "futex",
    "truncate", "rename", "unlink", "sync", "openat", "unlinkat", "renameat", "renameat2",
}  # fmt: skip


def _system_call(pid: int, thread: int) -> tuple[str, str] | None:
    """Its name and the whole in words, such as ``in fdatasync on /data/app.db``; None while it computes. The name is
    empty where it is not known."""
    try:
        fields = (_PROC / str(pid) / "task" / str(thread) / "syscall").read_text().split()
    except PermissionError:
        return "", "(its system call may not be read)"
    except OSError:
        return None
    if not fields or not fields[0].isdigit():
        return None
    name = _CALLS.get(int(fields[0]), "")
    if not name or name in _WITHOUT_FD:
        return name, f"in {name or f'system call {fields[0]}'}"
    return name, f"in {name} on {_descriptor(pid, int(fields[1], 16) & 0xFFFFFFFF)}"


def _descriptor(pid: int, fd: int) -> str:
    """What a file descriptor of another process is: a path, or a socket with its peer."""
    try:
        target = os.readlink(_PROC / str(pid) / "fd" / str(fd))
    except OSError:
        return f"fd {fd}"
    if target.startswith("socket:["):
        return _socket(pid, target[len("socket:[") : -1]) or target
    return target


def _socket(pid: int, inode: str) -> str:
    """``tcp 127.0.0.1:4000 -> 127.0.0.1:9000`` or a Unix socket's path, in the process's own network namespace."""
    for kind in ("tcp", "tcp6"):
        for line in _read(_PROC / str(pid) / "net" / kind).splitlines()[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[9] == inode:
                return f"tcp {_address(fields[1])} -> {_address(fields[2])}"
    for line in _read(_PROC / str(pid) / "net" / "unix").splitlines()[1:]:
        fields = line.split()
        if len(fields) > 6 and fields[6] == inode:
            return f"unix socket {fields[7] if len(fields) > 7 else '(unnamed)'}"
    return ""


def _address(hexadecimal: str) -> str:
    """``0100007F:2328`` -> ``127.0.0.1:9000``; the kernel prints 32-bit words in the machine's byte order."""
    host, port = hexadecimal.split(":")
    words = [bytes.fromhex(host[i : i + 8])[::-1] for i in range(0, len(host), 8)]
    raw = b"".join(words)
    if len(raw) == 4:
        text = ".".join(str(b) for b in raw)
    elif raw[:12] == b"\0" * 10 + b"\xff\xff":
        text = ".".join(str(b) for b in raw[12:])
    else:
        text = f"[{raw.hex(':', 2)}]"
    return f"{text}:{int(port, 16)}"


def _name(pid: int) -> str:
    """The program and its script or first word, such as ``python3 kit.py``."""
    words = [w for w in _read(_PROC / str(pid) / "cmdline").split("\0") if w]
    if not words:
        return _read(_PROC / str(pid) / "comm") or "?"
    script = next((Path(w).name for w in words[1:] if not w.startswith("-")), "")
    return f"{Path(words[0]).name} {script}".strip()[:60]


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third (state) on; the second is a name that may hold anything."""
    text = _read(_PROC / str(pid) / "stat")
    return text.rpartition(")")[2].split() if text else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _listing(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []
