"""A backup that says it succeeded is one the kit itself knows of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import Details, OperationEnd, code, end_of, finding
from harness.checkers.core.protocol import Checker
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Subject

_QUESTION = "backup.made"


@code(
    "backup.listed",
    "pass",
    title="The kit knows of the backups it made",
    sentence="after {{ backups|count('backup') }} `status` knew of one",
    meaning="After each backup that succeeded `status` listed a backup of this run.",
)
class Listed(Details):
    backups: int


@code(
    "backup.not_listed",
    "fail",
    title="The kit knows of no backup it made",
    sentence="{{ end|ended }}, and `status` knows of no backup at {{ read_back }}",
    meaning="The backup operation reported success, and `status` lists no backup at all afterwards.",
    causes=("the backup wrote elsewhere, or wrote nothing", "`status` looks into another directory"),
    look="the output of the backup, and the directory of backups",
    hint="exit 0 only when the backup is in the place that `status` and `restore` use",
)
class NotListed(Details):
    end: OperationEnd
    read_back: str


@code(
    "backup.only_older_listed",
    "unknown",
    title="Only older backups are listed",
    sentence="after {{ operation }} `status` knows of none but those from before the run (at {{ read_back }})",
    meaning="The system was attached to and had backups before. None was added or changed, so it is not known what the "
    "operation made.",
    causes=("the backup is incremental or overwrites one of the same size", "it wrote elsewhere"),
    look="what `status` lists before and after the backup",
    hint="let `status` list each backup under a name of its own",
    matter="plan",
)
class OnlyOlderListed(Details):
    operation: str
    read_back: str


@dataclass(frozen=True, slots=True)
class MadeBackup(Checker):
    """By what ``status`` lists at the next read-back; whether it can be restored is asked
    elsewhere. A kit whose ``status`` says nothing has no finding here; what an attached system had before proves
    nothing of what was made. One finding for each backup that is not listed, and one for all that are."""

    name: ClassVar[str] = "made_backup"
    codes: ClassVar = (Listed, NotListed, OnlyOlderListed)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        told = [o for o in run.recording.observations if o.crash is None and not o.status_error]
        listed = 0
        for operation in run.recording.operations:
            if operation.name != "backup" or not operation.succeeded:
                continue
            look = next((o for o in told if o.start_ns >= operation.stop_ns), None)
            if look is None:
                continue
            subject = Subject("operation", operation.id)
            if not look.artefacts and not look.latest:
                yield finding(_QUESTION, subject, NotListed(end_of(operation), look.label))
            elif look.artefacts and not any(look.is_new(a) for a in look.artefacts):
                yield finding(_QUESTION, subject, OnlyOlderListed(operation.id, look.label))
            else:
                listed += 1
        if listed:
            yield finding(_QUESTION, Subject("run", ""), Listed(listed))
