"""What a run tried of each operation: its runs, and what was read back after them."""

from __future__ import annotations

from harness.checkers.contract import codes
from harness.checkers.core.codes import Details, end_of
from harness.checkers.operations.operation_codes import MetOurMount
from harness.model import Observation, Operation
from harness.recording.events import NotProvided
from harness.recording.history import mount_met, not_told
from harness.recording.recording import Recording

# What was asked about (an operation, or a key of the system.toml), and the answer.
Answer = tuple[str, Details]


def run_of(recording: Recording, name: str) -> list[Operation]:
    """The runs of an operation in the order they began, but those on backups damaged on purpose."""
    found = [o for o in recording.operations if o.name == name and not o.on_our_backup]
    return sorted(found, key=lambda o: o.start_ns)


def is_missing(recording: Recording, name: str) -> bool:
    """Whether the system provides no such operation at all."""
    return any(e.operation == name and not e.of for e in recording.of(NotProvided))


def tried(recording: Recording, name: str) -> Operation | Details:
    """The first run of it, or what is to be said where there is none that worked."""
    if is_missing(recording, name):
        return codes.NotProvided(name)
    runs = run_of(recording, name)
    if not runs:
        return codes.NotTried()
    done = runs[0]
    if done.succeeded:
        return done
    return failed(recording, done)


def failed(recording: Recording, operation: Operation) -> Details:
    """What its failure says; something that says nothing about the kit where it was not its own."""
    if place := mount_met(recording, operation):
        return MetOurMount(operation.name, end_of(operation), place)
    if untold := not_told(recording, operation):
        return codes.BackupNotNamed(end_of(operation), untold)
    return codes.OperationFailed(operation.name, end_of(operation))


def look_after(recording: Recording, operation: Operation) -> Observation | None:
    """The first read-back after it, before any other operation began."""
    others = [o.start_ns for o in recording.operations if o.start_ns >= operation.stop_ns]
    until = min(others, default=None)
    return next(
        (
            look
            for look in recording.observations
            if look.start_ns >= operation.stop_ns and (until is None or look.start_ns <= until)
        ),
        None,
    )
