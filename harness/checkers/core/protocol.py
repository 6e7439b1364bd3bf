"""What a checker is: it turns what was recorded into verdicts, and never touches the system."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol

from harness.model import Observation, Verdict
from harness.recording.recording import Recording


class RunChecker(Protocol):
    """Judges a whole run. No verdicts at all: the run holds nothing of its kind (no claim, no fault, no restore);
    evidence that should be there and is not, is an unknown."""

    judges: ClassVar[Literal["run", "observation"]]
    name: ClassVar[str]
    requirement: ClassVar[str]

    def check(self, recording: Recording) -> list[Verdict]: ...


class StateChecker(Protocol):
    """Judges the data as one read-back (or one crash state) found it; called once an observation."""

    judges: ClassVar[Literal["run", "observation"]]
    name: ClassVar[str]
    requirement: ClassVar[str]

    def check(self, observation: Observation) -> list[Verdict]: ...
