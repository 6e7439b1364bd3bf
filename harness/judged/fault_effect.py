"""What shows, of a system whose words do not, that it met a fault: how its operation ended with it and without it."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import FaultRecord, Operation
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Compared:
    """``met`` failed with the fault in place to its end, ``without`` succeeded without it."""

    met: Operation
    without: Operation


def failed_for_it(recording: Recording, fault: FaultRecord) -> Compared | None:
    """The operation failed as it should with the fault in place to its end, and the same operation succeeded without
    it; None when nothing shows that."""
    met = next((o for o in recording.operations if o.id == fault.operation), None)
    if met is None or met.expect != "failure" or (met.exit or 0) <= 0:
        return None
    if fault.state != "healed" or fault.injected_ns is None or fault.healed_ns is None:
        return None
    if not fault.injected_ns <= met.stop_ns <= (fault.released_ns or fault.healed_ns):
        return None
    others = (o for o in recording.operations if o.name == met.name and o.succeeded and not o.on_our_backup)
    without = next((o for o in others if o.stop_ns <= fault.injected_ns or o.start_ns >= fault.healed_ns), None)
    return Compared(met, without) if without else None
