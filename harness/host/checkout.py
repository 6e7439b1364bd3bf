"""The folder the project lies in: beside ``harness`` are the scenarios, the tools that were built, the reports."""

from __future__ import annotations

from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
BUNDLED = CHECKOUT / "harness" / "bundled"
