"""The sources of a recording: who wrote which files, on which host, by which clock."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec

SOURCES = "sources.jsonl"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A process or thread that records. Its times plus ``offset_ns`` are those of the inside half, to within
    ``bound_ns``; both are 0 where both read one CLOCK_MONOTONIC, which is one for all processes of a boot."""

    id: Annotated[str, "unlike any other of the run"]
    files: Annotated[Sequence[str], "which it writes, in the folder of the run"]
    host: Annotated[str, "its name"]
    boot_id: Annotated[str, "of its kernel"]
    clock: Annotated[str, "that its times are of"] = "CLOCK_MONOTONIC"
    offset_ns: Annotated[int, "to be added to its times, which are those of the inside half then"] = 0
    bound_ns: Annotated[int, "by so much that may be wrong, at most"] = 0
    why: Annotated[str, "how the offset is known"] = "one host, one clock"


def here(id: str, *files: str) -> Source:
    """A source on this host."""
    boot_id = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
    return Source(id=id, files=files, host=platform.node(), boot_id=boot_id)


def add_source(folder: Path, source: Source) -> None:
    with (folder / SOURCES).open("ab") as file:
        file.write(msgspec.json.encode(source) + b"\n")


def read_sources(folder: Path) -> tuple[Source, ...]:
    """In the order they began; msgspec.DecodeError where a line is none."""
    path = folder / SOURCES
    lines = path.read_bytes().splitlines() if path.exists() else []
    return tuple(msgspec.json.decode(line, type=Source) for line in lines)
