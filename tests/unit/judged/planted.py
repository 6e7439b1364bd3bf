"""Samples made by hand: a grid of requests with outages cut into it."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.recording.samples import CHANNELS, DTYPE, FLAG_WRITE, OUTCOMES, SampleFile

MS = 1_000_000
START_NS = 5_000 * MS


def grid(
    seconds: float, interval_ms: float = 10, channels: tuple[str, ...] = ("read_fresh", "read_reused", "write")
) -> Any:
    """All good, each answered after 1 ms, round robin over ``channels``."""
    n = int(seconds * 1000 / interval_ms)
    records = np.zeros(n, DTYPE)
    records["intended_ns"] = START_NS + np.arange(n) * int(interval_ms * MS)
    records["sent_ns"] = records["intended_ns"] + MS // 10
    records["end_ns"] = records["sent_ns"] + MS
    records["status"] = 200
    records["channel"] = [CHANNELS.index(channels[i % len(channels)]) for i in range(n)]
    records["flags"] = np.where(records["channel"] == CHANNELS.index("write"), FLAG_WRITE, 0)
    return records


def fail(records: Any, start_ms: float, stop_ms: float, channel: str = "", outcome: str = "http_error") -> Any:
    """Requests due in [start, stop) get ``outcome`` at once."""
    hit = due_in(records, start_ms, stop_ms, channel)
    records["outcome"][hit] = OUTCOMES.index(outcome)
    records["status"][hit] = 503 if outcome == "http_error" else 0
    return records


def stall(records: Any, start_ms: float, stop_ms: float, channel: str = "") -> Any:
    """Requests due in [start, stop) are answered 1 ms after the stop."""
    hit = due_in(records, start_ms, stop_ms, channel)
    records["end_ns"][hit] = START_NS + int(stop_ms * MS) + MS
    return records


def due_in(records: Any, start_ms: float, stop_ms: float, channel: str = "") -> Any:
    due = records["intended_ns"] - START_NS
    hit = (due >= start_ms * MS) & (due < stop_ms * MS)
    return hit & (records["channel"] == CHANNELS.index(channel)) if channel else hit


def as_file(records: Any, dropped: int = 0, complete: bool = True, worker: str = "load-1") -> SampleFile:
    return SampleFile(worker, ("read",), records, dropped, complete)
