"""The block log: what was written is read back as it was, and a reader says what is torn."""

from __future__ import annotations

import itertools
import os

import pytest

from harness.disks.block_log import BLOCK, BlockLog, LogWriter, length
from harness.disks.image import in_memory

RECORD_BYTES = 40


class Logged:
    """A log in memory, and its writer with a clock that counts."""

    def __init__(self, limit_bytes: int = 1 << 20) -> None:
        self.index, self.data = in_memory("index"), in_memory("data")
        self.writer = LogWriter(self.index, self.data, limit_bytes, itertools.count(1).__next__)

    def read(self) -> BlockLog:
        return BlockLog(self.index, self.data)


@pytest.fixture
def logged() -> Logged:
    return Logged()


def test_what_was_written_is_read_back_in_order_with_its_data_and_time(logged: Logged) -> None:
    logged.writer.write(0, memoryview(b"a" * BLOCK))
    logged.writer.flush()
    logged.writer.zero(3 * BLOCK, BLOCK)
    logged.writer.write(2 * BLOCK, memoryview(b"b" * BLOCK))
    log = logged.read()
    assert [(r.kind, r.offset, r.length, r.t_ns) for r in log.records] == [
        ("write", 0, BLOCK, 1),
        ("flush", 0, 0, 2),
        ("zero", 3 * BLOCK, BLOCK, 3),
        ("write", 2 * BLOCK, BLOCK, 4),
    ]
    assert [log.data(r) for r in log.records if r.kind == "write"] == [b"a" * BLOCK, b"b" * BLOCK]
    assert (log.flushes, log.problems, length(logged.index)) == ((1,), [], 4)


def test_a_write_of_zeros_takes_no_room(logged: Logged) -> None:
    logged.writer.write(BLOCK, memoryview(bytes(16 * BLOCK)))
    assert [(r.kind, r.length) for r in logged.read().records] == [("zero", 16 * BLOCK)]
    assert os.fstat(logged.data).st_size == 0


def test_a_torn_last_record_is_named_and_left_out(logged: Logged) -> None:
    logged.writer.flush()
    logged.writer.flush()
    os.ftruncate(logged.index, 2 * RECORD_BYTES - 7)
    log = logged.read()
    assert len(log.records) == 1
    assert log.problems == [f"the last record is torn ({RECORD_BYTES - 7} of {RECORD_BYTES} bytes)"]


def test_a_record_whose_data_is_not_all_there_ends_the_log(logged: Logged) -> None:
    logged.writer.write(0, memoryview(b"a" * BLOCK))
    logged.writer.write(BLOCK, memoryview(b"b" * BLOCK))
    logged.writer.flush()
    os.ftruncate(logged.data, BLOCK + 100)
    log = logged.read()
    assert len(log.records) == 1
    assert log.problems == [f"record 1 lacks its data ({BLOCK - 100} bytes)"]


def test_a_full_log_says_so_and_holds_nothing_of_what_came_later() -> None:
    logged = Logged(limit_bytes=2 * BLOCK)
    for number in range(4):
        logged.writer.write(number * BLOCK, memoryview(b"x" * BLOCK))
    logged.writer.flush()
    log = logged.read()
    assert len(log.records) == 2
    assert log.problems == [f"the log was full after 2 records and {2 * BLOCK} bytes of data"]


def test_time_that_runs_backwards_ends_the_log() -> None:
    logged = Logged()
    times = iter((5, 6, 4))
    logged.writer = LogWriter(logged.index, logged.data, 1 << 20, times.__next__)
    for _ in range(3):
        logged.writer.flush()
    log = logged.read()
    assert len(log.records) == 2
    assert log.problems == ["record 2 is older than the one before it"]
