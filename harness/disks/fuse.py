"""The raw /dev/fuse protocol for one file: enough to put a loop device on it, with no library between.

A server is a process of its own and never opens a path on its own mount: the kernel would wait for it in it.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path
from typing import Protocol

from harness.island import mounts

NAME = "image"
MOST_BYTES = 1 << 20  # of one read or write

_IN = struct.Struct("<IIQQIIIHH")  # length, opcode, unique, node, uid, gid, pid, extensions, padding
_OUT = struct.Struct("<IiQ")  # length, error, unique
_READ_WRITE = struct.Struct("<QQIIQII")  # handle, offset, size, flags, lock owner, flags, padding
_FALLOCATE = struct.Struct("<QQQII")  # handle, offset, length, mode, padding
_ATTR = struct.Struct("<6Q10I")
_ROOT, _FILE = 1, 2

_LOOKUP, _FORGET, _GETATTR, _SETATTR, _OPEN, _READ, _WRITE, _STATFS, _RELEASE = 1, 2, 3, 4, 14, 15, 16, 17, 18
_FSYNC, _FLUSH, _INIT, _OPENDIR, _RELEASEDIR, _INTERRUPT, _DESTROY = 20, 25, 26, 27, 29, 36, 38
_BATCH_FORGET, _FALLOCATE_OP = 42, 43
# What INIT may turn on. Not the write-back cache: a write must be in the log when it is answered.
_ASYNC_READ, _BIG_WRITES, _MAX_PAGES = 1 << 0, 1 << 5, 1 << 22
_DIRECT_IO = 1  # of an open file: no page cache of FUSE's own between the loop device and us


class Store(Protocol):
    """What a served file stands on. Each call is answered to the kernel when it returns; OSError is passed on."""

    @property
    def size(self) -> int: ...

    def read(self, offset: int, length: int) -> bytes: ...

    def write(self, offset: int, data: memoryview) -> None: ...

    def zero(self, offset: int, length: int) -> None:
        """Discard or zero: what is read there from now on is zeros."""
        ...

    def flush(self) -> None: ...

    def answered(self) -> None:
        """One more request has been."""
        ...


def mount(path: Path) -> int:
    """Mount a FUSE file system at ``path``; the descriptor its server answers on. Closing its last copy ends it."""
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()},allow_other"
    try:
        mounts.mount("deploydrill", path, "fuse", mounts.MS_NOSUID | mounts.MS_NODEV, options)
    except BaseException:
        os.close(fd)
        raise
    return fd


class Server:
    """Answers the kernel's requests on ``fd`` one by one, so that the order of the log is the order of the answers."""

    def __init__(self, fd: int, store: Store) -> None:
        self._fd = fd
        self._store = store
        self._buffer = bytearray(MOST_BYTES + 8192)
        self._view = memoryview(self._buffer)

    def serve(self) -> None:
        """Until it is unmounted or aborted."""
        while True:
            try:
                length = os.readv(self._fd, [self._buffer])
            except OSError as error:
                if error.errno in (errno.EINTR, errno.EAGAIN, errno.ENOENT):  # ENOENT: a request was withdrawn
                    continue
                return
            _, opcode, unique, node, *_ = _IN.unpack_from(self._buffer)
            if opcode in (_FORGET, _BATCH_FORGET, _INTERRUPT):
                continue  # these are not answered
            try:
                answer = self._answer(opcode, node, self._view[_IN.size : length])
                reply = [_OUT.pack(_OUT.size + len(answer), 0, unique), answer]
            except OSError as error:
                reply = [_OUT.pack(_OUT.size, -(error.errno or errno.EIO), unique)]
            try:
                os.writev(self._fd, reply)
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.EINTR):
                    return
            self._store.answered()
            if opcode == _DESTROY:
                return

    def _answer(self, opcode: int, node: int, body: memoryview) -> bytes:
        if opcode == _WRITE:
            _, offset, size, *_ = _READ_WRITE.unpack_from(body)
            self._store.write(offset, body[_READ_WRITE.size : _READ_WRITE.size + size])
            return struct.pack("<II", size, 0)
        if opcode == _READ:
            _, offset, size, *_ = _READ_WRITE.unpack_from(body)
            return self._store.read(offset, size)
        if opcode == _FSYNC:
            # Always answered: one ENOSYS here and the kernel would drop every later fsync without a word.
            self._store.flush()
            return b""
        if opcode == _FALLOCATE_OP:
            _, offset, size, mode, _ = _FALLOCATE.unpack_from(body)
            if not mode & 0x12:  # neither a hole nor zeros: there is nothing to allocate
                return b""
            self._store.zero(offset, size)
            return b""
        return self._answer_rest(opcode, node, body)

    def _answer_rest(self, opcode: int, node: int, body: memoryview) -> bytes:
        if opcode == _INIT:
            _, _, ahead, flags = struct.unpack_from("<4I", body)
            flags &= _ASYNC_READ | _BIG_WRITES | _MAX_PAGES
            pages = MOST_BYTES // 4096
            return struct.pack("<IIIIHHIIHHI7I", 7, 38, ahead, flags, 64, 48, MOST_BYTES, 1, pages, 0, 0, *[0] * 7)
        if opcode == _LOOKUP:
            if bytes(body).rstrip(b"\0") != NAME.encode():
                raise OSError(errno.ENOENT, "no such file")
            return struct.pack("<QQQQII", _FILE, 0, 3600, 3600, 0, 0) + self._attributes(_FILE)
        if opcode in (_GETATTR, _SETATTR):
            return struct.pack("<QII", 3600, 0, 0) + self._attributes(node)
        if opcode in (_OPEN, _OPENDIR):
            return struct.pack("<QIi", node, _DIRECT_IO if opcode == _OPEN else 0, 0)
        if opcode == _STATFS:
            return struct.pack("<5Q4I6I", 1 << 30, 1 << 30, 1 << 30, 100, 100, 4096, 255, 4096, 0, *[0] * 6)
        if opcode in (_RELEASE, _RELEASEDIR, _FLUSH, _DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "not served")

    def _attributes(self, node: int) -> bytes:
        mode, links, size = stat.S_IFREG | 0o600, 1, self._store.size
        if node == _ROOT:
            mode, links, size = stat.S_IFDIR | 0o700, 2, 0
        return _ATTR.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, links, os.getuid(), os.getgid(), 0, 4096, 0)
