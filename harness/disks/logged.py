"""A logged disk: a real ext4 on a loop device on one file of a FUSE server of ours, which logs every block write.

From its log every state a power cut could have left can be rebuilt (harness.crash). Needs root, loop devices and
/dev/fuse. No duration measured on it means anything.
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import threading
from pathlib import Path

from harness.disks import fuse, loop
from harness.disks.block_log import BLOCK, BlockLog, length
from harness.disks.block_server import PULSE_BYTES
from harness.disks.disk import Disk
from harness.disks.image import in_memory, sync_file_system
from harness.errors import ExitCode, HarnessError
from harness.host import commands
from harness.host.clock import mono_ns
from harness.host.sizes import size
from harness.island import mounts
from harness.model import NS

LOG_LIMIT_BYTES = 1 << 30
_CONNECTIONS = Path("/sys/fs/fuse/connections")
# The longest a single request may take: our server only copies memory.
HANG_S = 5.0
_LOOK_S = 0.25
# Everything mkfs makes is in the log as well, so that a state needs nothing but the log: little of it, and nothing that
# a kernel thread would fill in later.
_MKFS = ("-q", "-F", "-m", "0", "-b", str(BLOCK), "-N", "16384", "-J", "size=16")
_MKFS_EXTENDED = "nodiscard,lazy_itable_init=0,lazy_journal_init=1"


class LoggedDisk:
    """Mounted at ``path`` when this returns. ``work``: a directory of the island outside it, for the FUSE mount."""

    def __init__(
        self, path: Path, size_bytes: int, work: Path, output: Path, limit_bytes: int = LOG_LIMIT_BYTES
    ) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self.lost = ""  # what took the disk away from under the system
        self.image = in_memory("image", size_bytes)
        self._index, self._data = in_memory("block-index"), in_memory("block-data")
        pulse = in_memory("pulse", PULSE_BYTES)
        self._pulse = mmap.mmap(pulse, PULSE_BYTES)
        blocks = work / "blocks"
        blocks.mkdir(parents=True, exist_ok=True)
        connection = fuse.mount(blocks)
        fds = (connection, self.image, self._index, self._data, pulse)
        argv = [sys.executable, "-m", "harness.disks.block_server", *map(str, fds), str(limit_bytes)]
        self.server = commands.spawn(argv, output=output, pass_fds=fds)
        os.close(connection)  # the server's is the last one: when it dies, the kernel lets everybody go with an error
        os.close(pulse)
        self._stop = threading.Event()
        try:
            backing = os.open(blocks / fuse.NAME, os.O_RDWR)
        except OSError as error:
            said = output.read_text(errors="replace")[-300:].strip() or "nothing"
            raise _failed("serve the logged disk", f"{error.strerror}; its server said: {said}") from error
        self._control = _CONNECTIONS / str(os.minor(os.fstat(backing).st_dev))
        if not self._control.exists():
            mounts.mount("none", _CONNECTIONS, "fusectl")
        threading.Thread(target=self._watch, name="logged-disk", daemon=True).start()
        mounts.detach(blocks)  # nobody else shall meet it; the loop device keeps it
        self._attach(backing)

    def _attach(self, backing: int) -> None:
        try:
            device, device_path = loop.attach(backing)
        except OSError as error:
            raise _failed("attach the logged disk", f"no loop device: {error.strerror}") from error
        finally:
            os.close(backing)
        commands.check(["mkfs.ext4", *_MKFS, "-E", _MKFS_EXTENDED, device_path])
        self.path.mkdir(parents=True, exist_ok=True)
        mounts.mount(device_path, self.path, "ext4")
        os.close(device)
        (self.path / "lost+found").rmdir()

    def disk(self, name: str) -> Disk:
        """What the report and the meters see of it."""
        profile = (
            f"ext4 on a loop device of {size(self.size_bytes)} over a block log in memory: "
            "no claim about time is judged on it"
        )
        return Disk(name, self.path, self.size_bytes, profile)

    def sync(self) -> None:
        """Everything the system has written so far reaches the disk, as it would have in the hours before."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            sync_file_system(fd)
        finally:
            os.close(fd)

    def records(self) -> int:
        """How long the log is now."""
        return length(self._index)

    def log(self) -> BlockLog:
        """The log up to now. One that says it has problems can be used as far as it goes."""
        return BlockLog(self._index, self._data)

    def abort(self, why: str) -> None:
        """Let everybody who waits for this disk go with an error, for good: whatever hangs, this ends it."""
        self.lost = self.lost or why
        try:
            (self._control / "abort").write_text("1")
        except OSError:
            pass  # gone already; and without its server the connection ends as well
        self.server.kill()

    def close(self) -> None:
        """Unmount; what still has files open there keeps it until it ends."""
        self._stop.set()
        mounts.detach(self.path)
        if self.server.wait(2.0) is None and not self.lost:
            return  # somebody has a file open; the kernel ends both with the island
        self._pulse.close()

    def _watch(self) -> None:
        last, since_ns = -1, mono_ns()
        while not self._stop.wait(_LOOK_S):
            if self.server.exit is not None:
                self.abort(f"the server of the logged disk ended with {self.server.exit}")
                return
            (answered,) = struct.unpack_from("<Q", self._pulse)
            if answered != last or not self._waiting():
                last, since_ns = answered, mono_ns()
            elif mono_ns() - since_ns > HANG_S * NS:
                self.abort(f"the server of the logged disk has answered nothing for {HANG_S:g} s")
                return

    def _waiting(self) -> bool:
        try:
            return int((self._control / "waiting").read_text()) > 0
        except OSError:
            return False


def _failed(what: str, why: str) -> HarnessError:
    return HarnessError(what, why, "see `deploydrill doctor`", ExitCode.HOST_CANNOT)
