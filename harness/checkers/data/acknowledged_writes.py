"""No acknowledged write is lost, none that was taken away comes back, none is doubled or torn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.data.damage import damage, first_tokens, gaps, indeterminate, is_unreadable
from harness.checkers.data.data_codes import (
    DAMAGE,
    GAPS,
    CameBack,
    Kept,
    Lost,
    NothingAcknowledged,
    NotRead,
    Undecidable,
    Unreadable,
)
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Finding, Observation, Subject
from harness.plan import Step, Together
from harness.recording.history import acknowledged, cause, is_restored, missing, owed, returned
from harness.recording.ledger import Writes, as_writes

_QUESTION = "data.acknowledged_writes"


def lost_writes(observation: Observation) -> Writes:
    """Acknowledged writes that are missing, and were not missing at an earlier read-back already; none is known to be
    when the data could not be read."""
    if observation.found is None:
        return as_writes(())
    return missing(observation, owed(observation, observation.start_ns).present)


@dataclass(frozen=True, slots=True)
class AcknowledgedWrites(Checker):
    """For every read-back but that of a successful restore, which RestoreExact judges, and those of crash states, for
    which PowerLoss asks."""

    name: ClassVar[str] = "acknowledged_writes"
    codes: ClassVar = (Kept, Lost, CameBack, *DAMAGE, Unreadable, NotRead, *GAPS, NothingAcknowledged)

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return kit.missing_read_back()

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        for look in run.recording.observations:
            if not is_restored(look) and look.crash is None:
                for details in judge_kept(look):
                    yield finding(_QUESTION, Subject("read_back", look.label), details)


def judge_kept(observation: Observation) -> list[Details]:
    """What is wrong with the data, whatever kind of read-back it is; else what is missing for a judgement; else that
    all is there."""
    if observation.found is None:
        return [(Unreadable if is_unreadable(observation) else NotRead)(observation.error)]
    owes = owed(observation, observation.start_ns)
    wrong: list[Details] = []
    if lost := missing(observation, owes.present):
        wrong.append(_lost(observation, lost))
    if back := returned(observation, owes.gone):
        wrong.append(CameBack(len(back), first_tokens(back)))
    if wrong := wrong + damage(observation):
        return wrong
    open_ = gaps(observation)
    if unclear := missing(observation, owes.unclear):
        open_.append(Undecidable(len(unclear)))
    if not owes.present:
        open_.append(NothingAcknowledged())
    if open_:
        return open_
    shown = observation.found[0].payload is not None  # all that was acknowledged is there
    return [Kept(len(owes.present), indeterminate(observation), observation.lag_s, payloads=shown)]


def _lost(observation: Observation, lost: Writes) -> Lost:
    operation = cause(observation)
    return Lost(
        writes=len(lost),
        tokens=first_tokens(lost),
        acknowledged=len(acknowledged(observation)),
        after=operation.id if operation else "",
        span_s=int(lost.end_ns.max() - lost.end_ns.min()) / NS,
        within=int((lost.end_ns >= operation.start_ns).sum()) if operation else 0,
    )
