"""What a review of the system is quoted with: the rows that findings answer, and what it calls realistic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def of(document: Document) -> Mapping[str, Any]:
    """The ``review`` of a result or a campaign; empty for a system that has none."""
    review: Mapping[str, Any] = document.get("review") or {}
    return review


def row_for(claim: Mapping[str, Any], document: Document) -> Mapping[str, Any] | None:
    """The row about the same thing, with the seconds that were claimed and are realistic; None for none."""
    row = of(document).get("claims", {}).get(claim.get("key"))
    return row if row and "realistic_s" in row else None


def rows_of(finding: Mapping[str, Any], document: Document) -> list[str]:
    """The rows that a finding answers, by its code and by the claim that it is about: ``R83``."""
    review = of(document)
    claim = (finding["details"].get("claim") or {}).get("key")
    row = review.get("claims", {}).get(claim, {}).get("row")
    return list(dict.fromkeys([*review.get("codes", {}).get(finding["code"], ()), *([row] if row else [])]))
