"""No half-uploaded copy at the far side counts as one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count
from harness.host.sizes import size
from harness.model import Observation, OffsiteCopy, Operation, Outcome, Verdict
from harness.recording.history import cause
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class OffsiteCopies:
    """Holds each copy the system would rely on against what is really stored: there, and as long as the local backup
    of that name. Where ``status`` does not speak of copies, whatever is stored under a backup's file name counts."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "offsite_copies"
    requirement: ClassVar[str] = "R83"

    def check(self, recording: Recording) -> list[Verdict]:
        sizes: dict[str, int] = {}  # of local backups, also of those removed since
        wrong: dict[str, list[str]] = {}
        gaps: dict[str, list[str]] = {}
        compared = idle = 0
        for look in recording.observations:
            sizes |= {a.name: a.size for a in look.artefacts}
            gap = _gap(look)
            if gap:
                gaps.setdefault(gap, []).append(look.label)
                continue
            for copy in _copies(look):
                if not copy.counts:
                    idle += 1
                    continue
                compared += 1
                said = _amiss(copy, look, sizes)
                if said:
                    wrong.setdefault(said, []).append(look.label)
        about = "copies off site"
        looks = count(len(recording.observations), "read-back")
        measured = f"{count(compared, 'comparison')} of copies that count at {looks}"
        if wrong:
            return [Verdict("fail", about, measured, _sentence(wrong), self.requirement)]
        if gaps or not compared:
            why = _sentence(gaps) or "no copy ever counted: nothing was compared"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        why = "every copy that counts is stored, as long as the local backup of its name"
        if idle:
            why += "; copies begun that do not count were listed as such"
        return [Verdict("pass", about, measured, why, self.requirement)]


def copied(recording: Recording, operation: Operation) -> tuple[Outcome, str]:
    """Whether the backup this operation made has a whole copy that counts, at the read-back after it, and that in
    words; unknown when nobody looked."""
    look = next((o for o in recording.observations if cause(o) == operation), None)
    if look is None:
        return "unknown", "nobody looked for its copy off site"
    if gap := _gap(look):
        return "unknown", gap
    newest = next((a for a in look.artefacts if look.latest and a.path == look.latest), None)
    if newest is None:
        return "fail", "`status` names no backup to restore from"
    copy = next((c for c in _copies(look) if c.name == newest.name and c.counts), None)
    if copy is None:
        return "fail", f"no copy of {newest.name} counts"
    amiss = _amiss(copy, look, {newest.name: newest.size})
    return ("fail", amiss) if amiss else ("pass", f"the copy of {newest.name} is whole")


def _gap(look: Observation) -> str:
    if look.status_error:
        return look.status_error
    return "no [dependencies] says where it stores what it was sent (`store`)" if look.stored is None else ""


def _copies(look: Observation) -> Iterator[OffsiteCopy]:
    if look.offsite is not None:
        yield from look.offsite
        return
    for artefact in look.artefacts:
        file = artefact.path.rpartition("/")[2]
        if file in (look.stored or {}):
            yield OffsiteCopy(artefact.name, file, True)


def _amiss(copy: OffsiteCopy, look: Observation, sizes: dict[str, int]) -> str:
    stored = (look.stored or {}).get(copy.object)
    if stored is None:
        return f"the copy of {copy.name} counts, and nothing is stored under {copy.object}"
    whole = sizes.get(copy.name)
    if whole is None:
        return f"a copy of {copy.name} counts, and there never was a backup of that name"
    if stored != whole:
        share = f"{100 * stored / whole:.0f} % of it ({size(stored)} of {size(whole)})" if whole else size(stored)
        return f"the copy of {copy.name} counts, and what is stored is {share}"
    return ""


def _sentence(said: dict[str, list[str]]) -> str:
    return "; ".join(f"{sentence} (at {', '.join(labels)})" for sentence, labels in said.items())
