"""The contract of a system.toml, line by line, and the verdicts that are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.contract.data import backup, read_back, restart, restore, status, validate
from harness.checkers.contract.line import OUTCOMES, Line
from harness.checkers.contract.notes import downtime, phases
from harness.checkers.contract.service import broken_off, seed, service, traffic
from harness.checkers.contract.versions import deploy, rollback
from harness.model import Verdict
from harness.recording.events import LoadSteady
from harness.recording.recording import Recording

__all__ = ["QUESTION", "Contract", "Line", "lines"]

QUESTION = "contract.holds"


def lines(recording: Recording) -> list[Line]:
    """In the order in which a person would put them right: what starts, what answers, what each operation does."""
    found = [*service(recording), *seed(recording), *traffic(recording), *broken_off(recording)]
    if not any(True for _ in recording.of(LoadSteady)):
        return found  # nothing was asked of the kit
    for line in (backup, validate, deploy, rollback, restore, status, read_back, restart):
        found += line(recording)
    return [*found, *phases(recording), *downtime(recording)]


@dataclass(frozen=True, slots=True)
class Contract:
    """One verdict a line; those that are only notes have none."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "contract"
    requirement: ClassVar[str] = "R14"

    def check(self, recording: Recording) -> list[Verdict]:
        return [
            Verdict(OUTCOMES[line.mark], line.about, line.mark, line.sentence, self.requirement)
            for line in lines(recording)
            if line.mark != "note"
        ]
