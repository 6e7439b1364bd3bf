"""Verdicts from what a run recorded; a checker never touches the system."""

from __future__ import annotations

from harness.checkers.backups.made_backup import MadeBackup
from harness.checkers.core.protocol import AnyChecker
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.losses import Losses
from harness.checkers.data.power_loss import PowerLoss
from harness.checkers.data.restore_exact import RestoreExact
from harness.checkers.operations.durations import Durations
from harness.checkers.operations.expectations import Expectations
from harness.checkers.operations.no_hang import NoHang
from harness.checkers.service.downtime import Downtime, Outages
from harness.checkers.service.recovery import Recovery
from harness.checkers.service.versions import Versions
from harness.checkers.validity.fault_bit import FaultBit
from harness.checkers.validity.load_sound import LoadSound

__all__ = ["AnyChecker", "standard"]


def standard() -> tuple[AnyChecker, ...]:
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
