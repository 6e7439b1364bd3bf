"""The second of two faults met the system while it was still recovering from the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from harness.checkers.core.codes import Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Finding, Subject
from harness.recording.events import PowerPlanned

Second = Literal["fault", "together", "power"]
_QUESTION = "fault.pair_met"


class Came(msgspec.Struct):
    """What came on top of the first fault, and how many seconds after it."""

    what: str
    after_s: float


@code(
    "fault.pair",
    "pass",
    title="The second fault met a recovering system",
    sentence="{% for c in came %}{{ c.what }} {{ c.after_s|s }} after {{ first }}, {% endfor %}"
    "{% if again %}before any operation had succeeded again ({{ again }} was the first)"
    "{% else %}none succeeded again{% endif %}",
    meaning="The second fault came after the first, and before any operation of the kit had succeeded again.",
    matter="plan",
)
class Pair(Details):
    first: str
    came: list[Came]
    again: str


@code(
    "fault.first_never_came",
    "unknown",
    title="The first fault never came",
    sentence="the first fault never came",
    meaning="Without the first fault the second one met a system that had nothing to recover from.",
    look="the finding about that fault",
    hint="mend what kept the first fault away",
    matter="plan",
    absent=True,
)
class FirstNeverCame(Details):
    pass


@code(
    "fault.second_never_came",
    "unknown",
    title="Nothing came on top of the fault",
    sentence="nothing came on top of {{ first }}",
    meaning="The second fault, the operations beside it, or the power cut never came.",
    look="the finding about that fault",
    hint="mend what kept the second fault away",
    matter="plan",
    absent=True,
)
class SecondNeverCame(Details):
    first: str


@code(
    "fault.second_came_first",
    "unknown",
    title="The second fault came first",
    sentence="{{ came|join(', ') }} came before {{ first }}: there was nothing to recover from yet",
    meaning="The two faults met the system in the other order.",
    hint="run it with another seed, or place the faults at other edges",
    matter="plan",
)
class SecondCameFirst(Details):
    first: str
    came: list[str]


@code(
    "fault.second_came_late",
    "unknown",
    title="The system had recovered before",
    sentence="{{ again }} had succeeded before {{ came|join(', ') }}: the system had recovered from {{ first }}",
    meaning="An operation had succeeded between the two faults, so they were no pair.",
    hint="place the second fault at an earlier edge",
    matter="plan",
)
class SecondCameLate(Details):
    first: str
    came: list[str]
    again: str


@dataclass(frozen=True, slots=True)
class InRecovery(Checker):
    """Never fails a system: two faults that met it one by one are no pair. ``second``: another fault, operations that
    came on top (``together``), or the power. The recovery lasts until an operation has succeeded again."""

    second: Second = "fault"

    name: ClassVar[str] = "in_recovery"
    codes: ClassVar = (Pair, FirstNeverCame, SecondNeverCame, SecondCameFirst, SecondCameLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        yield finding(_QUESTION, Subject("run", ""), self._judged(run), because=[f.id for f in run.recording.faults])

    def _judged(self, run: JudgedRun) -> Details:
        planned = next(iter(run.recording.faults), None)
        if planned is None or planned.injected_ns is None:
            return FirstNeverCame()
        since_ns, first = planned.injected_ns, f"{planned.name} ({planned.id})"
        came = self._came(run, planned.id)
        if not came:
            return SecondNeverCame(first)
        if early := [what for what, ns in came.items() if ns < since_ns]:
            return SecondCameFirst(first, early)
        worked = [o for o in run.recording.operations if o.succeeded and o.stop_ns > since_ns]
        again = min(worked, key=lambda o: o.stop_ns, default=None)
        if again and (late := [what for what, ns in came.items() if ns > again.stop_ns]):
            return SecondCameLate(first, late, again.id)
        after = [Came(what, (ns - since_ns) / NS) for what, ns in came.items()]
        return Pair(first, after, again.id if again else "")

    def _came(self, run: JudgedRun, first: str) -> Mapping[str, int]:
        """What came on top of the fault ``first``, and when."""
        if self.second == "power":
            cuts = [c for e in run.recording.of(PowerPlanned) for c in e.cuts]
            return {f"power cut {c.number} in {c.during}": c.at_ns for c in cuts}
        if self.second == "together":
            # The first of a group is the one that met the fault.
            return {o.id: o.start_ns for group in run.groups for o in group[1:]}
        others = [f for f in run.recording.faults if f.id != first and f.injected_ns is not None]
        return {f"{f.name} ({f.id})": f.injected_ns or 0 for f in others}
