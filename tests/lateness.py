"""The one place that says whether a run is unknown only because the machine was too busy for the harness."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What the check of the load says of senders that came late, and of the harness that got no CPU.
_LATE = (
    r"(the (load|prober) sent \d+ ms late \(p99; limit \d+ ms\)"
    r"|the harness itself stood still for \d+\.\d s while it measured)"
)
_NOTHING_ELSE = re.compile(f"{_LATE}(; {_LATE})*")


def _is_late(finding: Mapping[str, Any]) -> bool:
    """Whether this unknown finding is about nothing but that."""
    return _NOTHING_ELSE.fullmatch(str(finding["sentence"])) is not None


def late_alone(result: Mapping[str, Any]) -> str:
    """Of a result.json: in what words, if that the harness was late is the sole cause of what is unknown in it; empty
    where nothing is unknown, or anything for another reason."""
    unknown = [finding for finding in result["findings"] if finding["outcome"] == "unknown"]
    if not all(map(_is_late, unknown)):
        return ""
    return "; ".join(dict.fromkeys(str(finding["sentence"]) for finding in unknown))
