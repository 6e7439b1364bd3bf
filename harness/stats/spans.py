"""Arithmetic of stretches of time: (start, stop) in integer ns, the stop not before the start."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

Stretch = tuple[int, int]


def merged_spans(spans: Iterable[Stretch]) -> list[Stretch]:
    """The same time as stretches in order, those that touch made one."""
    merged: list[Stretch] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def shared_ns(a: Stretch, b: Stretch) -> int:
    """How long both last at once; 0 where they only touch or lie apart."""
    return max(0, min(a[1], b[1]) - max(a[0], b[0]))


def within_s(spans: Iterable[Stretch], start_ns: int, stop_ns: int) -> float:
    """How many seconds of one stretch are covered by others, which do not overlap each other."""
    return sum(shared_ns(span, (start_ns, stop_ns)) for span in spans) / 1e9


def without(span: Stretch, holes: Iterable[Stretch]) -> Iterator[Stretch]:
    """What is left of a stretch where the holes are taken out, in order; a piece may be empty."""
    start, stop = span
    for a, b in sorted(holes):
        if a < stop and b > start:
            yield start, max(start, a)
            start = min(stop, b)
    yield start, stop
