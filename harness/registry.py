"""Finds scenarios and systems by name: those that come with it, and scenarios in directories of the user's own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from harness.config.reader import bundled
from harness.config.suggest import did_you_mean
from harness.errors import HarnessError
from harness.host.checkout import BUNDLED, ROOT
from harness.host.modules import load_file
from harness.host.raised import told
from harness.scenario import Scenario
from harness.scenario.alone import refuse_mixed

SCENARIOS = ROOT / "scenarios"


def scenarios(directories: Sequence[Path] = ()) -> dict[str, Scenario]:
    """All scenarios by name, the bundled ones first; two of one name are an error."""
    found: dict[str, Scenario] = {}
    for directory in (SCENARIOS, *directories):
        if not directory.is_dir():
            raise HarnessError(f"load scenarios from {directory}", "there is no such directory", "check --scenarios")
        for path in sorted(directory.glob("*.py")):
            if path.name.startswith("_"):
                continue
            scenario = getattr(_load(path), "scenario", None)
            if not isinstance(scenario, Scenario):
                raise HarnessError(
                    f"load the scenario in {path}",
                    "it does not end in `scenario = Scenario(...)`",
                    "see scenarios/README.md",
                )
            if scenario.name in found:
                raise HarnessError(
                    f"load the scenario in {path}", f"{scenario.name} exists already", "give it another name"
                )
            refuse_mixed(path, scenario)
            found[scenario.name] = scenario
    return found


def scenario(name: str, directories: Sequence[Path] = ()) -> Scenario:
    known = scenarios(directories)
    if name not in known:
        hint = did_you_mean(name, known) or f"scenarios: {', '.join(known)}"
        raise HarnessError(f"find the scenario {name!r}", "none has that name", hint)
    return known[name]


def systems() -> list[str]:
    """The names of the bundled systems."""
    return sorted(bundled(BUNDLED))


def _load(path: Path) -> ModuleType:
    try:
        return load_file(path)
    except (HarnessError, KeyboardInterrupt):
        raise
    except BaseException as error:  # anything may go wrong in a user's file, sys.exit(0) too; it gets one clear error
        hint = f"mend it; `{sys.executable} {path}` shows all of the error"
        raise HarnessError(f"load the scenario in {path}", told(error), hint) from error
