"""When the service was down because the harness held an operation of the kit at a gate."""

from __future__ import annotations

from collections.abc import Sequence

from harness.judged.downtime import Records, bad_mask
from harness.model import NS, Operation
from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS
from harness.stats.arrays import np
from harness.stats.spans import merged_spans, within_s

# Whether the service was down when a hold began is told by what each channel showed in this time before it.
_BEFORE_NS = int(0.25 * NS)
# A gate that is opened at once holds nobody.
_LEAST_NS = 5_000_000


def holds(recording: Recording) -> list[tuple[int, int]]:
    """When the kit stood at a gate: start and stop in CLOCK_MONOTONIC ns, for every edge of every operation."""
    edges = (e for e in recording.of(PhaseEdge) if e.held and e.gate_ns > _LEAST_NS)
    return sorted((edge.t, edge.t + edge.gate_ns) for edge in edges)


def others_held_s(recording: Recording, operation: Operation) -> float:
    """Seconds of the operation in which the harness held others and not itself: whoever waits for the lock of one that
    is held waits for the harness."""
    edges = [e for e in recording.of(PhaseEdge) if e.held and e.gate_ns > _LEAST_NS]
    own = merged_spans((e.t, e.t + e.gate_ns) for e in edges if e.operation == operation.id)
    both = merged_spans((e.t, e.t + e.gate_ns) for e in edges)
    within = (operation.start_ns, operation.stop_ns)
    return within_s(both, *within) - within_s(own, *within)


def down_while_held(recording: Recording, probes: Records, limit_ms: float) -> list[tuple[int, int]]:
    """The part of each hold in which the service was down for its sake: one that was down when the hold began, until it
    answers well again. A kit that stops the service before its first edge stands still there with the service down, as
    long as we like. What goes down only in a hold is not among it: somebody else may have done that."""
    found: list[tuple[int, int]] = []
    channels = [probes[probes["channel"] == number] for number in range(len(CHANNELS))]
    faults_ns = [f.injected_ns for f in recording.faults if f.injected_ns is not None]
    for start_ns, stop_ns in holds(recording):
        back_ns = [back for c in channels if (back := _back_ns(c, start_ns, stop_ns, limit_ms, faults_ns)) is not None]
        if back_ns:
            found.append((start_ns, max(back_ns)))
    return merged_spans(found)


def _back_ns(records: Records, start_ns: int, stop_ns: int, limit_ms: float, faults_ns: Sequence[int]) -> int | None:
    """When a channel that was down at the start of a hold answered well again, at the latest its stop; None where it
    was not down then. A kit that marks as soon as it has stopped the service may do so before the next probe: then the
    first one in the hold tells, unless a fault of ours came in between."""
    bad = bad_mask(records, limit_ms)
    # Where probes are rare, the last one will do.
    apart_ns = int(np.median(np.diff(np.sort(records["intended_ns"])))) if len(records) > 1 else 0
    since_ns = start_ns - max(_BEFORE_NS, 2 * apart_ns)
    before = (records["intended_ns"] >= since_ns) & (records["intended_ns"] < start_ns)
    due_ns = records["intended_ns"]
    if not before.any():
        return None
    if not bad[before][np.argmax(due_ns[before])]:
        first = (due_ns >= start_ns) & (due_ns <= start_ns + 2 * apart_ns)
        if not first.any() or not bad[first][np.argmin(due_ns[first])]:
            return None
        until_ns = records["end_ns"][first][np.argmin(due_ns[first])]
        if any(start_ns - 2 * apart_ns <= at_ns <= until_ns for at_ns in faults_ns):
            return None
    good = records["end_ns"][~bad & (records["intended_ns"] >= start_ns)]
    return min(stop_ns, int(good.min())) if len(good) else stop_ns
