"""No partial backup is ever the one that a restore would use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from harness.checkers.core.codes import MOST_EXAMPLES, Details, code, finding, outcome_of
from harness.checkers.core.protocol import Checker
from harness.checkers.data.restore_exact import judge_live_restored
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.cut_links import cut_links
from harness.judged.judged_run import JudgedRun
from harness.model import Artefact, Finding, Observation, Operation, Outcome, Subject, merged
from harness.plan import Step, Together
from harness.recording.history import cause, excused
from harness.recording.recording import Recording

_QUESTION = "backup.latest_is_whole"
# Path and size: a kit may write one backup over another. One that is no file here is what its id says, at any size.
_Content = tuple[str, int]
_RUN = Subject("run", "")
# Full backups of one run hold the same data but for what its load wrote: none can rightly be this much smaller. Those
# that an attached system had before may be of other data.
_LEAST_SHARE = 0.9
FULL = "full"


class NoLatest(msgspec.Struct):
    """A read-back at which it is not known what a restore would use: `status` failed (``error``), named a backup that
    it does not list, named none at all, named one from before the run, or one whose size tells nothing."""

    read_back: str
    why: Literal["status_failed", "not_listed", "none_named", "from_before", "increment"]
    backup: str
    error: str


_LOOKS = (
    "{% for l in looks[:3] %}{{ l.read_back }}: {% if l.why == 'status_failed' %}{{ l.error }}"
    "{% elif l.why == 'not_listed' %}status lists no {{ l.backup }}"
    "{% elif l.why == 'none_named' %}status names no backup to restore from"
    "{% elif l.why == 'increment' %}{{ l.backup }} is no full backup, and its size tells nothing"
    "{% else %}{{ l.backup }} is from before the run{% endif %}{{ '; ' if not loop.last }}{% endfor %}"
)


@code(
    "backup.whole_is_latest",
    "pass",
    title="No partial backup was the latest",
    sentence="what `restore` would use was never under {{ '%.0f'|format(100 * least_share) }} % of the largest backup "
    "({{ comparisons|count('comparison') }})"
    "{% if restored %}; {{ restored|count('time') }} it was one that was restored exactly later{% endif %}"
    "{% if increments %}; {{ increments|count('time') }} it was an increment, whose size tells nothing{% endif %}",
    meaning="At each read-back the backup that `status` calls latest was about as large as the largest one of the run, "
    "or was restored exactly, whatever its size. Of an increment that was not restored nothing is known.",
)
class WholeIsLatest(Details):
    """``restored``: at so many read-backs it was one that a restore brought back exactly; ``increments``: at so many an
    increment that no restore showed."""

    comparisons: int
    least_share: float
    restored: int = 0
    increments: int = 0


@code(
    "backup.partial_is_latest",
    "fail",
    title="A partial backup is the latest one",
    sentence="backup {{ backup }} is {{ '%.0f'|format(100 * share) }} % of its size ({{ size_bytes|size }}, "
    "{{ reference }} has {{ reference_bytes|size }}) and is what `restore` would use (at {{ read_backs|join(', ') }})",
    meaning="A backup far smaller than another one of the same data is what a restore would use.",
    causes=(
        "a backup is written under its final name and stays there when it fails",
        "the latest backup is chosen by name or date, and not by whether it is whole",
    ),
    look="the backup operation that failed, and what it left in the directory of backups",
    hint="write to a temporary name, rename when it is whole, and remove it on failure",
)
class PartialIsLatest(Details):
    """``reference``: the largest other backup seen so far; ``share``: of its size."""

    backup: str
    size_bytes: int
    reference: str
    reference_bytes: int
    share: float
    read_backs: list[str]


@code(
    "backup.size_differs",
    "unknown",
    title="The latest backup is much smaller",
    sentence="backup {{ backup }} is {{ '%.0f'|format(100 * share) }} % of its size ({{ size_bytes|size }}, "
    "{{ reference }} has {{ reference_bytes|size }}) and is what `restore` would use (at {{ read_backs|join(', ') }}); "
    "no restore showed whether it is whole",
    meaning="A backup far smaller than another one of the run is what a restore would use. It is an increment, or it "
    "is partial: `status` does not tell its kind, and it was not restored.",
    causes=("backups are increments", "a backup is written under its final name and stays there when it fails"),
    look="the backup operation that made it, and the directory of backups",
    hint='let `status` tell "kind": "full" of each full backup, and another kind of each increment',
    matter="plan",
)
class SizeDiffers(PartialIsLatest):
    pass


@code(
    "backup.base_missing",
    "fail",
    title="The latest backup lacks its base",
    sentence="backup {{ backup }} needs {{ missing|join(', ') }}, which `status` does not list, and is what `restore` "
    "would use (at {{ read_backs|join(', ') }})",
    meaning="`status` says that the latest backup cannot be restored without others, and does not list them.",
    causes=("the base of an increment was removed with old backups",),
    look="what removes old backups",
    hint="keep a full backup as long as there is an increment that needs it",
)
class BaseMissing(Details):
    backup: str
    missing: list[str]
    read_backs: list[str]


@code(
    "backup.latest_unknown",
    "unknown",
    title="It is not known what a restore would use",
    sentence=_LOOKS,
    meaning="At some read-back `status` did not say which backup a restore would use, so it may be a partial one.",
    causes=("`status` failed under the fault", "`status` names a backup by a path that it does not list"),
    look="what `status` printed at that read-back",
    hint="let `status` print `latest` as the path of one of the backups it lists, also when the disk is full",
)
class LatestUnknown(Details):
    looks: list[NoLatest]


@code(
    "backup.nothing_to_compare",
    "unknown",
    title="There were no two backups to compare",
    sentence="{% if looks %}" + _LOOKS + "{% else %}there never were two backups to compare{% endif %}",
    meaning="A partial backup is told by its size beside another one's, and there never were two in this run.",
    causes=("the run made one backup only", "the kit keeps one backup at a time under one name"),
    look="what `status` lists at each read-back",
    hint="let the scenario make two backups; let `status` list each of them",
    matter="plan",
    absent=True,
)
class NothingToCompare(Details):
    looks: list[NoLatest]


@dataclass(frozen=True, slots=True)
class NoPartialLatest(Checker):
    """Compares what ``status`` says a restore would use with the largest full backup seen so far. Size is a hint: one
    that was restored exactly is whole. One finding for each backup that is amiss, or one for all read-backs."""

    name: ClassVar[str] = "no_partial_latest"
    codes: ClassVar = (WholeIsLatest, PartialIsLatest, SizeDiffers, BaseMissing, LatestUnknown, NothingToCompare)

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return kit.missing_status()

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        seen: dict[str, Artefact] = {}
        smaller: dict[tuple[Artefact, Artefact], list[str]] = {}
        baseless: dict[Artefact, list[str]] = {}
        gaps: list[NoLatest] = []
        # blind: a restore may have had something to use, and it is not known what
        compared = blind = restored = increments = 0
        showed = _restores(run.recording)
        for look in run.recording.observations:
            latest = next((a for a in look.artefacts if look.latest and a.path == look.latest), None)
            if latest is None:
                gaps.append(_no_latest(look))
                blind += bool(look.status_error or look.latest)
                continue
            if not look.is_new(latest):
                gaps.append(NoLatest(look.label, "from_before", latest.name, ""))
                continue
            for artefact in filter(look.is_new, look.artefacts):
                seen[artefact.path] = max(seen.get(artefact.path, artefact), artefact, key=lambda a: a.size)
            if _missing(latest, look):
                baseless.setdefault(latest, []).append(look.label)
            elif showed.get(_content(latest)) == "pass":
                compared += 1
                restored += 1
            elif latest.kind not in ("", FULL):
                increments += 1
                gaps.append(NoLatest(look.label, "increment", latest.name, ""))
            elif reference := _reference(latest, seen):
                compared += 1
                if latest.size / reference.size < _LEAST_SHARE:
                    smaller.setdefault((latest, reference), []).append(look.label)
        found = [*_smaller(smaller, showed), *_baseless(baseless, run.recording.observations)]
        yield from found
        if found:
            return
        if blind:
            yield finding(_QUESTION, _RUN, LatestUnknown(gaps[:MOST_EXAMPLES]))
        elif not compared:
            yield finding(_QUESTION, _RUN, NothingToCompare(gaps[:MOST_EXAMPLES]))
        else:
            yield finding(_QUESTION, _RUN, WholeIsLatest(compared, _LEAST_SHARE, restored, increments))


def _restores(recording: Recording) -> dict[_Content, Outcome]:
    """What a restore showed of a backup: ``fail`` also where it did not succeed and could have."""
    shown: dict[_Content, list[Outcome]] = {}
    looks = {c.id: look for look in recording.observations if look.crash is None and (c := cause(look)) is not None}
    for operation in recording.operations:
        if not operation.restores or not operation.backup:
            continue
        look = looks.get(operation.id)
        if not operation.succeeded:
            says_nothing = excused(recording, operation) or cut_links(recording, operation)
            outcome: Outcome = "unknown" if says_nothing else "fail"
        else:
            outcome = outcome_of(judge_live_restored(recording, look)) if look is not None else "unknown"
        shown.setdefault(_restored_content(recording, operation), []).append(outcome)
    return {which: "pass" if "pass" in those else merged(those) for which, those in shown.items()}


def _content(backup: Artefact) -> _Content:
    return backup.path, backup.size if backup.is_file else 0


def _restored_content(recording: Recording, restore: Operation) -> _Content:
    """Of the backup that a restore used, as `status` told it last before that, or first after it."""
    told = [(o.start_ns, a) for o in recording.observations for a in o.artefacts if a.path == restore.backup]
    before = [backup for at_ns, backup in told if at_ns <= restore.start_ns]
    after = [backup for at_ns, backup in told if at_ns > restore.start_ns]
    meant = before[-1] if before else after[0] if after else None
    return _content(meant) if meant else (restore.backup, 0)


def _missing(backup: Artefact, look: Observation) -> list[str]:
    there = {a.name for a in look.artefacts}
    return [name for name in backup.needs if name not in there]


def _reference(latest: Artefact, seen: Mapping[str, Artefact]) -> Artefact | None:
    """The largest other full backup; None where there is none of a size that is told."""
    others = [a for path, a in seen.items() if path != latest.path and a.kind in ("", FULL)]
    return max((a for a in others if a.size), key=lambda a: a.size, default=None)


def _smaller(
    pairs: Mapping[tuple[Artefact, Artefact], list[str]], showed: Mapping[_Content, Outcome]
) -> Iterator[Finding]:
    for (latest, reference), labels in pairs.items():
        sure = latest.kind == FULL or showed.get(_content(latest)) == "fail"
        details = (PartialIsLatest if sure else SizeDiffers)(
            latest.name,
            latest.size,
            reference.name,
            reference.size,
            share=latest.size / reference.size,
            read_backs=labels[:MOST_EXAMPLES],
        )
        yield finding(_QUESTION, Subject("backup", latest.name), details, count=len(labels))


def _baseless(those: Mapping[Artefact, list[str]], looks: Sequence[Observation]) -> Iterator[Finding]:
    for backup, labels in those.items():
        missing = next(gone for look in looks if look.label in labels and (gone := _missing(backup, look)))
        details = BaseMissing(backup.name, missing, labels[:MOST_EXAMPLES])
        yield finding(_QUESTION, Subject("backup", backup.name), details, count=len(labels))


def _no_latest(look: Observation) -> NoLatest:
    if look.status_error:
        return NoLatest(look.label, "status_failed", "", look.status_error)
    return NoLatest(look.label, "not_listed" if look.latest else "none_named", look.latest, "")
