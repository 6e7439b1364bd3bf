"""What is worth knowing beside the contract: the phases a kit marks, and the downtime it will be judged by."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.contract.line import Line
from harness.checkers.service.downtime import Downtime
from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording


def phases(recording: Recording) -> Iterator[Line]:
    """By operation; marks are optional, but one that is begun has to be ended by an operation that succeeded."""
    marked: dict[str, dict[str, None]] = {}
    names = {o.id: o.name for o in recording.operations}
    for id_, span, _ in recording.phases:
        marked.setdefault(names.get(id_, id_), {})[span.name] = None
    if not marked:
        hint = "mark them over $DEPLOYDRILL_PHASES, as the README shows"
        yield Line("note", "phases", "none is marked: a fault can only land where an operation begins or ends", hint)
    for name, those in marked.items():
        yield Line("note", f"phases {name}", ", ".join(those))
    open_: dict[tuple[str, str], None] = {}
    for event in recording.of(PhaseEdge):
        key = (event.operation, event.phase)
        if event.event == "start":
            open_[key] = None
        else:
            open_.pop(key, None)
    fine = {o.id for o in recording.operations if o.succeeded}
    for id_, phase in (k for k in open_ if k[0] in fine):
        hint = "a phase ends before its operation exits 0"
        yield Line("wrong", f"phases {names[id_]}", f"{id_} marked the start of {phase} and no stop", hint)


def downtime(recording: Recording) -> Iterator[Line]:
    """A stop and start under load is no breach of the contract; of a claim it is."""
    for verdict in Downtime().check(recording):
        if verdict.outcome == "fail":
            hint = (
                "[claims] bad_requests (of a whole run: six rounds in baseline:round-trip) and deploy_outage_s, "
                "rollback_outage_s: what you promise; else every cell that deploys fails"
            )
            yield Line("note", "downtime", verdict.why, hint)
