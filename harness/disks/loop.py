"""A loop device that detaches itself with its last mount, made from an open file that has no name."""

from __future__ import annotations

import fcntl
import os
import struct

from harness.errors import ExitCode, HarnessError

_LOOP_CTL_GET_FREE = 0x4C82
_LOOP_CONFIGURE = 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4


def attach(backing_fd: int) -> tuple[int, str]:
    """(descriptor, path) of a loop device over ``backing_fd``; keep the descriptor open until it is mounted.

    Another run may take the free number between asking and configuring, hence the bounded retry.
    """
    # struct loop_config: fd, block_size, struct loop_info64 (232 bytes, lo_flags at 52), reserved[8]
    info = bytearray(232)
    struct.pack_into("<I", info, 52, _LO_FLAGS_AUTOCLEAR)
    config = struct.pack("<II", backing_fd, 0) + bytes(info) + bytes(64)
    for _ in range(50):
        control = os.open("/dev/loop-control", os.O_RDWR)
        try:
            number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
        finally:
            os.close(control)
        path = f"/dev/loop{number}"
        device = os.open(path, os.O_RDWR)
        try:
            fcntl.ioctl(device, _LOOP_CONFIGURE, config)
        except OSError as error:
            os.close(device)
            if error.errno != 16:  # EBUSY: somebody else was faster
                raise
            continue
        return device, path
    raise HarnessError("attach a loop device", "none was free in 50 tries", "", ExitCode.HOST_CANNOT)
