"""Tracks every request of one sending process: how each ended, and which are still in flight."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, replace
from pathlib import Path

from harness.host.clock import mono_ns
from harness.load.ledger import Ledger
from harness.load.requests import Request
from harness.model import NS
from harness.recording.outcomes import ledger_outcome
from harness.recording.samples import (
    FLAG_FRESH,
    FLAG_KNOWN,
    FLAG_SLOW,
    FLAG_STRANGE,
    FLAG_WRITE,
    OLDEST_S,
    SampleWriter,
)

_LATENCIES_S = 5


@dataclass(slots=True, eq=False)
class InFlight:
    """One request in flight. Times in CLOCK_MONOTONIC ns; ``sent_ns`` is set when it is really sent."""

    request: Request
    channel: str
    intended_ns: int
    sent_ns: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class BadAnswer:
    """So many requests of one name that ended like this; ``said`` are the first words of the first, or where it
    leads."""

    request: str
    outcome: str
    status: int
    count: int
    said: str


class RequestTracker:
    """Keeps started = sum of the outcomes, whatever happens: an entry leaves the in-flight table exactly once.

    ``recording`` False keeps the counts only (to measure what the recording itself costs). ``latencies``: those of the
    last seconds are kept.
    """

    def __init__(
        self, samples: Path, ledger: Path, operations: list[str], recording: bool = True, latencies: bool = False
    ) -> None:
        self._samples = SampleWriter(samples, operations, samples.stem)
        self._ledger = Ledger(ledger)
        self._recording = recording
        self._in_flight: dict[int, InFlight] = {}
        self.outcomes: Counter[str] = Counter()
        self.started = 0
        self.dropped = 0
        self.acknowledged = 0
        self.closed = False
        self._bad: dict[tuple[str, str, int], BadAnswer] = {}
        self._latencies: deque[tuple[int, int]] | None = deque() if latencies else None  # ended at, took; both in ns

    @property
    def in_flight(self) -> tuple[InFlight, ...]:
        return tuple(self._in_flight.values())

    def start(self, request: Request, channel: str, intended_ns: int, fresh: bool = False) -> InFlight:
        entry = InFlight(request, channel, intended_ns, mono_ns(), fresh)
        self._in_flight[id(entry)] = entry
        self.started += 1
        return entry

    @property
    def bad(self) -> list[BadAnswer]:
        """How requests ended that did not end well, the commonest first."""
        return sorted(self._bad.values(), key=lambda bad: -bad.count)

    def finish(
        self, entry: InFlight, outcome: str, status: int, strange: bool = False, said: str = "", id_: str = ""
    ) -> bool:
        """Write down how ``entry`` ended; True when it was an acknowledged write. Nothing after it was closed.
        ``said``: the first words of a bad answer; ``id_``: what a good one calls what was written."""
        end_ns = mono_ns()
        if self._in_flight.pop(id(entry), None) is None:
            return False
        self.outcomes[outcome] += 1
        if self._latencies is not None:
            self._latencies.append((end_ns, end_ns - entry.intended_ns))
        template = entry.request.template
        if outcome != "ok":
            key = (template.name, outcome, status)
            before = self._bad.get(key) or BadAnswer(*key, 0, said)
            self._bad[key] = replace(before, count=before.count + 1)
        is_write = template.kind == "write"
        if self._recording:
            flags = FLAG_WRITE * is_write | FLAG_FRESH * entry.fresh | FLAG_SLOW * (template.kind == "slow")
            flags |= FLAG_KNOWN * template.needs_known | FLAG_STRANGE * strange
            age_s = _age_s(entry)
            self._samples.add(
                entry.intended_ns, entry.sent_ns, end_ns, template.name, status, outcome, entry.channel, flags, age_s
            )
            if is_write:
                self._ledger.add(entry.request, entry.sent_ns, end_ns, outcome, status, id_)
        acknowledged = is_write and ledger_outcome(outcome, status) == "acknowledged"
        self.acknowledged += acknowledged
        return acknowledged

    def latency_ms_p95(self) -> float:
        """Of the requests that ended in the last seconds, from when they were due; 0 without any."""
        kept = self._latencies or deque()
        while kept and mono_ns() - kept[0][0] > _LATENCIES_S * NS:
            kept.popleft()
        took = sorted(ns for _, ns in kept)
        return took[min(len(took) - 1, len(took) * 95 // 100)] / 1e6 if took else 0.0

    def drop(self) -> None:
        """One request that was due could not even be started."""
        self.dropped += 1

    def withdraw(self, entry: InFlight) -> None:
        """It could not be sent for want of something of our own: dropped, as if it had never been started."""
        if self._in_flight.pop(id(entry), None) is not None:
            self.started -= 1
            self.dropped += 1

    def flush(self) -> None:
        if not self.closed:
            # The ledger first: a write must not look unknown to it while its sample is already on disk.
            self._ledger.flush()
            self._samples.flush()

    def close(self) -> None:
        """Write what is still in flight down as ``unfinished``, and the trailer."""
        if self.closed:
            return
        for entry in self.in_flight:
            self.finish(entry, "unfinished", 0)
        self.closed = True
        self._samples.dropped = self.dropped
        self._ledger.close()
        self._samples.close()


def _age_s(entry: InFlight) -> int:
    """How old the row it names was at most, in whole seconds; 0 when it names none."""
    known_ns = entry.request.known_ns
    return min(OLDEST_S, (entry.sent_ns - known_ns) // NS + 1) if known_ns else 0
