"""The one place that says whether a run is unknown only because the machine was too busy for the harness."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LATE = "harness.late"


def late_alone(result: Mapping[str, Any]) -> str:
    """Of a result.json: in what words, if that the harness was late is the sole cause of what is unknown in it; empty
    where nothing is unknown, or anything for another reason."""
    unknown = [finding for finding in result["findings"] if finding["outcome"] == "unknown"]
    if any(finding["code"] != _LATE for finding in unknown):
        return ""
    return "; ".join(dict.fromkeys(str(finding["sentence"]) for finding in unknown))
