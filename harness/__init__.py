"""Deploydrill rehearses a deployment under real load and real failures.

What a scenario, a fault, a checker or a client of one's own is made of is imported from here, and what reads a report:
``rehearse``, ``open_report`` and ``frames``. Nothing else is promised to stay where it is.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness import checkers, faults
    from harness.campaign.rehearsed import rehearse
    from harness.checkers.core.codes import Details, code, finding
    from harness.checkers.core.protocol import Checker
    from harness.config.kit_capabilities import KitCapabilities
    from harness.faults.fault import Fault, Injection
    from harness.judged.judged_run import JudgedRun
    from harness.model import Edge, Evidence, Finding, Subject
    from harness.plan import Expect, Hold, PowerCuts, Step, Together, Version
    from harness.report.data.frames import frames
    from harness.report.data.opened import open_report
    from harness.scenario import Cell, Scenario, Tier, Trigger
    from harness.system.clients.client import Client, acknowledging

__all__ = [
    "Cell",
    "Checker",
    "Client",
    "Details",
    "Edge",
    "Evidence",
    "Expect",
    "Fault",
    "Finding",
    "Hold",
    "Injection",
    "JudgedRun",
    "KitCapabilities",
    "PowerCuts",
    "Scenario",
    "Step",
    "Subject",
    "Tier",
    "Together",
    "Trigger",
    "Version",
    "acknowledging",
    "checkers",
    "code",
    "faults",
    "finding",
    "frames",
    "open_report",
    "rehearse",
]

__version__ = "0.1.0"

# Name -> the module that has it; it is imported when it is first asked for, so that the command starts at once.
_HOME = {
    **dict.fromkeys(("Checker",), "harness.checkers.core.protocol"),
    **dict.fromkeys(("Details", "code", "finding"), "harness.checkers.core.codes"),
    **dict.fromkeys(("JudgedRun",), "harness.judged.judged_run"),
    **dict.fromkeys(("KitCapabilities",), "harness.config.kit_capabilities"),
    **dict.fromkeys(("Fault", "Injection"), "harness.faults.fault"),
    **dict.fromkeys(("Edge", "Evidence", "Finding", "Subject"), "harness.model"),
    **dict.fromkeys(("Expect", "Hold", "PowerCuts", "Step", "Together", "Version"), "harness.plan"),
    **dict.fromkeys(("Client", "acknowledging"), "harness.system.clients.client"),
    **dict.fromkeys(("Cell", "Scenario", "Tier", "Trigger"), "harness.scenario"),
    "frames": "harness.report.data.frames",
    "open_report": "harness.report.data.opened",
    "rehearse": "harness.campaign.rehearsed",
}


def __getattr__(name: str) -> Any:
    if name in ("checkers", "faults"):
        return import_module(f"harness.{name}")
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
