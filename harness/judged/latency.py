"""Latency and errors second by second, for a timeline."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from harness.judged.downtime import Records, bad_mask
from harness.stats.arrays import np


@dataclass(frozen=True, slots=True)
class Series:
    """One value a bucket; ``second`` is its start after ``start_ns``. Percentiles are of answered requests (response
    time: from when it was due), None in a bucket without any."""

    second: tuple[float, ...]
    n: tuple[int, ...]
    latency_ms_p50: tuple[float | None, ...]
    latency_ms_p99: tuple[float | None, ...]
    error_percent: tuple[float | None, ...]


def per_second(records: Records, window_ns: tuple[int, int], deadline_ms: float, bucket_s: float = 1.0) -> Series:
    """``records`` by the moment they were due. An error is what counts as bad: not ok, or later than the deadline."""
    start_ns, stop_ns = window_ns
    width = int(bucket_s * 1e9)
    buckets = max(0, -(-(stop_ns - start_ns) // width))
    records = records[(records["intended_ns"] >= start_ns) & (records["intended_ns"] < stop_ns)]
    index = (records["intended_ns"] - start_ns) // width
    order = np.argsort(index, kind="stable")
    records, index = records[order], index[order]
    edges = np.searchsorted(index, np.arange(buckets + 1))
    latency = (records["end_ns"] - records["intended_ns"]) / 1e6
    answered = records["status"] > 0
    bad = bad_mask(records, deadline_ms)
    p50: list[float | None] = []
    p99: list[float | None] = []
    errors: list[float | None] = []
    for first, after in pairwise(edges):
        times = latency[first:after][answered[first:after]]
        p50.append(float(np.percentile(times, 50)) if len(times) else None)
        p99.append(float(np.percentile(times, 99)) if len(times) else None)
        errors.append(100 * float(bad[first:after].mean()) if after > first else None)
    return Series(
        second=tuple(i * bucket_s for i in range(buckets)),
        n=tuple(int(c) for c in np.diff(edges)),
        latency_ms_p50=tuple(p50),
        latency_ms_p99=tuple(p99),
        error_percent=tuple(errors),
    )
