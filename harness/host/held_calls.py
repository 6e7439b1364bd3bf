"""System calls of a process and all it starts, held at the door until we let them go (seccomp user notification).

The filter is a thread's own and goes to what the thread starts: so a thread is made for the purpose. What is under a
filter stays so for life, and a call nobody answers fails: answering goes on until the last of them has ended.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import platform
import queue
import select
import struct
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_libc = ctypes.CDLL(None, use_errno=True)

# A family is what a person means: one call, whichever of its kernel names the C library chooses.
FAMILIES: dict[str, tuple[str, ...]] = {
    "execve": ("execve", "execveat"),
    "open": ("open", "creat", "openat", "openat2"),
    "rename": ("rename", "renameat", "renameat2"),
    "unlink": ("unlink", "unlinkat"),
    "link": ("link", "linkat"),
    "mkdir": ("mkdir", "mkdirat"),
    "truncate": ("truncate", "ftruncate"),
    "fsync": ("fsync", "fdatasync"),
}
# Where a call has its paths: (argument of the directory or None, argument of the path or None when it has a descriptor)
_PATHS: dict[str, tuple[tuple[int | None, int | None], ...]] = {
    **dict.fromkeys(("execve", "open", "creat", "unlink", "mkdir", "truncate"), ((None, 0),)),
    **dict.fromkeys(("execveat", "openat", "openat2", "unlinkat", "mkdirat"), ((0, 1),)),
    **dict.fromkeys(("rename", "link"), ((None, 0), (None, 1))),
    **dict.fromkeys(("renameat", "renameat2", "linkat"), ((0, 1), (2, 3))),
    **dict.fromkeys(("ftruncate", "fsync", "fdatasync"), ((0, None),)),
}
_NUMBERS_X86_64 = {
    "open": 2, "execve": 59, "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77, "rename": 82, "mkdir": 83,
    "creat": 85, "link": 86, "unlink": 87, "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264,
    "linkat": 265, "renameat2": 316, "execveat": 322, "openat2": 437,
}  # fmt: skip
_NUMBERS_AARCH64 = {
    "mkdirat": 34, "unlinkat": 35, "linkat": 37, "renameat": 38, "truncate": 45, "ftruncate": 46, "openat": 56,
    "fsync": 82, "fdatasync": 83, "execve": 221, "renameat2": 276, "execveat": 281, "openat2": 437,
}  # fmt: skip
# machine -> (its name to seccomp, the number of seccomp itself, those of the calls)
_MACHINES = {
    "x86_64": (0xC000003E, 317, _NUMBERS_X86_64),
    "aarch64": (0xC00000B7, 277, _NUMBERS_AARCH64),
}
_SET_MODE_FILTER, _NEW_LISTENER, _PR_SET_NO_NEW_PRIVS = 1, 1 << 3, 38
_LD, _JEQ, _RET = 0x20, 0x15, 0x06
_ALLOW, _NOTIFY = 0x7FFF0000, 0x7FC00000
_RECV, _SEND, _CONTINUE = 0xC0502100, 0xC0182101, 1
_NOTICE, _ANSWER = struct.Struct("QIIiIQ6Q"), struct.Struct("QqiI")
_AT_FDCWD = -100
_LONGEST_PATH = 4096


class CannotHold(Exception):
    """This host does not allow it; the text says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call at the door: it has not taken effect. ``paths`` are absolute, empty where they could not be read."""

    pid: int
    family: str
    paths: tuple[str, ...]


# What is to be done while the call is held; None: let it go at once.
OnCall = Callable[[Call], Callable[[], None] | None]


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def spawned_under(families: Collection[str], on_call: OnCall, start: Callable[[], T]) -> T:
    """What ``start`` gives, with every process it started (and theirs) under a filter on these families.

    ``start`` must fork, not vfork: a parent that waits for its child's held execve with the interpreter's lock in its
    hands could not answer it. ``on_call`` is asked by one thread, what it gives back runs on a thread of its own.
    """
    listeners: queue.SimpleQueue[int | None] = queue.SimpleQueue()
    answered = threading.Event()
    given: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            listeners.put(_install(families))
            answered.wait()
            given.append(start())
        except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
            failed.append(error)
            listeners.put(None)

    thread = threading.Thread(target=work, name="under-filter")
    thread.start()
    listener = listeners.get()
    if listener is not None:
        # Started here: a thread of the other one would be under the filter, too, and wait for its own answers.
        threading.Thread(target=_answer_all, args=(listener, on_call), name="held-calls", daemon=True).start()
        answered.set()
    thread.join()
    if failed:
        raise failed[0]
    return given[0]


def _install(families: Collection[str]) -> int:
    """Put this thread under the filter; the descriptor that hears of its calls."""
    if platform.machine() not in _MACHINES:
        raise CannotHold(f"its numbers are not known for a {platform.machine()}")
    arch, seccomp, numbers = _MACHINES[platform.machine()]
    wanted = [numbers[name] for family in families for name in FAMILIES[family] if name in numbers]
    n = len(wanted)
    program = [(_LD, 0, 0, 4), (_JEQ, 0, n + 1, arch), (_LD, 0, 0, 0)]
    program += [(_JEQ, n - i, 0, number) for i, number in enumerate(wanted)]
    program += [(_RET, 0, 0, _ALLOW), (_RET, 0, 0, _NOTIFY)]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    about = _Program(len(program), code)
    arguments = (ctypes.c_long(seccomp), ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_NEW_LISTENER))
    listener = int(_libc.syscall(*arguments, ctypes.byref(about)))
    if listener < 0 and ctypes.get_errno() == errno.EACCES:  # without privileges: for those who cannot gain any
        _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        listener = int(_libc.syscall(*arguments, ctypes.byref(about)))
    if listener < 0:
        raise CannotHold(f"seccomp: {os.strerror(ctypes.get_errno())}")
    os.set_inheritable(listener, False)
    return listener


def _answer_all(listener: int, on_call: OnCall) -> None:
    """Until nobody is under the filter any more."""
    names = {number: name for name, number in _MACHINES[platform.machine()][2].items()}
    families = {name: family for family, members in FAMILIES.items() for name in members}
    again: set[tuple[int, int, tuple[int, ...]]] = set()  # interrupted while held: the kernel asks once more
    poll = select.poll()
    poll.register(listener, select.POLLIN)

    def hold(id_: int, key: tuple[int, int, tuple[int, ...]], action: Callable[[], None]) -> None:
        try:
            action()
        finally:
            if not _let_go(listener, id_):
                again.add(key)

    while True:
        for _, events in poll.poll():
            if not events & select.POLLIN:
                os.close(listener)
                return
            notice = bytearray(_NOTICE.size)
            try:
                fcntl.ioctl(listener, _RECV, notice, True)
            except OSError:  # it was killed, or interrupted, before we came to it
                continue
            id_, pid, _, number, _, _, *arguments = _NOTICE.unpack(notice)
            key = (pid, number, tuple(arguments))
            if key in again:
                again.remove(key)
                _let_go(listener, id_)
                continue
            name = names[number]
            action = on_call(Call(pid, families[name], _paths(pid, name, arguments)))
            if action is None:
                _let_go(listener, id_)
            else:
                threading.Thread(target=hold, args=(id_, key, action), name="held-call", daemon=True).start()


def _let_go(listener: int, id_: int) -> bool:
    """False when it waits for no answer any more: killed, or interrupted by a signal."""
    try:
        fcntl.ioctl(listener, _SEND, bytearray(_ANSWER.pack(id_, 0, 0, _CONTINUE)), True)
    except OSError:
        return False
    return True


def _paths(pid: int, name: str, arguments: list[int]) -> tuple[str, ...]:
    found = []
    for directory, path in _PATHS[name]:
        try:
            if path is None:
                assert directory is not None
                found.append(os.readlink(f"/proc/{pid}/fd/{arguments[directory] & 0xFFFFFFFF}"))
                continue
            base = _AT_FDCWD if directory is None else ctypes.c_int32(arguments[directory]).value
            place = os.readlink(f"/proc/{pid}/cwd" if base == _AT_FDCWD else f"/proc/{pid}/fd/{base}")
            found.append(os.path.normpath(Path(place, _text(pid, arguments[path]))))
        except OSError:  # gone, or not ours to look into
            continue
    if name.startswith("execve"):  # a search along PATH tries what is not there
        found = [path for path in found if Path(path).exists()]
    return tuple(found)


def _text(pid: int, address: int) -> str:
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    try:
        return os.fsdecode(os.pread(memory, _LONGEST_PATH, address).split(b"\0", 1)[0])
    finally:
        os.close(memory)
