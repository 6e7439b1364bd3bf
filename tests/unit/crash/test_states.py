"""Cuts and states from a log that is known to the byte."""

from __future__ import annotations

import itertools
import os
import random

import pytest

from harness.crash.cuts import Cut, choose, last_flush
from harness.crash.states import State, build, states_of, unlogged, whole
from harness.disks.block_log import BLOCK, BlockLog, LogWriter
from harness.disks.image import in_memory
from harness.model import Instant, Span
from harness.plan import PowerCuts

SIZE = 8 * BLOCK


def logged(text: str) -> BlockLog:
    """``A0 B1 | C0-2`` : blocks of As at 0, of Bs at 1, a flush, Cs at 0 to 2; ``z3`` zeros block 3. Times count from
    1, one a record."""
    index, data = in_memory("index"), in_memory("data")
    writer = LogWriter(index, data, 1 << 20, itertools.count(1).__next__)
    for word in text.split():
        if word == "|":
            writer.flush()
            continue
        first, _, last = word[1:].partition("-")
        blocks = int(last or first) - int(first) + 1
        if word[0] == "z":
            writer.zero(int(first) * BLOCK, blocks * BLOCK)
        else:
            writer.write(int(first) * BLOCK, memoryview(word[0].encode() * (blocks * BLOCK)))
    return BlockLog(index, data)


def shown(log: BlockLog, state: State) -> str:
    """The image as one letter a block, a dot for zeros."""
    fd = build(log, state, SIZE)
    try:
        blocks = [os.pread(fd, BLOCK, number * BLOCK) for number in range(SIZE // BLOCK)]
    finally:
        os.close(fd)
    assert all(len(set(block)) == 1 for block in blocks)
    return "".join("." if block[0] == 0 else chr(block[0]) for block in blocks)


def span(name: str, start: int, stop: int) -> Span:
    return Span(name, Instant(start, 0), Instant(stop, 0))


def cut_at(log: BlockLog, index: int) -> Cut:
    return Cut(1, index, log.records[index].t_ns, "phase")


def test_flushed_and_all_are_what_they_say() -> None:
    log = logged("A0 B1 | C0 z1 D2-3")
    flushed, everything = states_of(cut_at(log, 5), log, 2, random.Random(1))
    assert (flushed.name, shown(log, flushed)) == ("flushed", "AB......")
    assert (everything.name, shown(log, everything)) == ("all", "C.DD....")
    assert str(flushed) == "0 of 3 unflushed writes kept"
    assert str(everything) == "3 of 3 unflushed writes kept"


def test_what_comes_after_the_cut_never_happened() -> None:
    log = logged("A0 | B0 C1 | D0")
    for state in states_of(cut_at(log, 2), log, 5, random.Random(1)):
        assert "C" not in shown(log, state) and "D" not in shown(log, state)
    assert shown(log, whole(3)) == "BC......"


def test_a_later_write_to_the_same_block_wins_whatever_is_kept() -> None:
    log = logged("A0 | B0 C0")
    assert shown(log, State("x", 2, (2,))) == "B......."
    assert shown(log, State("x", 2, (2, 3))) == "C......."


def test_a_torn_write_stops_between_two_blocks() -> None:
    log = logged("A0-7 | B0-3")
    for seed in range(10):
        torn = states_of(cut_at(log, 2), log, 3, random.Random(seed))[2]
        image = shown(log, torn)
        assert torn.torn == 2
        assert image in ("BAAAAAAA", "BBAAAAAA", "BBBAAAAA")
        assert str(torn) == f"1 of 1 unflushed writes kept, one of them torn after {image.count('B') * BLOCK} bytes"


def test_subsets_come_from_the_seed_and_differ_where_they_can() -> None:
    log = logged("A0 | B1 C2 D3 E4-6")
    first = states_of(cut_at(log, 5), log, 5, random.Random(7))
    again = states_of(cut_at(log, 5), log, 5, random.Random(7))
    assert first == again
    assert [s.name for s in first] == ["flushed", "all", "torn", "torn-2", "torn-3"]
    assert len({shown(log, s) for s in first}) == 5
    for state in first[2:]:
        assert shown(log, state)[0] == "A"


def test_the_last_flush_is_the_one_up_to_the_cut() -> None:
    log = logged("A0 | B0 | C0")
    assert [last_flush(log, index) for index in range(5)] == [-1, 1, 1, 3, 3]


def test_cuts_fall_on_writes_within_the_spans_and_on_each_of_them() -> None:
    log = logged("A0 | B0 C1-2 | D0 E1-2 | F0 G1-2 |")
    spans = [span("copy", 3, 4), span("verify", 9, 11)]
    for seed in range(10):
        cuts = choose(PowerCuts("backup", cuts=2), log, spans, random.Random(seed))
        # Of each span the write after which there is one that can be torn, and another not flushed.
        assert [(c.number, c.index, c.at_ns, c.phase) for c in cuts] == [(1, 3, 4, "copy"), (2, 9, 10, "verify")]


def test_there_are_no_more_cuts_than_writes_and_none_outside_the_spans() -> None:
    log = logged("A0 B1 | C0 D1 |")
    cuts = choose(PowerCuts("backup", cuts=20), log, [span("copy", 4, 6)], random.Random(1))
    assert [c.index for c in cuts] == [3, 4]
    assert choose(PowerCuts("backup"), log, [span("copy", 100, 200)], random.Random(1)) == []


@pytest.mark.parametrize(
    ("power", "said"),
    [
        (PowerCuts("backup"), "power cut at 1 block write anywhere in backup #1, 3 states each"),
        (
            PowerCuts("restore", ("restore.copy",), 2, cuts=20, states=5, after_s=0.4),
            "power cut at 20 block writes in restore.copy of restore #2 or in 0.4 s after it, 5 states each",
        ),
    ],
)
def test_power_cuts_say_what_they_are(power: PowerCuts, said: str) -> None:
    assert str(power) == said


def test_a_write_the_log_lost_is_seen_on_the_disk() -> None:
    log = logged("A0 B1 | C0 z1 D2-3")
    disk = build(log, whole(len(log.records) - 1), SIZE)
    try:
        assert unlogged(disk, SIZE, lambda: log) == 0
        os.pwrite(disk, b"x" * 2 * BLOCK, 5 * BLOCK)
        assert unlogged(disk, SIZE, lambda: log) == 2
    finally:
        os.close(disk)


def test_what_is_written_while_the_disk_is_compared_is_no_lost_write() -> None:
    before, after = logged("A0 B1 | C0"), logged("A0 B1 | C0 D4 z1")
    disk = build(after, whole(len(after.records) - 1), SIZE)
    reads = iter((before, after))
    try:
        assert unlogged(disk, SIZE, lambda: next(reads)) == 0
    finally:
        os.close(disk)
