"""When monitors of the system saw nothing, because a fault of the harness had taken them away."""

from __future__ import annotations

from dataclasses import dataclass

from harness.model import FaultRecord, Operation
from harness.recording.events import MonitorsBlind
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class MonitorOutage:
    """Monitors that saw nothing from ``start_ns`` to ``stop_ns``, as our own probe found them; ``fault`` is the id of
    what took them away."""

    fault: str
    names: tuple[str, ...]
    every: bool
    how: str
    status: tuple[str, ...]
    start_ns: int
    stop_ns: int


def monitor_outages(recording: Recording) -> list[MonitorOutage]:
    """One for each fault that took monitors away and was seen to last."""
    events = [*recording.of(MonitorsBlind)]
    found: list[MonitorOutage] = []
    for fault in recording.faults:
        if fault.state not in ("applied", "healed", "heal_failed"):
            continue
        if event := _event_of(events, fault):
            stop_ns = fault.healed_ns or recording.log.stop.mono_ns
            every = len(event.names) == len(event.declared)
            outage = MonitorOutage(
                fault.id, tuple(event.names), every, event.how, tuple(event.status), event.since_ns, stop_ns
            )
            found.append(outage)
    return found


def _event_of(events: list[MonitorsBlind], fault: FaultRecord) -> MonitorsBlind | None:
    """The event a fault wrote when it was confirmed: between its injection and that."""
    start_ns, stop_ns = fault.injected_ns or 0, fault.confirmed_ns or 0
    return next((e for e in events if start_ns <= e.t <= stop_ns), None)


def lost_within(recording: Recording, operation: Operation) -> bool:
    """Whether every monitor was lost in the middle of the operation and stayed away to its end."""
    return any(
        o.every and operation.start_ns < o.start_ns < operation.stop_ns <= o.stop_ns for o in monitor_outages(recording)
    )
