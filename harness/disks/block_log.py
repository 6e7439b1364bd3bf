"""The block log: every write, discard and flush a disk was sent, in order, each with the time before its answer.

Two files: an index of fixed records and the data of the writes. ``t_ns`` (CLOCK_MONOTONIC) is taken before the disk
answers, so whatever anybody acknowledged before a record's time rests on records before it.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

Kind = Literal["write", "zero", "flush"]
_KINDS: tuple[Kind, ...] = ("write", "zero", "flush")
_RECORD = struct.Struct("<QQQQQ")  # kind, offset, length, where its data lies, t_ns
BLOCK = 4096
_ZEROS = bytes(1 << 20)


@dataclass(frozen=True, slots=True)
class Record:
    """One thing a disk was sent. ``data_at``: where the data of a write lies in the log's data file."""

    kind: Kind
    offset: int
    length: int
    data_at: int
    t_ns: int


class LogWriter:
    """Appends; the data of a write before its record, so that a record never points at data that is not there.

    ``limit_bytes`` bounds the data. What comes after is not logged any more, and ``full`` is the last record's kind
    that a reader sees: see ``BlockLog.problems``.
    """

    def __init__(self, index: int, data: int, limit_bytes: int, clock: Callable[[], int]) -> None:
        self._index = index
        self._data = data
        self._limit = limit_bytes
        self._clock = clock
        self._at = 0
        self._full = False

    def write(self, offset: int, data: memoryview) -> None:
        if data == _ZEROS[: len(data)]:
            self._add(1, offset, len(data), 0)
        elif self._at + len(data) > self._limit:
            self._overflow()
        else:
            _write_all(self._data, data)
            self._add(0, offset, len(data), self._at)
            self._at += len(data)

    def zero(self, offset: int, length: int) -> None:
        self._add(1, offset, length, 0)

    def flush(self) -> None:
        self._add(2, 0, 0, 0)

    def _add(self, kind: int, offset: int, length: int, at: int) -> None:
        if not self._full:
            _write_all(self._index, memoryview(_RECORD.pack(kind, offset, length, at, self._clock())))

    def _overflow(self) -> None:
        """From here on nothing can be rebuilt: a record of no known kind says so."""
        self._add(len(_KINDS), 0, 0, 0)
        self._full = True


class BlockLog:
    """A log as read, up to where it was when this was made; ``problems`` says what is torn or missing."""

    def __init__(self, index: int, data: int) -> None:
        self._data = data
        self.problems: list[str] = []
        raw = os.pread(index, os.fstat(index).st_size, 0)
        whole = len(raw) // _RECORD.size
        if len(raw) % _RECORD.size:
            self.problems.append(f"the last record is torn ({len(raw) % _RECORD.size} of {_RECORD.size} bytes)")
        data_bytes = os.fstat(data).st_size
        records: list[Record] = []
        for number in range(whole):
            kind, offset, length, at, t_ns = _RECORD.unpack_from(raw, number * _RECORD.size)
            if kind >= len(_KINDS):
                self.problems.append(f"the log was full after {number} records and {data_bytes} bytes of data")
                break
            if kind == 0 and at + length > data_bytes:
                self.problems.append(f"record {number} lacks its data ({at + length - data_bytes} bytes)")
                break
            if records and t_ns < records[-1].t_ns:
                self.problems.append(f"record {number} is older than the one before it")
                break
            records.append(Record(_KINDS[kind], offset, length, at, t_ns))
        self.records = tuple(records)

    @cached_property
    def flushes(self) -> tuple[int, ...]:
        """The numbers of the flushes, ascending."""
        return tuple(number for number, record in enumerate(self.records) if record.kind == "flush")

    def data(self, record: Record) -> bytes:
        return os.pread(self._data, record.length, record.data_at)


def length(index: int) -> int:
    """How many whole records the index holds."""
    return os.fstat(index).st_size // _RECORD.size


def _write_all(fd: int, data: memoryview) -> None:
    while data:
        data = data[os.write(fd, data) :]
