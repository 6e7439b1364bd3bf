"""The format of a recording: what it is, and which a reader knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Fields and kinds of events may be added and keep it; whatever else changes raises it. Recordings of the first format
# do not name theirs.
FORMAT = 2
FIRST = 1


def format_of(about: Mapping[str, Any]) -> int:
    """The format that a run.json names; TypeError when it is no object."""
    if not isinstance(about, Mapping):
        raise TypeError("it is no object")
    return int(about.get("format", FIRST))
