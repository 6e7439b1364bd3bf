"""The checkers that a plan names, made again from their names and parameters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.checkers import CHECKERS
from harness.checkers.core.codes import finding
from harness.checkers.core.protocol import Checker
from harness.host.modules import load_class
from harness.judge import codes
from harness.model import Finding, Subject
from harness.plan import PlannedChecker


def named(planned: Sequence[PlannedChecker], directories: Sequence[Path] = ()) -> tuple[list[Checker], list[Finding]]:
    """Those that are at hand, and an unknown for each that is not as it was."""
    found: list[Checker] = []
    missing: list[Finding] = []
    for one in planned:
        try:
            found.append(_made(one, directories))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - a file of the user's own may raise anything, sys.exit(0) too
            why = str(error).replace("\n", "; ") or type(error).__name__
            details = codes.CheckerMissing(checker=one.name, why=why)
            missing.append(finding("run.judged", Subject("checker", one.name), details))
    return found, missing


def _made(planned: PlannedChecker, directories: Sequence[Path]) -> Checker:
    cls: Any = load_class(planned.source, directories) if planned.source else CHECKERS.get(planned.name)
    if cls is None:
        raise LookupError("this version has none of that name")
    made: Checker = cls(**planned.parameters)
    return made
