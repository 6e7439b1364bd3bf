"""The kit's own validation accepts a good backup and rejects a damaged one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Subject
from harness.recording.events import NotProvided
from harness.recording.history import excused
from harness.recording.recording import Recording

_QUESTION = "validation.rejects_damage"
_RUN = Subject("run", "")


@code(
    "validation.sound",
    "pass",
    title="Validation tells good backups from damaged",
    sentence="every damaged backup was rejected ({{ damages|join(', ') }}), {{ accepted|count('good one') }} accepted",
    meaning="The kit's validation rejected each backup that was damaged on purpose, and accepted the whole ones.",
)
class Sound(Details):
    """``damages``: the kinds of damage that were tried."""

    damages: list[str]
    rejected: int
    accepted: int


@code(
    "validation.accepted_damage",
    "fail",
    title="Validation accepted a damaged backup",
    sentence="{{ end.id }} accepted a backup that was {{ damage }}; {{ end|said }}",
    meaning="The harness damaged a copy of a backup, and the kit's validation called it good.",
    causes=(
        "validation checks that a file exists, or how long it is, and not its content",
        "validation runs its check on another or an empty database",
    ),
    look="the command that the validation runs, and on which file",
    hint="compare a checksum that was taken with the backup, and restore it into a scratch database",
)
class AcceptedDamage(Details):
    """``damage``: what was done to it (truncated, flipped, empty)."""

    end: OperationEnd
    damage: str


@code(
    "validation.rejected_good",
    "fail",
    title="Validation rejected a good backup",
    sentence="{{ end.id }} rejected an undamaged backup; {{ end|said }}",
    meaning="The backup was as the kit had made it, and the kit's validation refused it.",
    causes=("validation fails for another reason, such as a missing tool or directory",),
    look="the output of the validation",
    hint="run the validation by hand on a fresh backup",
)
class RejectedGood(Details):
    end: OperationEnd


@code(
    "validation.not_tried",
    "unknown",
    title="Validation was not put to the test",
    sentence="it takes a damaged backup rejected and a good one accepted to say, and every one judged: rejected "
    "{{ rejected }} of {{ damaged|count('damaged backup') }}, accepted {{ accepted }} of {{ good|count('good one') }}",
    meaning="Validation did not run on both a good and a damaged backup, or did not end on one of them.",
    causes=("there was no backup to validate", "a validation ran into its deadline"),
    look="operations/validate-*.out",
    hint="let `status` name the latest backup; raise operations.validate.deadline_s if it is slow",
    matter="plan",
    absent=True,
)
class NotTried(Details):
    damaged: int
    rejected: int
    good: int
    accepted: int


@code(
    "validation.nothing_to_damage",
    "note",
    title="Backups are no files to damage",
    sentence="{{ accepted|count('good backup') }} accepted; backups are no files of this host, and none was damaged",
    meaning="The backups of this kit are objects in a store or snapshots, which the harness does not get at. Whether "
    "validation would see a damaged one was not tried.",
)
class NothingToDamage(Details):
    accepted: int


@code(
    "validation.by_name",
    "unknown",
    title="Validation remembers backups by name",
    sentence="{{ end|ended }} on a backup that had been {{ damage }} and was whole again: other damage was not tried",
    meaning="A backup that was damaged and then put back is still refused. That may be right, and it means that the "
    "other kinds of damage were not looked at.",
    causes=("the kit notes rejected backups by their name",),
    look="where the kit notes what it rejected",
    hint="let validation judge the content; or accept that only one kind of damage is tried",
    matter="plan",
)
class ByName(Details):
    end: OperationEnd
    damage: str


@dataclass(frozen=True, slots=True)
class RejectsDamage(Checker):
    """Judges ``validate`` runs on backups damaged on purpose, and on undamaged ones: a validation that rejects
    everything is as useless as one that accepts everything. One that goes on refusing a backup that is whole again goes
    by its name: that may be right, and of the damage not tried then it tells nothing."""

    name: ClassVar[str] = "validation"
    codes: ClassVar = (Sound, AcceptedDamage, RejectedGood, NotTried, NothingToDamage, ByName)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        yield from (finding(_QUESTION, subject, details) for subject, details in self.answers(run.recording))

    def answers(self, recording: Recording) -> Iterator[tuple[Subject, Details]]:
        """What each run of ``validate`` shows, or all of them together."""
        runs = [o for o in recording.operations if o.name == "validate"]
        spared = [*recording.of(NotProvided)]
        damaged = [o for o in runs if o.damaged_how]
        clean = [o for o in runs if not o.damaged_how and o.expect == "success" and not excused(recording, o)]
        rejected = [o for o in damaged if o.exit not in (0, None)]
        accepted = [o for o in clean if o.exit == 0]
        wrong: list[tuple[str, Details]] = [
            (o.id, AcceptedDamage(end_of(o), o.damaged_how or "")) for o in damaged if o.exit == 0
        ]
        wrong += [(o.id, RejectedGood(end_of(o))) for o in clean if o.exit not in (0, None)]
        if wrong:
            for id_, details in wrong:
                yield Subject("operation", id_), details
        elif accepted == clean and not damaged and any(e.operation == "validate" and e.optional for e in spared):
            yield _RUN, NothingToDamage(len(accepted))
        elif not rejected or not accepted or len(rejected) < len(damaged) or len(accepted) < len(clean):
            counts = NotTried(len(damaged), len(rejected), len(clean), len(accepted))
            yield _RUN, counts
        elif by_name := next((o for o in runs if o.put_back and o.exit != 0), None):
            details = ByName(end_of(by_name), by_name.put_back or "")
            yield Subject("operation", by_name.id), details
        else:
            damages = sorted({o.damaged_how for o in rejected if o.damaged_how})
            yield _RUN, Sound(damages, len(rejected), len(accepted))
