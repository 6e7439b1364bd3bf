"""Every code that is declared: by the checkers that come with the harness, by the judge, and by what was imported."""

from __future__ import annotations

import harness.checkers
import harness.judge.codes  # noqa: F401 - like the checkers: to import them is to declare their codes
from harness.checkers.core.codes import CODES, Code


def declared() -> dict[str, Code]:
    """All by name, in its order. Those of a user's own checker are among them once its file was imported."""
    return dict(sorted(CODES.items()))


def bundled() -> dict[str, Code]:
    """Those that come with the harness."""
    return {name: code for name, code in declared().items() if code.details.__module__.startswith("harness.")}
