"""What the review of the deployment kit says was claimed and calls realistic, rows R103 to R107."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One row of the review's table "Current Claims vs Reality"; ranges in seconds."""

    requirement: str
    subject: str
    phase: str
    claimed_s: tuple[float, float]
    realistic_s: tuple[float, float]


ROWS = (
    ReviewRow("R103", "backup", "Backup creation", (60, 120), (300, 900)),
    ReviewRow("R104", "validate", "Database validation", (30, 30), (120, 300)),
    ReviewRow("R105", "deploy", "Deployment execution", (120, 300), (600, 1800)),
    ReviewRow("R106", "rollback", "Rollback operation", (30, 30), (120, 600)),
    ReviewRow("R107", "total", "Total deployment", (300, 600), (1800, 5400)),
)
TOTAL = ROWS[-1]
TOTAL_NOTE = (
    "The review's own rows add up to 240–480 s claimed and 1 140–3 600 s realistic, not to the totals it prints "
    "(300–600 s and 1 800–5 400 s). Both are shown as written."
)


def row_for(claim: Mapping[str, Any]) -> ReviewRow | None:
    """The review's row about the same thing: only the duration of an operation has one."""
    if claim["unit"] != "s" or any(word in claim["measure"] for word in ("outage", "lost", "recovery", "downtime")):
        return None
    return next((row for row in ROWS if row.subject == claim["subject"]), None)
