"""A recorded run as the checkers see it: what several of them need is computed once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from harness.judged import critical_sections
from harness.judged.critical_sections import CriticalSection
from harness.judged.harness_pauses import harness_pauses
from harness.judged.requests import JudgedRequests, judged_requests
from harness.model import Operation
from harness.recording.recording import Recording


class JudgedRun:
    """Read-only; ``recording`` holds all else that was written down. Nothing here judges."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording

    @cached_property
    def requests(self) -> JudgedRequests:
        """The requests of load and prober that count, and why the others do not."""
        return judged_requests(self.recording)

    @cached_property
    def critical_sections(self) -> Mapping[str, tuple[CriticalSection, ...]]:
        """Operation id -> when it had the lock and was changing things."""
        return {o.id: critical_sections.critical_sections(self.recording, o) for o in self.recording.operations}

    @cached_property
    def groups(self) -> list[tuple[Operation, ...]]:
        """The operations that ran together, each group by their start."""
        return critical_sections.groups(self.recording)

    @cached_property
    def harness_pauses(self) -> list[tuple[int, int]]:
        """(start, stop) in CLOCK_MONOTONIC ns of each stretch in which the harness itself did not run."""
        return harness_pauses(self.recording.samples.resources)
