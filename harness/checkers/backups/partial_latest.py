"""No partial backup is ever the one that a restore would use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import msgspec

from harness.checkers.core.codes import MOST_EXAMPLES, Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.judged_run import JudgedRun
from harness.model import Artefact, Finding, Observation, Subject
from harness.plan import Step, Together

_QUESTION = "backup.latest_is_whole"
_RUN = Subject("run", "")
# Backups of one run hold the same data but for what its load wrote: none can rightly be this much smaller. Those
# that an attached system had before may be of other data.
_LEAST_SHARE = 0.9


class NoLatest(msgspec.Struct):
    """A read-back at which it is not known what a restore would use: `status` failed (``error``), named a backup that
    it does not list, named none at all, or named one from before the run."""

    read_back: str
    why: Literal["status_failed", "not_listed", "none_named", "from_before"]
    backup: str
    error: str


_LOOKS = (
    "{% for l in looks[:3] %}{{ l.read_back }}: {% if l.why == 'status_failed' %}{{ l.error }}"
    "{% elif l.why == 'not_listed' %}status lists no {{ l.backup }}"
    "{% elif l.why == 'none_named' %}status names no backup to restore from"
    "{% else %}{{ l.backup }} is from before the run{% endif %}{{ '; ' if not loop.last }}{% endfor %}"
)


@code(
    "backup.whole_is_latest",
    "pass",
    title="The latest backup was always a whole one",
    sentence="what `restore` would use was never under {{ '%.0f'|format(100 * least_share) }} % of the largest backup "
    "({{ comparisons|count('comparison') }})",
    meaning="At each read-back the backup that `status` calls latest was about as large as the largest one of the run.",
)
class WholeIsLatest(Details):
    comparisons: int
    least_share: float


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
    """Compares what ``status`` says a restore would use with the largest backup seen so far. One finding for each
    partial backup that was the latest, or one for all read-backs."""

    name: ClassVar[str] = "no_partial_latest"
    codes: ClassVar = (WholeIsLatest, PartialIsLatest, LatestUnknown, NothingToCompare)

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        return kit.missing_status()

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        seen: dict[str, Artefact] = {}
        partial: dict[tuple[str, int, str, int], list[str]] = {}
        gaps: list[NoLatest] = []
        compared = blind = 0  # blind: a restore may have had something to use, and it is not known what
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
            others = [a for path, a in seen.items() if path != latest.path]
            reference = max(others, key=lambda a: a.size, default=latest)
            if reference.size == 0 or not others:
                continue
            compared += 1
            if latest.size / reference.size < _LEAST_SHARE:
                pair = (latest.name, latest.size, reference.name, reference.size)
                partial.setdefault(pair, []).append(look.label)
        for pair, labels in partial.items():
            details = PartialIsLatest(*pair, share=pair[1] / pair[3], read_backs=labels[:MOST_EXAMPLES])
            yield finding(_QUESTION, Subject("backup", details.backup), details, count=len(labels))
        if partial:
            return
        if blind:
            yield finding(_QUESTION, _RUN, LatestUnknown(gaps[:MOST_EXAMPLES]))
        elif not compared:
            yield finding(_QUESTION, _RUN, NothingToCompare(gaps[:MOST_EXAMPLES]))
        else:
            yield finding(_QUESTION, _RUN, WholeIsLatest(compared, _LEAST_SHARE))


def _no_latest(look: Observation) -> NoLatest:
    if look.status_error:
        return NoLatest(look.label, "status_failed", "", look.status_error)
    return NoLatest(look.label, "not_listed" if look.latest else "none_named", look.latest, "")
