"""The stretches in which a version known to be broken was in service, as seen from outside."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import NS, Operation
from harness.recording.events import VersionSeen, VersionSilent, VersionWatched
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class BrokenVersionSpan:
    """A stretch in which a version known to be broken answered, at its longest: from the last answer before it that was
    not its own, to the first one after it. ``resolution_ns`` is how much of that is the time between two questions;
    ``last_answer_ns``: since when it gave no answer any more (``stop_ns``: it was heard to the end)."""

    version: str
    start_ns: int
    stop_ns: int
    resolution_ns: int
    last_answer_ns: int

    @property
    def seconds(self) -> float:
        return (self.stop_ns - self.start_ns) / NS


def broken_deployments(recording: Recording) -> list[Operation]:
    """The deployments of a version that system.toml calls broken."""
    return [o for o in recording.operations if o.name == "deploy" and o.broken_version]


def broken_version_spans(recording: Recording) -> list[BrokenVersionSpan]:
    """The stretches in which a broken version was in service; one that never ended stops where the watch did."""
    names = {o.broken_version for o in broken_deployments(recording)}
    seen = [*recording.of(VersionSeen)]
    end_ns = next((e.t for e in recording.of(VersionWatched)), recording.log.stop.mono_ns)
    found: list[BrokenVersionSpan] = []
    for number, event in enumerate(seen):
        if event.version in names:
            following = seen[number + 1] if number + 1 < len(seen) else None
            stop_ns = following.t if following else end_ns
            gaps_ns = event.t - event.before_ns + (stop_ns - following.before_ns if following else 0)
            # What ended in its own answer is between two of its words; any other silence is its last.
            last_answer_ns = (
                e.since_ns
                for e in recording.of(VersionSilent)
                if e.version != event.version and event.before_ns <= e.since_ns < stop_ns
            )
            found.append(
                BrokenVersionSpan(
                    event.version, event.before_ns, stop_ns, gaps_ns, min(last_answer_ns, default=stop_ns)
                )
            )
    return found
