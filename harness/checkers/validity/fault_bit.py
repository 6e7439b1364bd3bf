"""Every planned fault was applied, felt by the system, and healed; one that did not bite proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import ended, last_line
from harness.model import FaultRecord, Verdict
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class FaultBit:
    """Never fails a system. A run without faults has no verdict here."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "fault_bit"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        return [self._judge(recording, fault) for fault in recording.faults]

    def _judge(self, recording: Recording, fault: FaultRecord) -> Verdict:
        about = f"{fault.name} ({fault.id}) bit"
        said = fault.evidence.said
        if fault.injected_ns is None and said != "never fired":
            why = f"it could not be injected: {said}"
        elif fault.injected_ns is None:
            why = f"it never fired: {fault.at} was not met"
        elif fault.confirmed_ns is None and "lost early: " in said:
            why = f"it took effect and did not stay: {said}"
        elif fault.confirmed_ns is None:
            why = f"it was injected and did not take effect: {said}"
        elif not fault.evidence.felt and not (shown := failed_for_it(recording, fault)):
            why = f"it took effect and nothing of the system met it: {said}{_heard(recording, fault)}"
        elif fault.healed_ns is None:
            why = f"it could not be healed, so what came after it was still under it: {said}"
        else:
            said += "" if fault.evidence.felt else f"; {shown}"
            return Verdict("pass", about, fault.at, said, self.requirement)
        return Verdict("unknown", about, fault.at, why, self.requirement)


def failed_for_it(recording: Recording, fault: FaultRecord) -> str:
    """What shows, of a system whose words do not, that it met the fault: the operation failed as it should with the
    fault in place to its end, and the same operation succeeded without it. Empty when nothing does."""
    met = next((o for o in recording.operations if o.id == fault.operation), None)
    if met is None or met.expect != "failure" or (met.exit or 0) <= 0:
        return ""
    if fault.injected_ns is None or fault.confirmed_ns is None or fault.healed_ns is None:
        return ""
    if not fault.injected_ns <= met.stop_ns <= (fault.released_ns or fault.healed_ns):
        return ""
    others = (o for o in recording.operations if o.name == met.name and o.succeeded and not o.on_our_backup)
    without = next((o for o in others if o.stop_ns <= fault.injected_ns or o.start_ns >= fault.healed_ns), None)
    return f"{ended(met)} with it in place, and {without.id} succeeded without it" if without else ""


def _heard(recording: Recording, fault: FaultRecord) -> str:
    """What the operation said, in which no word of such a fault was found."""
    met = next((o for o in recording.operations if o.id == fault.operation), None)
    return f"; {ended(met)}, {last_line(met.output)}" if met else ""
