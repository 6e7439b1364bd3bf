"""What became of each planned fault, computed from its events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from harness.model import Evidence, FaultRecord, FaultState
from harness.recording.events import (
    Event,
    FaultConfirmed,
    FaultEvent,
    FaultFailed,
    FaultHealed,
    FaultInjected,
    FaultLost,
    FaultPlanned,
    FaultSkipped,
)


def fault_records(events: Iterable[Event]) -> tuple[FaultRecord, ...]:
    """One for each planned fault, also for one that never fired."""
    of_each: dict[str, list[FaultEvent]] = {}
    for event in events:
        if isinstance(event, FaultEvent):
            of_each.setdefault(event.id, []).append(event)
    return tuple(_record(these) for these in of_each.values())


def _record(events: list[FaultEvent]) -> FaultRecord:
    planned = _last(events, FaultPlanned)
    if planned is None:
        raise ValueError(f"nothing says what {events[0].id} was to be")
    injected = _last(events, FaultInjected)
    healed = _last(events, FaultHealed)
    looked = next((e for e in reversed(events) if isinstance(e, _LOOKED)), None)
    applied = isinstance(looked, FaultConfirmed) and looked.applied
    felt_said = healed.felt_said if healed else ""
    felt = healed.felt if healed else isinstance(looked, FaultConfirmed) and looked.felt
    said = "; ".join(s for s in (_said(looked), felt_said) if s)
    return FaultRecord(
        id=planned.id,
        name=planned.name,
        parameters=planned.parameters,
        at=planned.at,
        state=_state(injected, looked, healed),
        injected_ns=injected.t if injected else None,
        confirmed_ns=looked.t if looked and applied else None,
        released_ns=healed.released_ns if healed else None,
        healed_ns=healed.t if healed and healed.ok else None,
        evidence=Evidence(applied, felt, said or "never fired"),
        operation=injected.operation if injected else "",
        to_the_end=planned.hold == "end",
        felt_said=felt_said,
        effects=frozenset(planned.effects),
        targets=planned.targets,
    )


_E = TypeVar("_E", bound=FaultEvent)
# What a look at a fault may have shown; the last one counts.
_LOOKED = FaultConfirmed | FaultLost | FaultFailed | FaultSkipped
_Looked = FaultConfirmed | FaultLost | FaultFailed | FaultSkipped | None


def _state(injected: FaultInjected | None, looked: _Looked, healed: FaultHealed | None) -> FaultState:
    if isinstance(looked, FaultLost):
        return "lost_early"
    if isinstance(looked, FaultSkipped):
        return "skipped"
    if isinstance(looked, FaultFailed):
        return "failed"
    if injected is None:
        return "failed" if looked else "planned"
    if looked is None:
        return "injected"
    if not (isinstance(looked, FaultConfirmed) and looked.applied):
        return "not_applied"
    if healed is None:
        return "applied"
    return "healed" if healed.ok else "heal_failed"


def _said(looked: _Looked) -> str:
    if looked is None:
        return ""
    return f"lost early: {looked.said}" if isinstance(looked, FaultLost) else looked.said


def _last(events: list[FaultEvent], kind: type[_E]) -> _E | None:
    return next((e for e in reversed(events) if isinstance(e, kind)), None)
