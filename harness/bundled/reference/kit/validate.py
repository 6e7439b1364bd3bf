"""Validation: proves that a given backup can be restored."""

from __future__ import annotations

from pathlib import Path

import catalog
import trial
from phases import phase
from places import Places


def run(places: Places, path: Path | None) -> None:
    sealed = path or catalog.latest(places).path
    trial.restore(places, sealed, phase("validate.decrypt"), phase("validate.check"))
    print(f"valid: {sealed.name}")
