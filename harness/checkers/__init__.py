"""The checkers that come with the harness, by name: verdicts from what a run recorded."""

from __future__ import annotations

from collections.abc import Mapping

from harness.checkers.backups.made_backup import MadeBackup
from harness.checkers.backups.offsite_copies import OffsiteCopies
from harness.checkers.backups.partial_latest import NoPartialLatest
from harness.checkers.backups.space_check import RefusesBeforeWriting
from harness.checkers.backups.validation import RejectsDamage
from harness.checkers.concurrency.end_state import EndState
from harness.checkers.concurrency.exclusive import Exclusive
from harness.checkers.concurrency.fenced import Fenced
from harness.checkers.concurrency.winners import Winners
from harness.checkers.contract import Contract
from harness.checkers.core.protocol import Checker
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.losses import Losses
from harness.checkers.data.power_loss import PowerLoss
from harness.checkers.data.restorable import Restorable
from harness.checkers.data.restore_exact import RestoreExact
from harness.checkers.operations.durations import Durations
from harness.checkers.operations.expectations import Expectations
from harness.checkers.operations.no_hang import NoHang
from harness.checkers.service.broken_version import BrokenVersion
from harness.checkers.service.downtime import Downtime, Outages
from harness.checkers.service.monitored import Monitored
from harness.checkers.service.recovery import Recovery
from harness.checkers.service.versions import Versions
from harness.checkers.validity.fault_bit import FaultBit
from harness.checkers.validity.in_recovery import InRecovery
from harness.checkers.validity.load_sound import LoadSound

__all__ = [
    "CHECKERS",
    "AcknowledgedWrites",
    "BrokenVersion",
    "Checker",
    "Contract",
    "Downtime",
    "Durations",
    "EndState",
    "Exclusive",
    "Expectations",
    "FaultBit",
    "Fenced",
    "InRecovery",
    "LoadSound",
    "Losses",
    "MadeBackup",
    "Monitored",
    "NoHang",
    "NoPartialLatest",
    "OffsiteCopies",
    "Outages",
    "PowerLoss",
    "Recovery",
    "RefusesBeforeWriting",
    "RejectsDamage",
    "Restorable",
    "RestoreExact",
    "Versions",
    "Winners",
    "standard",
]

_ALL: tuple[type[Checker], ...] = (
    AcknowledgedWrites,
    BrokenVersion,
    Contract,
    Downtime,
    Durations,
    EndState,
    Exclusive,
    Expectations,
    FaultBit,
    Fenced,
    InRecovery,
    LoadSound,
    Losses,
    MadeBackup,
    Monitored,
    NoHang,
    NoPartialLatest,
    OffsiteCopies,
    Outages,
    PowerLoss,
    Recovery,
    RefusesBeforeWriting,
    RejectsDamage,
    Restorable,
    RestoreExact,
    Versions,
    Winners,
)
# The name of a checker, as a plan has it -> its class.
CHECKERS: Mapping[str, type[Checker]] = {c.name: c for c in _ALL}


def standard() -> tuple[Checker, ...]:
    """What judges every run, whatever it does."""
    return (
        LoadSound(),
        FaultBit(),
        # The worst first: a report opens with the first that failed.
        AcknowledgedWrites(),
        RestoreExact(),
        Losses(),
        NoHang(),
        Expectations(),
        MadeBackup(),
        Versions(),
        Downtime(),
        Outages(),
        Recovery(),
        Durations(),
        PowerLoss(),
    )
