"""Each claim as a row of the result: limit, measured values, outcome and sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.checkers.core.measured_claim import JudgesClaims
from harness.checkers.data.losses import Losses
from harness.checkers.operations.durations import Durations
from harness.checkers.service.downtime import Downtime, Outages
from harness.checkers.service.recovery import Recovery
from harness.recording.recording import Recording

_JUDGES: tuple[JudgesClaims, ...] = (Durations(), Outages(), Downtime(), Losses(), Recovery())


def claim_rows(recording: Recording) -> tuple[Mapping[str, Any], ...]:
    """Rows in the order of the review's table: durations, outages, requests, losses, recoveries."""
    return tuple(claimed.row() for judge in _JUDGES for claimed in judge.claimed(recording))
