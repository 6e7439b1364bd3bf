"""The second of two faults met the system while it was still recovering from the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.judged.critical_sections import groups
from harness.model import NS, Verdict
from harness.recording.recording import Recording

Second = Literal["fault", "together", "power"]


@dataclass(frozen=True, slots=True)
class InRecovery:
    """Never fails a system: two faults that met it one by one are no pair. ``second``: another fault, operations that
    came on top (``together``), or the power. The recovery lasts until an operation has succeeded again."""

    second: Second = "fault"

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "in_recovery"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        about = "two faults at once"
        planned = next(iter(recording.faults), None)
        if planned is None or planned.injected_ns is None:
            return [Verdict("unknown", about, "", "the first fault never came", self.requirement)]
        since_ns, first = planned.injected_ns, f"{planned.name} ({planned.id})"
        came = self._came(recording, planned.id)
        if not came:
            return [Verdict("unknown", about, "", f"nothing came on top of {first}", self.requirement)]
        worked = [o for o in recording.operations if o.succeeded and o.stop_ns > since_ns]
        again = min(worked, key=lambda o: o.stop_ns, default=None)
        measured = "; ".join(f"{what} {(ns - since_ns) / NS:.2f} s after {first}" for what, ns in came.items())
        early = [what for what, ns in came.items() if ns < since_ns]
        if early:
            why = f"{', '.join(early)} came before {first}: there was nothing to recover from yet"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        late = [what for what, ns in came.items() if again and ns > again.stop_ns]
        if again and late:
            why = f"{again.id} had succeeded before {', '.join(late)}: the system had recovered from {first}"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        over = (
            f"before any operation had succeeded again ({again.id} was the first)" if again else "none succeeded again"
        )
        return [Verdict("pass", about, measured, f"{measured}, {over}", self.requirement)]

    def _came(self, recording: Recording, first: str) -> Mapping[str, int]:
        """What came on top of the fault ``first``, and when."""
        if self.second == "power":
            planned = next(recording.of_kind("power.planned"), {"cuts": ()})
            return {f"power cut {c['number']} in {c['during']}": int(c["at_ns"]) for c in planned["cuts"]}
        if self.second == "together":
            # The first of a group is the one that met the fault.
            return {o.id: o.start_ns for group in groups(recording) for o in group[1:]}
        others = [f for f in recording.faults if f.id != first and f.injected_ns is not None]
        return {f"{f.name} ({f.id})": f.injected_ns or 0 for f in others}
