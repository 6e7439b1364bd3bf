"""The contract of a system.toml: each promise is a subject, and what a run shows of it an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.backups.validation import RejectsDamage
from harness.checkers.contract import codes
from harness.checkers.contract.data import backup, read, read_back, restart, restore, status, validate
from harness.checkers.contract.notes import downtime, phases
from harness.checkers.contract.service import broken_off, seed, service, traffic
from harness.checkers.contract.tried import Answer
from harness.checkers.contract.versions import deploy, rollback
from harness.checkers.core.codes import finding
from harness.checkers.core.protocol import Checker
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.restore_exact import RestoreExact
from harness.checkers.operations.operation_codes import MetOurMount
from harness.checkers.validity.load_codes import TurnedAway
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Subject
from harness.recording.events import LoadSteady
from harness.recording.recording import Recording

__all__ = ["QUESTION", "Contract"]

QUESTION = "contract.kept"


@dataclass(frozen=True, slots=True)
class Contract(Checker):
    """One finding a promise; what is only worth knowing is a note. The subject is an operation, or a key of the
    system.toml. In the order in which a person would put them right: what starts, what answers, what each operation
    does. ``reads_only``: of a run that wrote nothing, and ran no operation."""

    reads_only: bool = False

    name: ClassVar[str] = "contract"
    codes: ClassVar = tuple(
        dict.fromkeys(
            (
                *codes.CODES,
                MetOurMount,
                TurnedAway,
                *RejectsDamage.codes,
                *RestoreExact.codes,
                *AcknowledgedWrites.codes,
            )
        )
    )

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        for about, details in _reads(run.recording) if self.reads_only else _answers(run):
            yield finding(QUESTION, Subject("operation", about), details)


def _reads(recording: Recording) -> Iterator[Answer]:
    """What is seen without a write and without an operation."""
    for part in (service, traffic, broken_off):
        yield from part(recording)
    if any(True for _ in recording.of(LoadSteady)):
        yield read(recording)


def _answers(run: JudgedRun) -> Iterator[Answer]:
    recording = run.recording
    yield from service(recording)
    yield from seed(recording)
    yield from traffic(recording)
    yield from broken_off(recording)
    if not any(True for _ in recording.of(LoadSteady)):
        return  # nothing was asked of the kit
    yield from backup(recording)
    yield from validate(run)
    for part in (deploy, rollback, restore, status, read_back, restart, phases):
        yield from part(recording)
    yield from downtime(run)
