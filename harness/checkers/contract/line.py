"""One line of the contract: what was promised, whether it was kept, what to try when not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.model import Observation, Operation, Outcome
from harness.recording.events import NotProvided
from harness.recording.recording import Recording

Mark = Literal["ok", "wrong", "not provided", "not seen", "note"]
# What a line is as a verdict: what could not be tried proves nothing.
OUTCOMES: Mapping[Mark, Outcome] = {"ok": "pass", "wrong": "fail", "not provided": "unknown", "not seen": "unknown"}
MARKS: Mapping[Outcome, Mark] = {"pass": "ok", "fail": "wrong", "unknown": "not seen"}


@dataclass(frozen=True, slots=True)
class Line:
    """``about``: an operation or a key of the system.toml. ``hint`` is what to try, empty where nothing is to be done.
    A ``note`` is no part of the contract and has no verdict."""

    mark: Mark
    about: str
    said: str
    hint: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.said} (try: {self.hint})" if self.hint else self.said


def run_of(recording: Recording, name: str) -> list[Operation]:
    """The runs of an operation in the order they began, but those on backups damaged on purpose."""
    found = [o for o in recording.operations if o.name == name and not o.on_our_backup]
    return sorted(found, key=lambda o: o.start_ns)


def is_missing(recording: Recording, name: str) -> bool:
    return any(e.operation == name for e in recording.of(NotProvided))


def not_provided(name: str) -> Line:
    said = "what needs it is unknown, never a pass"
    return Line("not provided", name, said, f"add [operations.{name}] to the system.toml")


def not_tried(name: str) -> Line:
    return Line("not seen", name, "it was not tried: the run ended before", "put right what stands above")


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
