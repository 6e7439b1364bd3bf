"""What acts and what judges are two processes that load nothing of each other."""

from __future__ import annotations

import json
import subprocess
import sys

from harness.faults import FAULTS

ACTING = {"rehearsal", "faults", "crash", "load", "meters", "scaffold", "system", "disks", "links", "island"}
JUDGING = {"judge", "checkers", "judged", "report"}
ABOVE = {"scenario", "registry", "campaign", "cli"}


def rooms(program: str) -> set[str]:
    """The packages and modules of the harness that are loaded once a program has run."""
    told = "import json, sys; print(json.dumps([m for m in sys.modules if m.startswith('harness.')]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{told}"], capture_output=True, text=True, timeout=60, check=True
    )
    return {module.split(".")[1] for module in json.loads(done.stdout)}


def test_the_inside_half_with_every_fault_loads_nothing_that_judges() -> None:
    loaded = rooms(
        "import harness.rehearsal.main, harness.rehearsal.rehearsal, harness.faults\n"
        f"for name in {list(FAULTS)}:\n    harness.faults.named(name)"
    )
    assert {"rehearsal", "faults", "system", "load"} <= loaded
    assert loaded & (JUDGING | ABOVE) == set()


def test_judging_loads_nothing_that_acts() -> None:
    loaded = rooms("import harness.judge.judge, harness.report.render")
    assert {"judge", "checkers", "judged", "report"} <= loaded
    assert loaded & (ACTING | ABOVE) == set()
