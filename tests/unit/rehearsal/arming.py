"""Faults for the tests of triggers, armed as a plan would have them."""

from __future__ import annotations

from types import SimpleNamespace

from harness.plan import PlannedFault
from harness.rehearsal.armed import Armed
from harness.scenario import Trigger

KIT = SimpleNamespace(operations=("backup", "deploy"))
NO_FILES = SimpleNamespace(logs=list, newest_backup_bytes=lambda: 1000)


def armed(*triggers: Trigger) -> tuple[Armed, ...]:
    """Each trigger as a planned fault beside the object it has: a fault of a test need not be found again by name."""
    return tuple(
        Armed(
            PlannedFault(
                id=f"fault-{number}",
                name=t.fault.name,
                parameters={},
                targets=dict(t.fault.aimed_at),
                effects=tuple(sorted(t.fault.effects)),
                at=t.at,
                occurrence=t.occurrence,
                hold=t.hold,
                share=t.share,
            ),
            t.fault,
        )
        for number, t in enumerate(triggers, 1)
    )
