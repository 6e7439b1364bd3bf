"""Every planned fault was applied, felt by the system, and healed; one that was not proves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.judged.fault_effect import Compared, failed_for_it
from harness.judged.judged_run import JudgedRun
from harness.model import FaultRecord, Finding, Subject
from harness.recording.recording import Recording

_QUESTION = "fault.took_effect"


@code(
    "fault.felt",
    "pass",
    title="The fault took effect and was met",
    sentence="{{ probe }}"
    "{% if without %}; {{ met|ended }} with it in place, and {{ without }} succeeded without it{% endif %}",
    meaning="The harness's own probe saw the fault, the system met it, and it was healed afterwards.",
    matter="plan",
)
class Felt(Details):
    """``probe``: what the harness's probe and the system's words showed; ``without``: where the system's words show
    nothing, the operation that succeeded without the fault, while ``met`` failed under it."""

    name: str
    at: str
    probe: str
    met: OperationEnd | None
    without: str


@code(
    "fault.not_injected",
    "unknown",
    title="The fault itself failed",
    sentence="the fault itself failed: {{ error }}",
    meaning="The harness tried to inject the fault, or to learn what became of it, and could not: the cell shows "
    "nothing.",
    causes=("the system does not have what the fault is about", "a fault of your own raised an error"),
    look="the line that is named, if the fault is your own; else `deploydrill doctor`",
    hint="mend the fault if it is your own, or give the system what it is about; `deploydrill doctor` says what this "
    "host lacks",
    matter="plan",
)
class NotInjected(Details):
    name: str
    error: str


@code(
    "fault.never_fired",
    "unknown",
    title="The fault never fired",
    sentence="it never fired: {{ at }} was not met",
    meaning="The edge at which the fault is planned never came: the kit marks no such phase, or failed before it.",
    causes=("the kit marks the phase under another name, or not at all", "an earlier operation failed"),
    look="the phases of the run in its timeline",
    hint="mark the phase, or detect it by [phases] in system.toml",
    matter="plan",
    absent=True,
)
class NeverFired(Details):
    name: str
    at: str


@code(
    "fault.skipped",
    "unknown",
    title="The edge came to light too late",
    sentence="it was not injected: {{ why }}",
    meaning="The edge was detected only when its operation had ended: on its aftermath a fault would prove nothing.",
    causes=("the log that shows the phase is buffered",),
    hint="unbuffer the log (`stdbuf -oL`), or mark the phase",
    matter="plan",
)
class Skipped(Details):
    name: str
    at: str
    why: str


@code(
    "fault.lost_early",
    "unknown",
    title="The fault went away too early",
    sentence="it took effect and did not stay: {{ probe }}",
    meaning="Something took the fault away before the harness did, so the rest of the operation ran without it.",
    causes=("another program frees the disk or restores the link",),
    hint="end what interferes, and run it again",
    matter="host",
)
class LostEarly(Details):
    name: str
    at: str
    probe: str


@code(
    "fault.not_applied",
    "unknown",
    title="The fault did not take effect",
    sentence="it was injected and did not take effect: {{ probe }}",
    meaning="The harness's own probe did not see the fault after it was injected.",
    look="`deploydrill doctor`",
    hint="run it again; `deploydrill doctor` tries what this host can do",
    matter="host",
)
class NotApplied(Details):
    name: str
    at: str
    probe: str


@code(
    "fault.not_felt",
    "unknown",
    title="Nothing of the system met the fault",
    sentence="it took effect and nothing of the system met it: {{ probe }}"
    "{% if met %}; {{ met|ended }}, {{ met|said }}{% endif %}",
    meaning="The fault was there, and neither the words of the kit and the service nor the way its operation ended "
    "show that they met it. What passed under such a fault proves nothing.",
    causes=(
        "the kit does nothing there that the fault touches",
        "the operation was over before the fault was in",
        "the kit's words for the failure are not known, and it did not fail otherwise than without the fault",
    ),
    look="operations/*.out of the operation that the fault landed on",
    hint="let the kit print why it failed; place the fault where the kit works (phase, disk, link)",
    matter="plan",
)
class NotFelt(Details):
    name: str
    at: str
    probe: str
    met: OperationEnd | None


@code(
    "fault.not_healed",
    "unknown",
    title="The fault could not be healed",
    sentence="it could not be healed, so what came after it was still under it: {{ probe }}",
    meaning="The harness took the fault away and still saw it: what came afterwards ran under it.",
    hint="run it again; `deploydrill heal` undoes what a run left",
    matter="harness",
)
class NotHealed(Details):
    name: str
    at: str
    probe: str


@dataclass(frozen=True, slots=True)
class FaultBit(Checker):
    """Never fails a system. A run without faults has no finding here."""

    name: ClassVar[str] = "fault_bit"
    codes: ClassVar = (Felt, NotInjected, NeverFired, Skipped, LostEarly, NotApplied, NotFelt, NotHealed)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        for fault in run.recording.faults:
            yield finding(_QUESTION, Subject("fault", fault.id), _judged(run.recording, fault), because=[fault.id])


def _judged(recording: Recording, fault: FaultRecord) -> Details:
    name, at, probe = fault.name, fault.at, fault.evidence.said
    met = next((end_of(o) for o in recording.operations if o.id == fault.operation), None)
    shown: Compared | None = None if fault.evidence.felt else failed_for_it(recording, fault)
    match fault.state:
        case "planned":
            return NeverFired(name, at)
        case "failed":
            return NotInjected(name, probe)
        case "skipped":
            return Skipped(name, at, probe)
        case "lost_early":
            return LostEarly(name, at, probe)
        case "not_applied" | "injected":
            return NotApplied(name, at, probe)
    if not fault.evidence.felt and shown is None:
        return NotFelt(name, at, probe, met)
    if fault.state != "healed":
        return NotHealed(name, at, probe)
    return Felt(name, at, probe, met if shown else None, shown.without.id if shown else "")
