"""No half-uploaded copy at the far side counts as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import ClassVar, TypeVar

from harness.checkers.core.codes import MOST_EXAMPLES, Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.config.kit_capabilities import KitCapabilities
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Observation, OffsiteCopy, Operation, Subject
from harness.plan import Step, Together
from harness.recording.history import cause
from harness.recording.recording import Recording

_QUESTION = "offsite.copies_whole"
_RUN = Subject("run", "")
_AT = "{% if read_backs %} (at {{ read_backs|join(', ') }}){% endif %}"


@code(
    "offsite.whole",
    "pass",
    title="Every copy off site is whole",
    sentence="every copy that counts is stored, as long as `status` or the backup of its name says "
    "({{ comparisons|count('comparison') }})"
    "{% if begun %}; copies begun that do not count were listed as such{% endif %}",
    meaning="What the system relies on at the far side was really stored there, in full.",
)
class Whole(Details):
    """``begun``: copies listed that do not count."""

    comparisons: int
    begun: int


@code(
    "offsite.copy_missing",
    "fail",
    title="A copy off site counts and is not stored",
    sentence="the copy of {{ backup }} counts, and nothing is stored under {{ object }}" + _AT,
    meaning="`status` relies on a copy at the far side, and the store there holds nothing of it.",
    causes=("a copy counts from the moment its upload begins", "a failed upload is not struck off"),
    look="what `status` lists as offsite, and the output of the upload",
    hint="count a copy only after the store has confirmed it, by size or checksum",
)
class CopyMissing(Details):
    backup: str
    object: str
    read_backs: list[str]


@code(
    "offsite.copy_unknown",
    "fail",
    title="A copy off site is of no known backup",
    sentence="a copy of {{ backup }} counts, and there never was a backup of that name" + _AT,
    meaning="`status` relies on a copy whose backup was never listed.",
    causes=("the copy is listed under another name than its backup", "the backup failed and its upload went on"),
    look="the names of backups and copies that `status` lists",
    hint="list a copy under the name of its backup, and upload only backups that succeeded",
)
class CopyUnknown(Details):
    backup: str
    object: str
    read_backs: list[str]


@code(
    "offsite.copy_partial",
    "fail",
    title="A copy off site counts and is not whole",
    sentence="the copy of {{ backup }} counts, and what is stored is "
    "{% if whole_bytes %}{{ '%.0f'|format(100 * stored_bytes / whole_bytes) }} % of it "
    "({{ stored_bytes|size }} of {{ whole_bytes|size }}){% else %}{{ stored_bytes|size }}{% endif %}" + _AT,
    meaning="`status` relies on a copy at the far side that is not as long as its backup.",
    causes=("an upload that broke off is not struck off", "the upload overwrites the object in place"),
    look="the output of the upload, and the object in the store",
    hint="upload under a temporary name, compare size or checksum, and only then let it count",
)
class CopyPartial(Details):
    backup: str
    object: str
    stored_bytes: int
    whole_bytes: int
    read_backs: list[str]


@code(
    "offsite.copy_changed",
    "fail",
    title="A copy off site holds other bytes",
    sentence="the copy of {{ backup }} counts, and {{ object }} is not what it was sent as: {{ stored_digest }}, where "
    "`status` says {{ digest }}" + _AT,
    meaning="`status` relies on a copy at the far side, and what is stored has another digest than it tells.",
    causes=("an upload was retried from the wrong byte", "the object was overwritten by another"),
    look="the object in the store, and the output of the upload",
    hint="let the store confirm a checksum before the copy counts",
)
class CopyChanged(Details):
    backup: str
    object: str
    digest: str
    stored_digest: str
    read_backs: list[str]


@code(
    "offsite.not_comparable",
    "unknown",
    title="A copy off site cannot be compared",
    sentence="the copy of {{ backup }} counts, and what is stored ({{ stored_bytes|size }}) is not as long as the "
    "backup ({{ whole_bytes|size }}): it may be compressed or encrypted, or be a part of it" + _AT,
    meaning="The stored object has another size than the backup, and `status` does not tell what it should have.",
    causes=("the copy is compressed or encrypted on its way", "an upload that broke off counts"),
    look="the object in the store, and the output of the upload",
    hint='let `status` tell "size" or "digest" ("sha256:...") of what is stored, beside name, object and counts',
    matter="plan",
)
class NotComparable(Details):
    backup: str
    object: str
    stored_bytes: int
    whole_bytes: int
    read_backs: list[str]


@code(
    "offsite.no_latest",
    "fail",
    title="The kit names no backup to restore from",
    sentence="`status` names no backup to restore from",
    meaning="The backup reported success, and `status` names none, so there is nothing a copy could be of.",
    causes=("the backup failed and exited 0",),
    look="the output of the backup",
    hint="exit 0 only with a backup that `status` names",
)
class NoLatest(Details):
    pass


@code(
    "offsite.no_copy_counts",
    "fail",
    title="The backup has no copy off site",
    sentence="no copy of {{ backup }} counts",
    meaning="The backup reported success, and it has no copy at the far side that counts.",
    causes=("the upload failed and the backup exits 0 all the same",),
    look="the output of the upload",
    hint="exit 0 only once the copy is stored, or say plainly that it is missing",
)
class NoCopyCounts(Details):
    backup: str


@code(
    "offsite.not_looked",
    "unknown",
    title="Nobody looked for the copy off site",
    sentence="nobody looked for its copy off site",
    meaning="No read-back follows the backup, so it is not known whether its copy is stored.",
    hint="read back after the backup in the scenario",
    matter="plan",
    absent=True,
)
class NotLooked(Details):
    pass


@code(
    "offsite.status_failed",
    "unknown",
    title="The kit's status did not say which copies count",
    sentence="{{ error }}" + _AT,
    meaning="`status` gave no usable answer, so it is not known which copies the system relies on.",
    causes=("`status` asks the far side and fails with it", "the system declares no `status` operation"),
    look="the output of `status`",
    hint="let `status` answer without the far side, with the copies it knows of",
)
class StatusFailed(Details):
    error: str
    read_backs: list[str]


@code(
    "offsite.store_unknown",
    "unknown",
    title="It is not known where copies are stored",
    sentence="no [dependencies] says where it stores what it was sent (`store`)" + _AT,
    meaning="The harness compares copies with what the far side really stored, and no dependency says where that is.",
    causes=("[dependencies.NAME] has no key `store`",),
    look="[dependencies] of the system.toml",
    hint="add store = DIRECTORY to the dependency that takes the copies",
    matter="plan",
)
class StoreUnknown(Details):
    read_backs: list[str]


@code(
    "offsite.nothing_compared",
    "unknown",
    title="No copy off site ever counted",
    sentence="no copy ever counted: nothing was compared",
    meaning="At no read-back did the system rely on a copy at the far side.",
    causes=("every upload failed", "`status` lists no copies, and the store uses other names than the backups"),
    look="what `status` lists as offsite",
    hint="let `status` list its copies under offsite",
    matter="plan",
    absent=True,
)
class NothingCompared(Details):
    pass


Broken = CopyMissing | CopyUnknown | CopyPartial | CopyChanged
Gap = StatusFailed | StoreUnknown | NotComparable
T = TypeVar("T", bound=Broken | Gap)


@dataclass(frozen=True, slots=True)
class OffsiteCopies(Checker):
    """Holds each copy the system would rely on against what is really stored: there, and of the size and digest that
    ``status`` tells, or as long as the local backup of that name. Where ``status`` does not speak of copies, whatever
    is stored under a backup's file name counts. One finding for each way in which a copy is not what it counts as, or
    one for all."""

    name: ClassVar[str] = "offsite_copies"
    codes: ClassVar = (
        Whole,
        CopyMissing,
        CopyUnknown,
        CopyPartial,
        CopyChanged,
        NotComparable,
        StatusFailed,
        StoreUnknown,
        NothingCompared,
    )

    def needs(self, kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
        yield from kit.missing_status("offsite")
        if not any(d.store for d in kit.config.dependencies.values()):
            yield "[dependencies.NAME] store"

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        sizes: dict[str, int] = {}  # of local backups, also of those removed since
        wrong: list[tuple[str, Broken]] = []
        gaps: list[tuple[str, Gap]] = []
        compared = begun = 0
        for look in run.recording.observations:
            sizes |= {a.name: a.size for a in look.artefacts}
            if gap := _gap(look):
                gaps.append((look.label, gap))
                continue
            for copy in _copies(look):
                if not copy.counts:
                    begun += 1
                    continue
                compared += 1
                amiss = _amiss(copy, look, sizes)
                if isinstance(amiss, NotComparable):
                    gaps.append((look.label, amiss))
                elif amiss:
                    wrong.append((look.label, amiss))
        for broken in _together(wrong):
            yield finding(_QUESTION, Subject("backup", broken.backup), broken, count=len(broken.read_backs))
        if wrong:
            return
        for missing in _together(gaps):
            yield finding(_QUESTION, _RUN, missing, count=len(missing.read_backs))
        if not gaps:
            yield finding(_QUESTION, _RUN, Whole(compared, begun) if compared else NothingCompared())


def copy_of(recording: Recording, operation: Operation) -> Details:
    """Whether the backup this operation made has a whole copy that counts, at the read-back after it; unknown when
    none followed."""
    look = next((o for o in recording.observations if cause(o) == operation), None)
    if look is None:
        return NotLooked()
    if gap := _gap(look):
        return gap
    newest = next((a for a in look.artefacts if look.latest and a.path == look.latest), None)
    if newest is None:
        return NoLatest()
    copy = next((c for c in _copies(look) if c.name == newest.name and c.counts), None)
    if copy is None:
        return NoCopyCounts(newest.name)
    return _amiss(copy, look, {newest.name: newest.size}) or Whole(1, 0)


def _gap(look: Observation) -> Gap | None:
    if look.status_error:
        return StatusFailed(look.status_error, [])
    return StoreUnknown([]) if look.stored is None else None


def _copies(look: Observation) -> Iterator[OffsiteCopy]:
    if look.offsite is not None:
        yield from look.offsite
        return
    for artefact in look.artefacts:
        if stored := _stored_of(look, PurePath(artefact.path)):
            yield OffsiteCopy(artefact.name, stored, True)


def _stored_of(look: Observation, path: PurePath) -> str:
    """The one stored object that ends as the backup's path does, by as many of its parts as tell it from others; empty
    where there is none, or they do not."""
    parts = path.parts
    for number in range(1, len(parts) + 1):
        ends = parts[-number:]
        same = [name for name in look.stored or {} if PurePath(name).parts[-number:] == ends]
        if len(same) <= 1:
            return same[0] if same else ""
    return ""


def stored_as(look: Observation, name: str) -> list[str]:
    """The stored objects that a name means: a path below the store, else a file name anywhere in it, else a pattern of
    paths."""
    stored = look.stored or {}
    if name in stored:
        return [name]
    same = [path for path in stored if PurePath(path).name == name]
    return same[:1] or [path for path in stored if fnmatchcase(path, name)]


def _amiss(copy: OffsiteCopy, look: Observation, sizes: dict[str, int]) -> Broken | NotComparable | None:
    objects = stored_as(look, copy.object)
    if not objects:
        return CopyMissing(copy.name, copy.object, [])
    stored = sum((look.stored or {})[name] for name in objects)
    told, digest = copy.size, look.stored_digests.get(objects[0], "")
    if told is not None and stored != told:
        return CopyPartial(copy.name, copy.object, stored, told, [])
    if copy.digest and digest and copy.digest != digest:
        return CopyChanged(copy.name, copy.object, copy.digest, digest, [])
    if told is not None or (copy.digest and digest):
        return None
    whole = sizes.get(copy.name)
    if whole is None:
        return CopyUnknown(copy.name, copy.object, [])
    if stored == whole:
        return None
    return (
        NotComparable(copy.name, copy.object, stored, whole, [])
        if stored
        else CopyPartial(copy.name, copy.object, stored, whole, [])
    )


def _together(seen: list[tuple[str, T]]) -> list[T]:
    """Each of them once, with the labels of the read-backs at which it was seen."""
    first: dict[str, T] = {}
    for label, details in seen:
        known = first.setdefault(repr(details), details)
        if len(known.read_backs) < MOST_EXAMPLES:
            known.read_backs.append(label)
    return list(first.values())
