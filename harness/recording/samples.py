"""The file of request samples: a header line, fixed 32-byte records, and a trailer that says how many there must be."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

MAGIC = b"DDSAMPLES1\n"
RECORD = struct.Struct("<qqqHHBBBB")
# As numpy.dtype takes it, which whoever only writes samples does without.
DTYPE = [
    ("intended_ns", "<i8"),
    ("sent_ns", "<i8"),
    ("end_ns", "<i8"),
    ("operation", "<u2"),
    ("status", "<u2"),
    ("outcome", "u1"),
    ("channel", "u1"),
    ("flags", "u1"),
    ("known_age_s", "u1"),
]

# Outcomes are exhaustive: started = ok + http_error + refused + reset + timeout + unfinished.
OUTCOMES = ("ok", "http_error", "refused", "reset", "timeout", "unfinished")
CHANNELS = ("load", "read_fresh", "read_reused", "write")
# SLOW: a request that is slow on purpose, with a deadline of its own.
# KNOWN: it names a token acknowledged earlier, which a restore may have taken away since.
# STRANGE: a good answer of another kind of content than the first one to the same request had.
# ``known_age_s``: so many whole seconds before it was named, at most, the write that made that token was sent; 0 where
# it names none, or where it is not told (recordings of before); OLDEST_S for that age and all above.
OLDEST_S = 255
FLAG_WRITE, FLAG_FRESH, FLAG_SLOW, FLAG_KNOWN, FLAG_STRANGE = 1, 2, 4, 8, 16
_TRAILER = -1  # intended_ns of the trailer; its sent_ns is the number of records, its end_ns the number dropped unsent


class SampleWriter:
    """Appends samples to one file of one process; not thread-safe (one greenlet or one loop writes)."""

    def __init__(self, path: Path, operations: list[str], worker: str) -> None:
        self._index = {name: i for i, name in enumerate(operations)}
        self._file: IO[bytes] = path.open("wb", buffering=16 * 1024)
        self._file.write(MAGIC + json.dumps({"operations": operations, "worker": worker}).encode() + b"\n")
        self.count = 0
        self.dropped = 0

    def add(
        self,
        intended_ns: int,
        sent_ns: int,
        end_ns: int,
        operation: str,
        status: int,
        outcome: str,
        channel: str,
        flags: int = 0,
        known_age_s: int = 0,
    ) -> None:
        self._file.write(
            RECORD.pack(
                intended_ns,
                sent_ns,
                end_ns,
                self._index[operation],
                status,
                OUTCOMES.index(outcome),
                CHANNELS.index(channel),
                flags,
                known_age_s,
            )
        )
        self.count += 1

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        """Write the trailer; a file without one was cut short and its reader says so."""
        self._file.write(RECORD.pack(_TRAILER, self.count, self.dropped, 0, 0, 0, 0, 0, 0))
        self._file.close()


@dataclass(frozen=True, slots=True)
class SampleFile:
    """What one file holds. ``complete`` is False when the trailer is missing or its count differs."""

    worker: str
    operations: tuple[str, ...]
    records: npt.NDArray[Any]
    dropped: int
    complete: bool


def read_samples(path: Path) -> SampleFile:
    import numpy as np  # the processes that only write samples start without it

    raw = path.read_bytes()
    header_end = raw.find(b"\n", len(MAGIC))
    if not raw.startswith(MAGIC) or header_end < 0:
        return SampleFile(path.stem, (), np.zeros(0, DTYPE), 0, False)
    try:
        header = json.loads(raw[len(MAGIC) : header_end])
        worker, operations = str(header["worker"]), tuple(header["operations"])
    except (ValueError, KeyError, TypeError):  # torn
        return SampleFile(path.stem, (), np.zeros(0, DTYPE), 0, False)
    body = raw[header_end + 1 :]
    whole = len(body) // RECORD.size * RECORD.size
    records = np.frombuffer(body[:whole], DTYPE)
    complete, dropped = False, 0
    if len(records) and records[-1]["intended_ns"] == _TRAILER:
        dropped = int(records[-1]["end_ns"])
        complete = int(records[-1]["sent_ns"]) == len(records) - 1 and whole == len(body)
        records = records[:-1]
    return SampleFile(worker, operations, records, dropped, complete)


def answered_channels(path: Path) -> set[str]:
    """The channels of which a file that is still written has a good answer; without numpy, which the processes of a run
    start without."""
    raw = path.read_bytes()
    body = raw[raw.find(b"\n", len(MAGIC)) + 1 :]
    whole = body[: len(body) // RECORD.size * RECORD.size]
    return {CHANNELS[r[6]] for r in RECORD.iter_unpack(whole) if r[0] != _TRAILER and OUTCOMES[r[5]] == "ok"}


def iterate(file: SampleFile) -> Iterator[tuple[int, int, int, str, int, str, str]]:
    """Rows as (intended_ns, sent_ns, end_ns, operation, status, outcome, channel)."""
    for r in file.records:
        yield (
            int(r["intended_ns"]),
            int(r["sent_ns"]),
            int(r["end_ns"]),
            file.operations[int(r["operation"])],
            int(r["status"]),
            OUTCOMES[int(r["outcome"])],
            CHANNELS[int(r["channel"])],
        )
