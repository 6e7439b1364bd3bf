"""Every planned fault was applied, felt by the system, and healed; one that did not bite proves nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.model import FaultRecord, Verdict
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class FaultBit:
    """Never fails a system. A run without faults has no verdict here."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "fault_bit"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        return [self._judge(fault) for fault in recording.faults]

    def _judge(self, fault: FaultRecord) -> Verdict:
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
        elif not fault.evidence.felt:
            why = f"it took effect and nothing of the system met it: {said}"
        elif fault.healed_ns is None:
            why = f"it could not be healed, so what came after it was still under it: {said}"
        else:
            return Verdict("pass", about, fault.at, said, self.requirement)
        return Verdict("unknown", about, fault.at, why, self.requirement)
