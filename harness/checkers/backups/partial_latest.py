"""No partial backup is ever the one that a restore would use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count
from harness.host.sizes import size
from harness.model import Artefact, Observation, Verdict
from harness.recording.recording import Recording

# Backups of one run hold the same data but for what its load wrote: none can rightly be this much smaller. Those
# that an attached system had before may be of other data.
_LEAST_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class NoPartialLatest:
    """Compares what ``status`` says a restore would use with the largest backup seen so far."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "no_partial_latest"
    requirement: ClassVar[str] = "R88"

    def check(self, recording: Recording) -> list[Verdict]:
        seen: dict[str, Artefact] = {}
        wrong: dict[str, list[str]] = {}
        gaps: list[str] = []
        compared = blind = 0  # blind: a restore may have had something to use, and it is not known what
        for look in recording.observations:
            latest = _latest(look)
            if latest is None:
                gaps.append(f"{look.label}: {look.status_error or _why_none(look)}")
                blind += bool(look.status_error or look.latest)
                continue
            if not look.is_new(latest):
                gaps.append(f"{look.label}: {latest.name} is from before the run")
                continue
            for artefact in filter(look.is_new, look.artefacts):
                seen[artefact.path] = max(seen.get(artefact.path, artefact), artefact, key=lambda a: a.size)
            others = [a for path, a in seen.items() if path != latest.path]
            reference = max(others, key=lambda a: a.size, default=latest)
            if reference.size == 0 or not others:
                continue
            compared += 1
            share = latest.size / reference.size
            if share < _LEAST_SHARE:
                sentence = (
                    f"backup {latest.name} is {100 * share:.0f} % of its size ({size(latest.size)}, {reference.name} "
                    f"has {size(reference.size)}) and is what `restore` would use"
                )
                wrong.setdefault(sentence, []).append(look.label)
        about = "the backup a restore would use"
        measured = f"{count(compared, 'comparison')} at {count(len(recording.observations), 'read-back')}"
        if wrong:
            why = "; ".join(f"{sentence} (at {', '.join(labels)})" for sentence, labels in wrong.items())
            return [Verdict("fail", about, measured, why, self.requirement)]
        if blind or not compared:
            why = "; ".join(gaps) or "there never were two backups to compare"
            return [Verdict("unknown", about, measured, why, self.requirement)]
        why = f"what `restore` would use was never under {100 * _LEAST_SHARE:.0f} % of the largest backup"
        return [Verdict("pass", about, measured, why, self.requirement)]


def _latest(look: Observation) -> Artefact | None:
    return next((a for a in look.artefacts if look.latest and a.path == look.latest), None)


def _why_none(look: Observation) -> str:
    return f"status lists no {look.latest}" if look.latest else "status names no backup to restore from"
