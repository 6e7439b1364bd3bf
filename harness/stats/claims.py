"""A claim against what was measured: kept, broken, or not enough runs to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.model import Claim, Outcome
from harness.stats.intervals import level_supported, rate_lower, rate_upper, runs_needed


@dataclass(frozen=True, slots=True)
class ClaimJudgement:
    """``broken``: the runs over the limit, counted from 1. ``more_runs``: how many clean runs decide a level that is
    not decided yet. ``proven_percent``: the level that these runs prove with 95 % confidence, 0 where one of them broke
    the claim."""

    outcome: Outcome
    broken: tuple[int, ...] = ()
    more_runs: int = 0
    proven_percent: int = 0


def judge_claim(claim: Claim, values: Sequence[float]) -> ClaimJudgement:
    """``claim`` over the measured ``values``, in the order the runs were made; without any it is unknown.

    Level ``every``: one run that breaks the limit refutes it. Level ``p95``: as many may break it as the level allows,
    and the number of runs has to prove the level with 95 % confidence.
    """
    level, n = _level(claim), len(values)
    if not n:
        return ClaimJudgement("unknown")
    broken = tuple(i for i, value in enumerate(values, 1) if value > claim.limit)
    # 90 from 29 passes on: a level that is not reached is not rounded up to.
    proven = 0 if broken else math.floor(100 * level_supported(n))
    if level is None:
        return ClaimJudgement("fail" if broken else "pass", broken, 0, proven)
    if rate_upper(len(broken), n) <= 1 - level:
        return ClaimJudgement("pass", broken, 0, proven)
    if rate_lower(len(broken), n) > 1 - level:
        return ClaimJudgement("fail", broken, 0, proven)
    return ClaimJudgement("unknown", broken, runs_needed(len(broken), level) - n, proven)


def _level(claim: Claim) -> float | None:
    """None for ``every``, 0.95 for ``p95``."""
    if claim.level == "every":
        return None
    digits = claim.level.removeprefix("p")
    try:
        level = float(digits) / 100
    except ValueError:
        level = 0.0
    if not claim.level.startswith("p") or not 0 < level < 1:
        raise HarnessError(
            f"judge the claim {claim.key or claim.measure}",
            f"level {claim.level!r} is not known",
            'use "every", or a percentile such as "p95"',
        )
    return level
