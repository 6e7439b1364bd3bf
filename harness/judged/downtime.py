"""Downtime out of request samples: bad spans per channel and overall, the longest gap, how finely it was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.config.schema import slow_deadline_s
from harness.recording.samples import CHANNELS, DTYPE, FLAG_SLOW, OUTCOMES, SampleFile
from harness.stats.arrays import np
from harness.stats.intervals import rate_upper

if TYPE_CHECKING:
    import numpy.typing as npt

Records: TypeAlias = "npt.NDArray[Any]"  # of harness.recording.samples.DTYPE
Spans = Sequence[tuple[int, int]]  # (start, stop) in CLOCK_MONOTONIC ns, in order, none overlapping the next


@dataclass(frozen=True, slots=True)
class BadSpan:
    """A run of bad requests: from when the first was due to the first good answer after the last.

    ``open``: no good answer came after it; then it ends where the samples end. ``failed`` counts its requests,
    ``kinds`` what became of them (``late``: answered after the deadline). ``held_ns`` of it do not count: the harness
    held the kit meanwhile. Times in CLOCK_MONOTONIC ns.
    """

    channel: str
    start_ns: int
    stop_ns: int
    last_bad_ns: int
    good_due_ns: int
    failed: int
    kinds: Mapping[str, int]
    open: bool
    held_ns: int = 0

    @property
    def seconds(self) -> float:
        return (self.stop_ns - self.start_ns - self.held_ns) / 1e9


@dataclass(frozen=True, slots=True)
class Downtime:
    """What one channel, or all of them together (``any``), showed. ``spans`` never overlap; bad means not ok, or
    answered later than the deadline after it was due. ``longest_gap_ms`` is without a good answer on the channel
    ``gap_channel``, whatever the others did. ``interval_ms`` is the time between probes. Nothing shorter than
    ``resolution_ms`` can be excluded: the time between two probes of one channel, and how late they may have been."""

    channel: str
    n: int
    bad: int
    spans: tuple[BadSpan, ...]
    longest_gap_ms: float
    gap_channel: str
    interval_ms: float
    lateness_ms_p99: float
    resolution_ms: float
    deadline_ms: float

    @property
    def longest_ms(self) -> float:
        return max((1000 * s.seconds for s in self.spans), default=0.0)

    @property
    def total_ms(self) -> float:
        return sum(1000 * s.seconds for s in self.spans)

    @property
    def bad_rate_upper(self) -> float:
        """With 95 % confidence the rate of bad requests is at most this."""
        return rate_upper(self.bad, self.n)


def bad_mask(records: Records, deadline_ms: float) -> npt.NDArray[np.bool_]:
    """Not ok, or answered later than its deadline after it was due; a slow request has a deadline of its own."""
    limit_ns = np.where(records["flags"] & FLAG_SLOW, slow_deadline_s(deadline_ms) * 1e9, deadline_ms * 1e6)
    late = records["end_ns"] - records["intended_ns"] > limit_ns
    mask: npt.NDArray[np.bool_] = (records["outcome"] != OUTCOMES.index("ok")) | late
    return mask


def joined(files: Sequence[SampleFile]) -> Records:
    """All requests of these files, in the order they were recorded."""
    return np.concatenate([f.records for f in files]) if files else np.zeros(0, DTYPE)


def within(records: Records, window_ns: tuple[int, int]) -> Records:
    """The requests due in the window: a request belongs to the moment it was due."""
    start, stop = window_ns
    inside: Records = records[(records["intended_ns"] >= start) & (records["intended_ns"] < stop)]
    return inside


def by_channel(
    records: Records, deadline_ms: float, apart: Mapping[str, Spans] = MappingProxyType({}), held: Spans = ()
) -> dict[str, Downtime]:
    """One Downtime for each channel that has samples; the stretches ``apart`` of a channel are no gap of it, and no
    time that is ``held`` counts as an outage."""
    return {
        name: _downtime(name, records[records["channel"] == number], deadline_ms, apart.get(name, ()), held)
        for number, name in enumerate(CHANNELS)
        if (records["channel"] == number).any()
    }


def overall(
    records: Records, deadline_ms: float, apart: Mapping[str, Spans] = MappingProxyType({}), held: Spans = ()
) -> Downtime:
    """All channels together: the system is down while any channel is, and has the gap and the resolution of the worst.
    They take turns: between two probes of a channel nobody asks what only that channel would tell."""
    channels = list(by_channel(records, deadline_ms, apart, held).values())
    together = _downtime("any", records, deadline_ms)
    if not channels:
        return together
    worst = max(channels, key=lambda c: c.longest_gap_ms)
    return replace(
        together,
        spans=tuple(_less(_union([span for one in channels for span in one.spans]), held)),
        longest_gap_ms=worst.longest_gap_ms,
        gap_channel=worst.channel,
        resolution_ms=max(c.resolution_ms for c in channels),
    )


def _less(spans: Sequence[BadSpan], held: Spans) -> list[BadSpan]:
    def held_in(span: BadSpan) -> int:
        return sum(max(0, min(stop, span.stop_ns) - max(start, span.start_ns)) for start, stop in held)

    return [replace(span, held_ns=held_in(span)) for span in spans]


def _downtime(channel: str, records: Records, deadline_ms: float, apart: Spans = (), held: Spans = ()) -> Downtime:
    records = records[np.argsort(records["intended_ns"], kind="stable")]
    bad = bad_mask(records, deadline_ms)
    n = len(records)
    due = records["intended_ns"]
    interval_ms = float(np.median(np.diff(due))) / 1e6 if n > 1 else 0.0
    lateness_ms = float(np.percentile(records["sent_ns"] - due, 99)) / 1e6 if n else 0.0
    return Downtime(
        channel=channel,
        n=n,
        bad=int(bad.sum()),
        spans=tuple(_less(_spans(channel, records, bad), held)),
        longest_gap_ms=_longest_gap_ms(records, bad, apart),
        gap_channel=channel,
        interval_ms=interval_ms,
        lateness_ms_p99=lateness_ms,
        resolution_ms=interval_ms + lateness_ms,
        deadline_ms=deadline_ms,
    )


def _spans(channel: str, records: Records, bad: npt.NDArray[np.bool_]) -> list[BadSpan]:
    if not bad.any():
        return []
    due, end = records["intended_ns"], records["end_ns"]
    edges = np.flatnonzero(np.diff(np.concatenate(([False], bad, [False])).astype(np.int8)))
    spans: list[BadSpan] = []
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        is_open = after == len(records)
        # The good answers that were due later may come in any order: the first to arrive ends the outage.
        stop = int(end[first:after].max()) if is_open else int(end[after:][~bad[after:]].min())
        span = BadSpan(
            channel=channel,
            start_ns=int(due[first]),
            stop_ns=max(stop, int(due[after - 1])),
            last_bad_ns=int(due[after - 1]),
            good_due_ns=stop if is_open else int(due[after]),
            failed=int(after - first),
            kinds=_kinds(records[first:after]),
            open=bool(is_open),
        )
        # One late answer can outlast the next bad run's beginning: then it is one outage.
        if spans and span.start_ns <= spans[-1].stop_ns:
            span = _merged(spans.pop(), span, channel)
        spans.append(span)
    return spans


def _kinds(records: Records) -> dict[str, int]:
    names = ("late", *OUTCOMES[1:])  # an ok among the bad was answered too late
    counts = np.bincount(records["outcome"], minlength=len(OUTCOMES))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _merged(a: BadSpan, b: BadSpan, channel: str) -> BadSpan:
    kinds = {k: a.kinds.get(k, 0) + b.kinds.get(k, 0) for k in {**a.kinds, **b.kinds}}
    last = max(a, b, key=lambda s: s.stop_ns)
    return BadSpan(
        channel=channel,
        start_ns=min(a.start_ns, b.start_ns),
        stop_ns=last.stop_ns,
        last_bad_ns=max(a.last_bad_ns, b.last_bad_ns),
        good_due_ns=last.good_due_ns,
        failed=a.failed + b.failed,
        kinds=kinds,
        open=last.open,
    )


def _union(spans: Sequence[BadSpan]) -> list[BadSpan]:
    """Spans of several channels as spans of the whole.

    A channel is probed more seldom than all together, so its own first good answer dates its recovery late, by up to
    its interval. Where another channel that was down in the same outage came back with a request due after this one's
    last bad request, the recovery is dated by that one: still between this channel's last bad and first good request.
    """
    sharpened: list[BadSpan] = []
    for span in spans:
        witnesses = [
            other.stop_ns
            for other in spans
            if other.channel != span.channel
            and not other.open
            and other.start_ns <= span.stop_ns
            and other.stop_ns >= span.start_ns
            and other.good_due_ns > span.last_bad_ns
        ]
        stop = span.stop_ns if span.open else min([span.stop_ns, *witnesses])
        sharpened.append(replace(span, stop_ns=stop))
    merged: list[BadSpan] = []
    for span in sorted(sharpened, key=lambda s: s.start_ns):
        if merged and span.start_ns <= merged[-1].stop_ns:
            span = _merged(merged.pop(), span, "any")
        merged.append(span)
    return merged


def _longest_gap_ms(records: Records, bad: npt.NDArray[np.bool_], apart: Spans) -> float:
    """The longest time without a good answer, between the first due and the last end, what is ``apart`` cut out. It
    holds the wait between two probes too, and sees what the deadline forgives: a stall shorter than that."""
    if not len(records):
        return 0.0
    first, last = records["intended_ns"].min(), records["end_ns"].max()
    edges = np.array(apart, np.int64).reshape(-1, 2)
    points = np.concatenate(([first, last], records["end_ns"][~bad], edges.ravel()))
    points = np.sort(np.clip(points, first, last))
    gaps, before = np.diff(points), points[:-1]
    if len(edges):
        latest = np.searchsorted(edges[:, 0], before, side="right") - 1
        gaps[(latest >= 0) & (before < edges[latest, 1])] = 0
    return float(gaps.max()) / 1e6


def split(spans: Sequence[BadSpan], phases: Sequence[tuple[str, int, int]], elsewhere: str = "") -> dict[str, int]:
    """Bad nanoseconds by phase (name, start_ns, stop_ns), cut where a span crosses an edge.

    Of phases that overlap the one that began last gets the time; what lies in none goes to ``elsewhere``. The sum is
    the spans' total, exactly: nothing is unattributed.
    """
    shares: dict[str, int] = {}
    for span in spans:
        cuts = {span.start_ns, span.stop_ns}
        for _, start, stop in phases:
            cuts |= {at for at in (start, stop) if span.start_ns < at < span.stop_ns}
        ordered = sorted(cuts)
        for begin, end in pairwise(ordered):
            inside = [(start, name) for name, start, stop in phases if start <= begin and end <= stop]
            name = max(inside)[1] if inside else elsewhere
            shares[name] = shares.get(name, 0) + end - begin
    return shares
