"""Where the power is cut: block writes of the log that fall into chosen phases of an operation."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from harness.disks.block_log import BLOCK, BlockLog
from harness.model import Span
from harness.plan import PowerCuts


@dataclass(frozen=True, slots=True)
class Cut:
    """The power goes right after record ``index`` of the log was written; ``phase`` is where that fell into."""

    number: int
    index: int
    at_ns: int
    phase: str


def choose(power: PowerCuts, log: BlockLog, spans: Sequence[Span], rng: random.Random) -> list[Cut]:
    """The cuts, in the order of the log, spread evenly over the spans; fewer than asked for when so many writes did not
    fall into them."""
    found = {span.name: _writes_within(log, span) for span in spans}
    for writes in found.values():
        rng.shuffle(writes)
        writes.sort(key=lambda write: write.states)  # stable: chance decides among those with as many states
    chosen: dict[int, str] = {}
    order = list(found)
    rng.shuffle(order)
    while len(chosen) < power.cuts and any(found.values()):
        for name in order:
            if found[name] and len(chosen) < power.cuts:
                chosen.setdefault(found[name].pop().index, name)
    return [Cut(n, index, log.records[index].t_ns, chosen[index]) for n, index in enumerate(sorted(chosen), 1)]


@dataclass(frozen=True, slots=True)
class _Write:
    """A record the power may go after. ``states``: 1 when there are several that differ, for several writes had not
    been flushed by then and one of them can be torn."""

    index: int
    states: int


def _writes_within(log: BlockLog, span: Span) -> list[_Write]:
    found: list[_Write] = []
    begun, large = 0, False  # since the last flush
    for index, record in enumerate(log.records):
        if record.t_ns > span.stop.mono_ns:
            break
        if record.kind == "flush":
            begun, large = 0, False
            continue
        begun, large = begun + 1, large or record.length > BLOCK
        if record.t_ns >= span.start.mono_ns:
            found.append(_Write(index, int(begun > 1 and large)))
    return found


def last_flush(log: BlockLog, index: int) -> int:
    """The number of the last flush up to record ``index``; -1 for none."""
    found = bisect_right(log.flushes, index)
    return log.flushes[found - 1] if found else -1
