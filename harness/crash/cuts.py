"""Where the power is cut: block writes of the log that fall into chosen phases of an operation."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.disks.block_log import BLOCK, BlockLog
from harness.model import Span


@dataclass(frozen=True, slots=True)
class PowerCuts:
    """``cuts`` moments within the ``occurrence``-th ``operation`` (within its phases ``during``, when it marks them),
    and ``states`` states each: what was flushed; all that was written; then seeded subsets of what was not flushed,
    one write of each torn. ``nudge``: while the operation runs, an unrelated file is synced over and over, so that the
    file system writes down names and sizes long before data nobody asked it to keep: what it does by itself within
    seconds, and so rarely within an operation."""

    operation: str
    during: tuple[str, ...] = ()
    occurrence: int = 1
    cuts: int = 1
    states: int = 3
    nudge: bool = False

    def needs(self, capabilities: Mapping[str, bool]) -> str:
        """What is missing for it here, in words; empty when nothing is."""
        return "" if capabilities.get("logged_disk") else "a logged disk: it needs root, loop devices and /dev/fuse"

    def __str__(self) -> str:
        where = f"{', '.join(self.during) or 'anywhere'} of {self.operation} #{self.occurrence}"
        return f"power cut at {self.cuts} block write{'s' * (self.cuts > 1)} in {where}, {self.states} states each"


@dataclass(frozen=True, slots=True)
class Cut:
    """The power goes right after record ``index`` of the log was written; ``phase`` is where that fell into."""

    number: int
    index: int
    at_ns: int
    phase: str


def choose(power: PowerCuts, log: BlockLog, spans: Sequence[Span], rng: random.Random) -> list[Cut]:
    """The cuts, in the order of the log; fewer than asked for when so many writes did not fall into the spans.

    A cut with several unflushed writes, of which one can be torn, is preferred: it has more states that differ.
    """
    rich: list[tuple[int, str]] = []
    poor: list[tuple[int, str]] = []
    begun, large = 0, False  # of the epoch, that is since the last flush
    for index, record in enumerate(log.records):
        if record.kind == "flush":
            begun, large = 0, False
            continue
        begun, large = begun + 1, large or record.length > BLOCK
        where = [s.name for s in spans if s.start.mono_ns <= record.t_ns <= s.stop.mono_ns]
        if where:
            (rich if begun > 1 and large else poor).append((index, where[-1]))
    wanted = min(power.cuts, len(rich) + len(poor))
    first = rng.sample(rich, min(wanted, len(rich)))
    chosen = sorted([*first, *rng.sample(poor, wanted - len(first))])
    return [Cut(n, index, log.records[index].t_ns, phase) for n, (index, phase) in enumerate(chosen, 1)]


def last_flush(log: BlockLog, index: int) -> int:
    """The number of the last flush up to record ``index``; -1 for none."""
    found = bisect_right(log.flushes, index)
    return log.flushes[found - 1] if found else -1
