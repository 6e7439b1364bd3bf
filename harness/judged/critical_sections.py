"""Operations that ran together, and the critical sections of each: when it held the lock and changed things."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.model import NS, FaultRecord, Operation
from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording
from harness.stats.spans import shared_ns, without

# An operation that fails inside a phase marks no end of it. It releases the lock some time before its process ends, so
# that much of its last phase does not count. The time in the gate at its beginning does: there it held the lock still.
CUT_OFF_NS = NS // 2


@dataclass(frozen=True, slots=True)
class CriticalSection:
    """A span in which an operation was inside a critical phase; times in CLOCK_MONOTONIC ns."""

    phase: str
    start_ns: int
    stop_ns: int


def groups(recording: Recording) -> list[tuple[Operation, ...]]:
    """The operations of each group, by their start."""
    found: dict[int, list[Operation]] = {}
    for operation in recording.operations:
        if operation.group is not None:
            found.setdefault(operation.group, []).append(operation)
    return [tuple(sorted(members, key=lambda o: o.start_ns)) for members in found.values()]


def marks_lock(recording: Recording, operation: Operation) -> bool:
    """Whether it marked when it asked for the lock (``<operation>.lock``), without which its critical sections are
    unknown. False also if some of its phases were detected only after its end, as in a buffered log."""
    marks = [e for e in recording.of(PhaseEdge) if e.operation == operation.id]
    if any(e.event == "start" and e.ended for e in marks):
        return False
    return any(id_ == operation.id and s.name == f"{operation.name}.lock" for id_, s, _ in recording.phases)


def critical_sections(recording: Recording, operation: Operation) -> tuple[CriticalSection, ...]:
    """Its phases after ``<operation>.lock``, less the time in which a fault had stopped it."""
    spans = [(s, gate_s) for id_, s, gate_s in recording.phases if id_ == operation.id]
    locked_ns = min((s.stop.mono_ns for s, _ in spans if s.name == f"{operation.name}.lock"), default=None)
    if locked_ns is None:
        return ()
    found: list[CriticalSection] = []
    for span, gate_s in spans:
        start, stop = span.start.mono_ns, span.stop.mono_ns
        if start < locked_ns or span.name == f"{operation.name}.lock":
            continue
        late_ns = recording.log.late_ns.get((operation.id, span.name, "stop"), 0)
        held_ns = 0 if killed(operation) else min(int(gate_s * NS), stop - start)
        stop = max(start + held_ns, stop - (max(CUT_OFF_NS, late_ns) if stop >= operation.stop_ns else late_ns))
        found.extend(CriticalSection(span.name, a, b) for a, b in without((start, stop), pauses(recording, operation)))
    return tuple(sorted(found, key=lambda s: s.start_ns))


def locked_before(recording: Recording, operation: Operation) -> tuple[CriticalSection, ...]:
    """From when it had the lock to its first critical phase: a kit may stop the service before it marks anything. Empty
    where no phase followed, for then it may have let go of the lock at any time."""
    inside = critical_sections(recording, operation)
    lock = f"{operation.name}.lock"
    locked_ns = [s.stop.mono_ns for id_, s, _ in recording.phases if id_ == operation.id and s.name == lock]
    if not inside or inside[0].start_ns <= min(locked_ns):
        return ()
    whole = (min(locked_ns), inside[0].start_ns)
    return tuple(CriticalSection(lock, a, b) for a, b in without(whole, pauses(recording, operation)))


def held_while_paused(recording: Recording, operation: Operation) -> tuple[CriticalSection, ...]:
    """The pauses that a fault put it into within a critical section, each until it went on or ended."""
    inside = critical_sections(recording, operation)
    found: list[CriticalSection] = []
    for start, stop in pauses(recording, operation):
        before = [s for s in inside if s.start_ns <= start]
        if before and before[-1].stop_ns + CUT_OFF_NS >= start:  # else it had left and was paused outside
            found.append(CriticalSection(before[-1].phase, start, min(stop, operation.stop_ns)))
    return tuple(found)


def killed(operation: Operation) -> bool:
    """Whether a signal ended it, maybe before it could mark anything or while a gate held it."""
    return operation.exit is not None and operation.exit < 0


def pauses(recording: Recording, operation: Operation) -> list[tuple[int, int]]:
    """(start, stop) in CLOCK_MONOTONIC ns of each time a fault had stopped it."""
    return [
        (f.injected_ns, f.released_ns or f.healed_ns or operation.stop_ns)
        for f in faults_on(recording, operation)
        if "pauses" in f.effects and f.injected_ns is not None
    ]


def faults_on(recording: Recording, operation: Operation) -> list[FaultRecord]:
    return [f for f in recording.faults if f.operation == operation.id]


def overlaps(
    a: tuple[CriticalSection, ...], b: tuple[CriticalSection, ...]
) -> Iterator[tuple[CriticalSection, CriticalSection, int]]:
    """The pairs of sections that were at the same time, with the overlap in ns."""
    for x in a:
        for y in b:
            shared = shared_ns((x.start_ns, x.stop_ns), (y.start_ns, y.stop_ns))
            if shared:
                yield x, y, shared
