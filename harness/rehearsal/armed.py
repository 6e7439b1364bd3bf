"""The faults of a plan, made again inside from their names and parameters."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from harness import faults
from harness.errors import ExitCode, HarnessError
from harness.faults.fault import Fault
from harness.host.modules import load_class
from harness.host.raised import told
from harness.plan import PlannedFault

_JUDGING = ("checkers", "judge", "judged", "report", "scenario", "registry", "campaign")


@dataclass(frozen=True, slots=True)
class Armed:
    """A planned fault, and what injects it."""

    plan: PlannedFault
    fault: Fault


def arm(planned: Iterable[PlannedFault]) -> tuple[Armed, ...]:
    """Each fault with its class; HarnessError for one that is not at hand as it was planned, or that brings judging
    with it."""
    made = tuple(Armed(one, _made(one)) for one in planned)
    if both := [m for m in sys.modules if m.startswith("harness.") and m.split(".")[1] in _JUDGING]:
        why = f"a fault of the user's own imported {', '.join(sorted(both)[:3])}"
        hint = "put the fault in a module of its own, which imports no scenario and no checker"
        raise HarnessError("make the faults of the run", why, hint, ExitCode.UNKNOWN, matter="plan")
    return made


def _made(planned: PlannedFault) -> Fault:
    what = f"make the fault {planned.name}"
    try:
        cls: Any = load_class(planned.source) if planned.source else faults.named(planned.name)
        if cls is None:
            raise HarnessError(what, "this version has none of that name", "", ExitCode.UNKNOWN, matter="plan")
        made: Fault = cls(**planned.parameters)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:  # anything may go wrong in a user's file; it gets one clear error
        why = told(error)
        raise HarnessError(what, why, "mend its file", ExitCode.UNKNOWN, matter="plan") from error
    return made
