"""Words for the sentences of findings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def count(number: int, noun: str) -> str:
    """``1 write``, ``3 writes``, ``61 204 requests``."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"


def grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def figure(value: float, limit: float = math.nan) -> str:
    """Three digits, or as many as tell it from the ``limit``: 30.04 is not 30 where 30 was claimed."""
    if value == int(value) and abs(value) < 1e9:
        return f"{value:.0f}"
    texts = (f"{value:.{digits}g}" for digits in range(3, 17))
    return next((t for t in texts if "e+" not in t and float(t) != limit), repr(value))


def claimed(claim: Mapping[str, Any]) -> str:
    """Of ``ClaimFigures``: ``claimed <= 30 s at p95``."""
    level = "" if claim["level"] == "every" else f" at {claim['level']}"
    return f"claimed <= {figure(claim['limit'])} {claim['unit']}{level}"


def measured(claim: Mapping[str, Any]) -> str:
    """Of ``ClaimFigures``: ``median 1.2 s (0.9 to 1.5, n = 10, resolution 0.01 s)``."""
    least, middle, most = (figure(claim[k] or 0.0, claim["limit"]) for k in ("min", "median", "max"))
    inside = [f"{least} to {most}"] * (claim["n"] > 1) + [f"n = {claim['n']}"]
    if claim["resolution"]:
        inside.append(f"resolution {figure(claim['resolution'])} {claim['unit']}")
    return f"{'median' if claim['n'] > 1 else 'measured'} {middle} {claim['unit']} ({', '.join(inside)})"
