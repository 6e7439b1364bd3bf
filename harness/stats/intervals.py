"""What a few samples allow to be said: interval of a median, interval of a rate, level that clean passes support."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """``confidence`` is what the interval really reaches, which with few samples is less than was asked for."""

    low: float
    high: float
    confidence: float


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Between two order statistics: assumes nothing about the distribution. Below n = 6 the range is too little."""
    if not values:
        return Interval(math.nan, math.nan, 0.0)
    ordered, n = sorted(values), len(values)
    inner = 0
    # The k smallest and k largest may be cut off while P(Binomial(n, 1/2) <= k) in both tails leaves the confidence.
    while inner + 1 <= (n - 1) // 2 and 1 - 2 * _half_tail(inner + 1, n) >= confidence:
        inner += 1
    return Interval(ordered[inner], ordered[n - 1 - inner], 1 - 2 * _half_tail(inner, n))


def _half_tail(k: int, n: int) -> float:
    """P(Binomial(n, 1/2) <= k)."""
    return float(sum(math.comb(n, i) for i in range(k + 1)) / 2**n)


def rate_interval(bad: int, n: int, confidence: float = CONFIDENCE) -> Interval:
    """Exact (Clopper-Pearson) two-sided interval of the rate behind ``bad`` of ``n``."""
    if n == 0:
        return Interval(0.0, 1.0, confidence)
    tail = (1 - confidence) / 2
    return Interval(_rate_low(bad, n, tail), _rate_high(bad, n, tail), confidence)


def rate_upper(bad: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The rate behind ``bad`` of ``n`` is at most this, with ``confidence``; about 3/n when nothing was bad."""
    return _rate_high(bad, n, 1 - confidence) if n else 1.0


def rate_lower(bad: int, n: int, confidence: float = CONFIDENCE) -> float:
    """The rate behind ``bad`` of ``n`` is at least this, with ``confidence``."""
    return _rate_low(bad, n, 1 - confidence) if n else 0.0


def _rate_low(bad: int, n: int, tail: float) -> float:
    if bad in (0, n):
        return tail ** (1 / n) if bad else 0.0
    return _beta_quantile(bad, n - bad + 1, tail)


def _rate_high(bad: int, n: int, tail: float) -> float:
    if bad in (0, n):
        return 1.0 if bad else 1 - tail ** (1 / n)
    return _beta_quantile(bad + 1, n - bad, 1 - tail)


def _beta_quantile(a: int, b: int, share: float) -> float:
    from scipy.special import betaincinv  # its import alone takes longer than a run without a bad request is judged

    return float(betaincinv(a, b, share))


def level_supported(n: int, confidence: float = CONFIDENCE) -> float:
    """The quantile that ``n`` passes out of ``n`` prove: 0.74 for ten."""
    return (1 - confidence) ** (1 / n) if n else 0.0


def passes_needed(level: float, confidence: float = CONFIDENCE) -> int:
    """How many passes in a row prove that a share ``level`` of all runs passes: 29, 59, 299 for p90, p95, p99."""
    return math.ceil(math.log(1 - confidence) / math.log(level) - 1e-9)


def runs_needed(bad: int, level: float, confidence: float = CONFIDENCE) -> int:
    """The least number of runs, ``bad`` of them bad, that proves the share ``level``."""
    low, high = bad, 2 * passes_needed(level, confidence) * (bad + 1)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if rate_upper(bad, middle, confidence) <= 1 - level else (middle, high)
    return high
