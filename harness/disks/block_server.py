"""The process behind a logged disk: serves the image to the kernel and logs what it is sent.

Run as ``python -m harness.disks.block_server FUSE IMAGE INDEX DATA PULSE LIMIT_BYTES`` (inherited descriptors). PULSE
counts the requests answered: a watchdog outside sees a server that hangs.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys

from harness.disks.block_log import LogWriter
from harness.disks.fuse import Server
from harness.disks.image import punch
from harness.host.clock import mono_ns

PULSE_BYTES = mmap.PAGESIZE


class LoggedImage:
    """The image as it is now, and the log of how it came to be."""

    def __init__(self, image: int, log: LogWriter, pulse: int) -> None:
        self._image = image
        self._log = log
        self._pulse = mmap.mmap(pulse, PULSE_BYTES)
        self._answered = 0
        self.size = os.fstat(image).st_size

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._image, length, offset)

    def write(self, offset: int, data: memoryview) -> None:
        self._log.write(offset, data)
        while data:
            done = os.pwrite(self._image, data, offset)
            data, offset = data[done:], offset + done

    def zero(self, offset: int, length: int) -> None:
        self._log.zero(offset, length)
        punch(self._image, offset, length)

    def flush(self) -> None:
        self._log.flush()

    def answered(self) -> None:
        self._answered += 1
        struct.pack_into("<Q", self._pulse, 0, self._answered)


def main() -> None:
    fuse, image, index, data, pulse, limit = map(int, sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its mount: whoever waits for this disk must get answers
    os.chdir("/")
    Server(fuse, LoggedImage(image, LogWriter(index, data, limit, mono_ns), pulse)).serve()


if __name__ == "__main__":
    main()
