"""Links that were cut while an operation ran, and whether the team says that it cannot do without them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.judged.plan_values import policies
from harness.model import FaultRecord, Operation
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class CutLink:
    """``needed`` is None where nothing is said."""

    fault: str
    link: str
    needed: bool | None

    @property
    def why(self) -> str:
        """In words, why a failure beside it says nothing about the operation."""
        if self.needed:
            return f"the link {self.link} was cut, which it needs"
        return f"needs_links does not say whether it needs the link {self.link}, which was cut"


def cut_links(recording: Recording, operation: Operation) -> list[CutLink]:
    """Those that it may have needed: what the team says it does not need is left out. What is said to be needed comes
    first."""
    said = policies(recording)
    found = (
        CutLink(f.name, link, said.needs_link(operation.name, link))
        for f in recording.faults
        if (link := f.targets.get("link")) and {"cuts", "stalls"} & set(f.effects) and during(f, operation)
    )
    return sorted((c for c in found if c.needed is not False), key=lambda c: c.needed is None)


def during(fault: FaultRecord, operation: Operation) -> bool:
    """Whether the fault was in at some moment of the operation."""
    return (
        fault.injected_ns is not None
        and fault.injected_ns <= operation.stop_ns
        and (fault.healed_ns is None or fault.healed_ns >= operation.start_ns)
    )
