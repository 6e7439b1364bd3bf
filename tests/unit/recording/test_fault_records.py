"""How far a fault came is told by its events, in one word."""

from __future__ import annotations

import pytest

from harness.model import FaultState
from harness.recording.events import (
    FaultConfirmed,
    FaultEvent,
    FaultFailed,
    FaultHealed,
    FaultInjected,
    FaultLost,
    FaultPlanned,
    FaultSkipped,
)
from harness.recording.fault_records import fault_records

ID = "fault-1"
SKIPPED = FaultSkipped(id=ID, said="too late", t=1)
FAILED = FaultFailed(id=ID, said="no such disk", t=1)
INJECTED = FaultInjected(id=ID, operation="deploy-1", t=2)
IN = FaultConfirmed(id=ID, applied=True, said="a write failed", t=3)
NOT_IN = FaultConfirmed(id=ID, applied=False, said="a write went well", t=3)
LOST = FaultLost(id=ID, said="somebody removed it", t=4)
HEALED = FaultHealed(id=ID, ok=True, felt=True, felt_said="no space", released_ns=4, t=5)
NOT_HEALED = FaultHealed(id=ID, ok=False, t=5)


@pytest.mark.parametrize(
    ("events", "state", "said"),
    [
        ([], "planned", "never fired"),
        ([SKIPPED], "skipped", "too late"),
        ([FAILED], "failed", "no such disk"),
        ([INJECTED], "injected", "never fired"),
        ([INJECTED, FAILED], "failed", "no such disk"),
        ([INJECTED, NOT_IN, HEALED], "not_applied", "a write went well; no space"),
        ([INJECTED, IN], "applied", "a write failed"),
        ([INJECTED, IN, LOST, HEALED], "lost_early", "lost early: somebody removed it; no space"),
        ([INJECTED, IN, HEALED], "healed", "a write failed; no space"),
        ([INJECTED, IN, NOT_HEALED], "heal_failed", "a write failed"),
    ],
)
def test_the_state_of_a_fault(events: list[FaultEvent], state: FaultState, said: str) -> None:
    planned = FaultPlanned(id=ID, name="disk_full", parameters={"disk": "data"}, at="deploy.start #1", hold="end", t=0)
    other = FaultPlanned(id="fault-2", name="pause", parameters={}, at="backup.start #1", t=0)
    record, beside = fault_records([planned, other, *events])
    assert (record.state, record.evidence.said) == (state, said)
    assert beside.state == "planned"
    # Its times say the same.
    assert (record.injected_ns is None) == (INJECTED not in events)
    assert (record.confirmed_ns is None) == (state not in ("applied", "healed", "heal_failed"))
    assert (record.healed_ns is None) == (HEALED not in events)
    assert record.evidence.applied == (record.confirmed_ns is not None)


def test_what_a_fault_landed_on_and_what_met_it_is_in_its_record() -> None:
    planned = FaultPlanned(id=ID, name="disk_full", parameters={"disk": "data"}, at="deploy.start #1", hold="end", t=0)
    (record,) = fault_records([planned, INJECTED, IN, HEALED])
    assert (record.operation, record.to_the_end, record.felt_said, record.released_ns) == (
        "deploy-1",
        True,
        "no space",
        4,
    )
    assert record.evidence.felt
