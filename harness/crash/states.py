"""The states a power cut may leave: everything flushed, and any part of what was not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.crash.cuts import Cut, last_flush
from harness.disks.block_log import BLOCK, BlockLog, Record
from harness.disks.image import in_memory, punch

_LOOK = 64 * BLOCK  # compared at a time


@dataclass(frozen=True, slots=True)
class State:
    """Records up to ``durable`` (not included), and of the later ones ``kept``; of record ``torn`` only the first
    ``torn_bytes``. A few numbers: thousands of states cost nothing until one is built."""

    name: str
    durable: int
    kept: tuple[int, ...]
    torn: int = -1
    torn_bytes: int = 0
    unflushed: int = 0

    def __str__(self) -> str:
        said = f"{len(self.kept)} of {self.unflushed} unflushed writes kept"
        if self.torn >= 0:
            said += f", one of them torn after {self.torn_bytes} bytes"
        return said


def whole(index: int) -> State:
    """Everything written up to record ``index``."""
    return State("all", index + 1, ())


def states_of(cut: Cut, log: BlockLog, number: int, rng: random.Random) -> list[State]:
    """The first ``number`` states of a cut: "flushed", "all", "torn", "torn-2", ...; different where that can be."""
    durable = last_flush(log, cut.index) + 1
    unflushed = tuple(range(durable, cut.index + 1))
    n = len(unflushed)
    states = [State("flushed", durable, (), unflushed=n), State("all", durable, unflushed, unflushed=n)]
    seen = {(s.kept, s.torn, s.torn_bytes) for s in states}
    for count in range(1, max(number - 1, 1)):
        for _ in range(20):
            state = _subset(f"torn-{count}" if count > 1 else "torn", durable, unflushed, log, rng)
            if (state.kept, state.torn, state.torn_bytes) not in seen:
                break
        seen.add((state.kept, state.torn, state.torn_bytes))
        states.append(state)
    return states[:number]


def _subset(name: str, durable: int, unflushed: tuple[int, ...], log: BlockLog, rng: random.Random) -> State:
    kept = [number for number in unflushed if rng.random() < 0.5]
    # A block is written whole or not at all; a write of several can stop between two.
    long = [number for number in unflushed if log.records[number].length > BLOCK]
    if not long:
        return State(name, durable, tuple(kept), unflushed=len(unflushed))
    torn = rng.choice(long)
    blocks = rng.randint(1, (log.records[torn].length - 1) // BLOCK)
    return State(name, durable, tuple(sorted({*kept, torn})), torn, blocks * BLOCK, len(unflushed))


def content(log: BlockLog, state: State) -> Iterator[tuple[Record, int]]:
    """What to write, in order: (record, how many of its bytes)."""
    for number in (*range(state.durable), *state.kept):
        record = log.records[number]
        if record.kind != "flush":
            yield record, state.torn_bytes if number == state.torn else record.length


def unlogged(image: int, size_bytes: int, read_log: Callable[[], BlockLog]) -> int:
    """How many blocks of the disk as it is now are not what its log says: a write was lost on the way there, and every
    state built from the log is one that no power cut can leave. What is written while we look does not count."""
    before = read_log()
    rebuilt = build(before, whole(len(before.records) - 1), size_bytes)
    try:
        differ = {
            block
            for block in sorted(_filled(image, size_bytes) | _filled(rebuilt, size_bytes))
            if os.pread(image, _LOOK, block * _LOOK) != os.pread(rebuilt, _LOOK, block * _LOOK)
        }
        wrong = {
            at // BLOCK
            for look in differ
            for at in range(look * _LOOK, min((look + 1) * _LOOK, size_bytes), BLOCK)
            if os.pread(image, BLOCK, at) != os.pread(rebuilt, BLOCK, at)
        }
    finally:
        os.close(rebuilt)
    # The last record may have been in the log and not yet on the disk.
    for record in read_log().records[len(before.records) - 1 :]:
        wrong -= set(range(record.offset // BLOCK, -(-(record.offset + record.length) // BLOCK)))
    return len(wrong)


def _filled(image: int, size_bytes: int) -> set[int]:
    """The stretches of an image that hold anything at all: the rest is a hole."""
    found: set[int] = set()
    at = 0
    while at < size_bytes:
        try:
            start = os.lseek(image, at, os.SEEK_DATA)
        except OSError:  # only a hole is left
            break
        at = os.lseek(image, start, os.SEEK_HOLE)
        found |= set(range(start // _LOOK, -(-at // _LOOK)))
    return found


def build(log: BlockLog, state: State, size_bytes: int) -> int:
    """A descriptor of the disk image of ``state``, in memory and without a name."""
    image = in_memory("crash-state", size_bytes)
    for record, length in content(log, state):
        if record.kind == "zero":
            punch(image, record.offset, length)
        else:
            data = memoryview(log.data(record))[:length]
            offset = record.offset
            while data:
                done = os.pwrite(image, data, offset)
                data, offset = data[done:], offset + done
    return image
