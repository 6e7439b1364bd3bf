"""After a power cut the system starts by its own means with every acknowledged write, and a backup can be restored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

from harness.checkers.core.codes import Answer, Details, OperationEnd, answer, end_of, finding, outcome_of
from harness.checkers.core.protocol import Checker
from harness.checkers.data import power_codes as codes
from harness.checkers.data.acknowledged_writes import judge_kept
from harness.checkers.data.data_codes import Lost
from harness.checkers.data.power_codes import Answered, Cut
from harness.checkers.data.restore_codes import LaterLost, NothingYounger
from harness.checkers.data.restore_exact import exact, judge_restored
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.judged_run import JudgedRun
from harness.model import NS, CrashState, Finding, Observation, Operation, Outcome, Subject
from harness.plan import Step, Together
from harness.recording.events import PowerAsked, PowerBroken, PowerPlanned, PowerUnsound
from harness.recording.history import acknowledged, cause

_QUESTION = "power.survived"
_RUN = Subject("run", "")
_CONTROL = Subject("crash_state", "control")
_WAYS: dict[Outcome, Answered] = {"pass": "yes", "fail": "no", "unknown": "undecided"}


@dataclass(frozen=True, slots=True)
class PowerLoss(Checker):
    """One finding for each crash state that came through; else one for its live data, one for its way back, or one for
    the operation that does not work any more. A run without power cuts has none here.

    A state whose file system cannot be mounted is unknown, as is everything when the system cannot even be started
    from the control: the disk as it was, whole and flushed, before anything happened.
    """

    name: ClassVar[str] = "power_loss"
    codes: ClassVar = codes.CODES

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return kit.missing_read_back()

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        planned = next(recording.of(PowerPlanned), None)
        if planned is None and next(recording.of(PowerAsked), None) is None:
            return
        if unsound := next((e.why for e in recording.of(PowerUnsound)), ""):
            yield finding(_QUESTION, _RUN, codes.LogUnsound(unsound))
            return
        if planned is None or not planned.states:
            yield finding(_QUESTION, _RUN, codes.NotCut())
            return
        looks = [o for o in recording.observations if o.crash is not None]
        broken = {e.label: e.why for e in recording.of(PowerBroken)}
        of_control = [o for o in looks if o.label == "control"]
        control = _control(of_control, broken)
        # Of what `status` asks something may not be there when the system is started from its disk alone.
        no_status = next((o.status_error for o in of_control), "")
        failed = [finding(_QUESTION, _CONTROL, control)] if control else []
        yield from failed
        for label in planned.states:
            subject = Subject("crash_state", label)
            of_state = [o for o in looks if o.crash is not None and o.crash.label == label]
            found = _state(of_state, broken.get(label, ""), no_status)
            if control and outcome_of(found) != "unknown":
                found = [codes.NotJudged([answer(d) for d in found])]
            because = [f.id for f in failed]
            yield from (finding(_QUESTION, subject, details, because=because) for details in found)
        if len(planned.cuts) < planned.asked:
            yield finding(_QUESTION, _RUN, codes.FewerCuts(len(planned.cuts), planned.asked))


def _control(looks: Sequence[Observation], broken: dict[str, str]) -> codes.ControlFailed | None:
    """What is wrong with the disk before any cut, whole; None when the system runs on it as it should."""
    if not looks or "control" in broken:
        return codes.ControlFailed(False, broken.get("control", ""), "", [])
    live = _Live.of(looks[0])
    if live.outcome == "pass":
        return None
    return codes.ControlFailed(True, "", live.error, [answer(d) for d in live.answers])


def _state(looks: Sequence[Observation], broken: str, no_status: str) -> list[Details]:
    if not looks or looks[0].crash is None:
        return [codes.NotExamined("")]
    first, crash = looks[0], looks[0].crash
    written = acknowledged(first)
    newest_s = (crash.at_ns - int(written.end_ns.max())) / NS if written else None
    cut = Cut(crash.during, crash.kept, crash.hit, len(written), newest_s)
    if crash.mount_error:
        return [codes.NotMounted(cut, crash.mount_error)]
    if broken:
        return [codes.NotExamined(broken)]
    live = _Live.of(first)
    back = _WayBack.of(first, looks[1] if len(looks) > 1 else None, no_status)
    found = live.broken(cut, _WAYS[back.outcome]) + back.broken(cut, live.outcome == "fail")
    if "fail" not in (live.outcome, back.outcome):
        again = next((o for o in looks[-1].operations if o.again), None)  # what the cut fell into, after all else
        if again is not None and not again.succeeded:
            return [codes.OperationBroken(cut, again.name, end_of(again), _told(live.answers))]
        if not found:
            name = again.name if again else ""
            told, way_back = _told(live.answers), _told(back.answers)
            return [codes.Survived(cut, told, live.as_if, live.restore, back.backup, way_back, name)]
    return found


def _told(answers: Sequence[Details]) -> list[Answer]:
    return [answer(details) for details in answers]


@dataclass(frozen=True, slots=True)
class _Live:
    """What became of the live data. ``restore``: the one the cut fell into, or that had ended before; then ``answers``
    are those that hold if it was done, and ``before`` those that hold if it had not begun."""

    outcome: Outcome
    answers: list[Details] = field(default_factory=list)
    error: str = ""
    restore: str = ""
    as_if: Literal["", "not_begun", "done"] = ""
    before: list[Details] = field(default_factory=list)

    @classmethod
    def of(cls, look: Observation) -> _Live:
        crash = look.crash
        assert crash is not None, "not a crash state"
        if crash.start_error:
            return cls("fail", error=crash.start_error)
        within = _cut_restore(look)
        if within is None:
            answers = judge_kept(look)
            return cls(outcome_of(answers), answers)
        if within.succeeded:  # it had ended before the cut
            answers = _restored(replace(look, cause=within.id))
            return cls(outcome_of(answers), answers, restore=within.id)
        # A restore that was cut off (or failed) has happened or has not, and nothing between.
        old = judge_kept(look)
        if outcome_of(old) == "pass":
            return cls("pass", old, restore=within.id, as_if="not_begun")
        ended_then = replace(within, exit=0, stop_ns=crash.at_ns)
        operations = tuple(ended_then if o.id == within.id else o for o in look.operations)
        new = _restored(replace(look, operations=operations, cause=within.id))
        if outcome_of(new) == "pass":
            return cls("pass", new, restore=within.id, as_if="done")
        unknown = "unknown" in (outcome_of(old), outcome_of(new))
        return cls("unknown" if unknown else "fail", new, restore=within.id, before=old)

    def broken(self, cut: Cut, way_back: Answered) -> list[Details]:
        """What to report of it; nothing when all is well."""
        answers = _told(self.answers)
        match self.outcome:
            case "pass":
                return []
            case "unknown":
                return [codes.DataUndecided(cut, self.restore if self.before else "", _told(self.before) + answers)]
        if self.error:
            return [codes.ServiceDown(cut, self.error, way_back)]
        if self.before:
            return [codes.HalfRestored(cut, self.restore, _told(self.before), answers, way_back)]
        later = [d for d in self.answers if isinstance(d, LaterLost)]
        if later and len(later) == len(self.answers):  # all that it brought back is there
            return [codes.LostByCut(cut, sum(d.writes for d in later), answers, way_back)]
        if self.restore:
            return [codes.RestoredWrong(cut, self.restore, answers, way_back)]
        if lost := sum(d.writes for d in self.answers if isinstance(d, Lost)):
            return [codes.LostByCut(cut, lost, answers, way_back)]
        return [codes.DamagedByCut(cut, answers, way_back)]


def _cut_restore(look: Observation) -> Operation | None:
    crash: CrashState | None = look.crash
    return next((o for o in look.operations if crash and o.id == crash.operation and o.restores), None)


def _restored(look: Observation) -> list[Details]:
    """That nothing was there to be taken away is no gap here: the backup itself is what is asked for."""
    answers, operation = judge_restored(look), cause(look)
    if answers == [NothingYounger()] and operation is not None:
        return [exact(look, operation)]
    return answers


@dataclass(frozen=True, slots=True)
class _WayBack:
    """Whether what ``status`` calls the latest backup can really be restored, read back exactly."""

    outcome: Outcome
    backup: str = ""
    answers: list[Details] = field(default_factory=list)
    status_error: str = ""
    made: str = ""
    restore: OperationEnd | None = None
    why: Literal["no_status", "none_yet", "not_tried", "status_needs_more", "undecided"] = "undecided"

    @classmethod
    def of(cls, first: Observation, after: Observation | None, no_status: str) -> _WayBack:
        if "status" in first.not_provided:
            return cls("unknown", why="no_status")
        if first.status_error and no_status:
            return cls("unknown", why="status_needs_more", status_error=first.status_error)
        if first.status_error:
            return cls("fail", status_error=first.status_error)
        made = [o.id for o in first.operations if o.name == "backup" and o.succeeded]
        name = Path(first.latest).name
        if not first.latest:
            return cls("fail", made=made[-1]) if made else cls("unknown", why="none_yet")
        tried = [o for o in after.operations if o.name == "restore" and o.start_ns > first.start_ns] if after else []
        restore = tried[0] if tried else None
        if after is None or restore is None:
            return cls("unknown", name, why="not_tried")
        if not restore.succeeded:
            return cls("fail", name, made=made[-1] if made else "", restore=end_of(restore))
        answers = _restored(after)
        return cls(outcome_of(answers), name, answers)

    def broken(self, cut: Cut, live_lost: bool) -> list[Details]:
        """What to report of it; nothing when all is well."""
        match self.outcome:
            case "pass":
                return []
            case "unknown":
                return [codes.BackupUndecided(cut, self.why, self.backup, _told(self.answers), self.status_error)]
        if self.status_error:
            return [codes.StatusBroken(cut, self.status_error, live_lost)]
        if self.answers:
            return [codes.BackupWrong(cut, self.backup, _told(self.answers), live_lost)]
        return [codes.BackupLost(cut, self.backup, self.made, self.restore, live_lost)]
