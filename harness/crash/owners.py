"""Whose blocks they are: which files of a mounted ext4 lie on given stretches of its disk."""

from __future__ import annotations

import fcntl
import os
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.disks.block_log import BLOCK

_FIEMAP = 0xC020660B
_HEAD, _EXTENT = struct.Struct("<QQIIII"), struct.Struct("<QQQQQIIII")
_EXTENTS = 256
_LAST, _NO_PLACE = 1, 2 | 4  # flags: the last extent; not placed, or not placed yet
_NAMED = 3

Stretch = tuple[int, int]  # offset and length in bytes on the disk


def owners(root: Path, stretches: Sequence[Stretch]) -> str:
    """``data/app.db-wal (4 blocks), the file system's own (3)``: who owns the blocks of ``stretches``, most first.

    What no file has there is counted with the file system's own: its journal and tables.
    """
    wanted = {block for offset, length in stretches for block in range(offset // BLOCK, -(-(offset + length) // BLOCK))}
    if not wanted:
        return ""
    found: Counter[str] = Counter()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink()):
        mine = wanted.intersection(_blocks(path))
        if mine:
            found[str(path.relative_to(root))] = len(mine)
            wanted -= mine
    said = [f"{name} ({n})" for name, n in found.most_common(_NAMED)]
    if len(found) > _NAMED:
        said.append(f"{len(found) - _NAMED} more files")
    if wanted:
        said.append(f"the file system's own ({len(wanted)})")
    return f"the blocks of {', '.join(said)}"


def _blocks(path: Path) -> Iterator[int]:
    fd = os.open(path, os.O_RDONLY)
    try:
        start = 0
        while True:
            room = bytearray(_HEAD.size + _EXTENTS * _EXTENT.size)
            _HEAD.pack_into(room, 0, start, (1 << 64) - 1 - start, 0, 0, _EXTENTS, 0)
            fcntl.ioctl(fd, _FIEMAP, room)
            count = _HEAD.unpack_from(room)[3]
            flags = _LAST
            for at in range(_HEAD.size, _HEAD.size + count * _EXTENT.size, _EXTENT.size):
                logical, physical, length, _, _, flags, *_ = _EXTENT.unpack_from(room, at)
                if not flags & _NO_PLACE:
                    yield from range(physical // BLOCK, (physical + length) // BLOCK)
                start = logical + length
            if flags & _LAST:
                return
    finally:
        os.close(fd)
