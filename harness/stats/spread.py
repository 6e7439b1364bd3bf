"""Whether two lists of values differ by more than each of them scatters: an exact rank test, and how small n may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from harness.stats.arrays import np

Difference = Literal["differs", "within the spread", "n too small to tell"]
# Above this many values the exact distribution takes long and the normal one is as good.
_EXACT = 60


def difference(a: Sequence[float], b: Sequence[float], error: float = 0.05) -> Difference:
    """``error``: how often two lists of the same origin may be called different. Nothing is assumed about the
    distribution but that the values of a list are independent. So few values that even two lists without any overlap
    would not be rare enough say nothing, which is not the same as being alike."""
    if not a or not b or 2 / math.comb(len(a) + len(b), len(a)) > error:
        return "n too small to tell"
    return "differs" if rank_sum(a, b) <= error else "within the spread"


def rank_sum(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p of Wilcoxon's rank sum (Mann-Whitney), ties as they are: the share of all ways to deal the values out
    that set the two apart at least as far."""
    doubled = _doubled_ranks([*a, *b])
    n, of = len(a), len(doubled)
    seen, expected = int(doubled[:n].sum()), n * (of + 1)
    apart = abs(seen - expected)
    if of > _EXACT:
        variance = n * (of - n) * float(doubled.astype(float).var()) / (of - 1)
        return math.erfc((apart - 0.5) / math.sqrt(2 * variance)) if variance and apart else 1.0
    # ways[k][s]: how many choices of k values have the doubled rank sum s.
    ways = np.zeros((n + 1, int(doubled.sum()) + 1))
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : ways.shape[1] - rank].copy()
    sums = np.arange(ways.shape[1])
    return float(ways[n][abs(sums - expected) >= apart].sum() / math.comb(of, n))


def _doubled_ranks(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Twice the rank of each value, so that the mean rank of ties is whole."""
    ordered = np.sort(np.asarray(values, dtype=float))
    low = np.searchsorted(ordered, values, side="left")
    return low + np.searchsorted(ordered, values, side="right") + 1
