"""What makes a recording less than whole, as data: each kind of problem, and the file or the sender it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ProblemKind = Literal[
    "events_torn", "cut_short", "mixed", "file_missing", "file_changed", "samples_incomplete", "ledger_torn"
]


@dataclass(frozen=True, slots=True)
class Problem:
    """``about``: the file (``ledger_torn``: the file and its line) or the sender, empty for the whole. ``count`` of
    ``total`` event lines are torn; 0 of 0 otherwise."""

    kind: ProblemKind
    about: str = ""
    count: int = 0
    total: int = 0
