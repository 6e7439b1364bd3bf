"""The faults that come with the harness, by name: one file each, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.faults.disk_full import DiskFull
    from harness.faults.fault import Fault, Injection
    from harness.faults.monitor import MonitorChecksDead, MonitorFrozen, MonitorKilled, MonitorLies, Which
    from harness.faults.partition import Partition
    from harness.faults.process_kill import ProcessKill
    from harness.faults.process_pause import ProcessPause
    from harness.faults.toxics import CutAt, Down, Reset, SlowDrip, StalledPeer

__all__ = [
    "FAULTS",
    "CutAt",
    "DiskFull",
    "Down",
    "Fault",
    "Injection",
    "MonitorChecksDead",
    "MonitorFrozen",
    "MonitorKilled",
    "MonitorLies",
    "Partition",
    "ProcessKill",
    "ProcessPause",
    "Reset",
    "SlowDrip",
    "StalledPeer",
    "Which",
    "named",
]

# The name of a fault -> the class it is made of.
FAULTS: Mapping[str, str] = {
    "cut_at": "CutAt",
    "disk_full": "DiskFull",
    "down": "Down",
    "monitor_checks_dead": "MonitorChecksDead",
    "monitor_frozen": "MonitorFrozen",
    "monitor_killed": "MonitorKilled",
    "monitor_lies": "MonitorLies",
    "partition": "Partition",
    "process_kill": "ProcessKill",
    "process_pause": "ProcessPause",
    "reset": "Reset",
    "slow_drip": "SlowDrip",
    "stalled_peer": "StalledPeer",
}
_MODULES: Mapping[str, tuple[str, ...]] = {
    "disk_full": ("DiskFull",),
    "fault": ("Fault", "Injection"),
    "monitor": ("MonitorChecksDead", "MonitorFrozen", "MonitorKilled", "MonitorLies", "Which"),
    "partition": ("Partition",),
    "process_kill": ("ProcessKill",),
    "process_pause": ("ProcessPause",),
    "toxics": ("CutAt", "Down", "Reset", "SlowDrip", "StalledPeer"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"harness.faults.{_HOME[name]}"), name)


def named(name: str) -> type[Fault] | None:
    """The class of a fault that comes with the harness; None where none has that name."""
    found: type[Fault] | None = __getattr__(FAULTS[name]) if name in FAULTS else None
    return found
