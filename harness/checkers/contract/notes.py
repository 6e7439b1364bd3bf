"""What is worth knowing beside the contract: the phases a kit marks, and the downtime it will be judged by."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.contract import codes
from harness.checkers.contract.tried import Answer
from harness.judged.downtime import bad_mask
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import deadline_ms
from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording


def phases(recording: Recording) -> Iterator[Answer]:
    """By operation; marks are optional, but one that is begun has to be ended by an operation that succeeded."""
    marked: dict[str, dict[str, None]] = {}
    names = {o.id: o.name for o in recording.operations}
    for id_, span, _ in recording.phases:
        marked.setdefault(names.get(id_, id_), {})[span.name] = None
    if not marked:
        yield "phases", codes.NoPhases()
    for name, those in marked.items():
        yield f"phases {name}", codes.PhasesMarked(list(those))
    open_: dict[tuple[str, str], None] = {}
    for event in recording.of(PhaseEdge):
        key = (event.operation, event.phase)
        if event.event == "start":
            open_[key] = None
        else:
            open_.pop(key, None)
    fine = {o.id for o in recording.operations if o.succeeded}
    for id_, phase in (k for k in open_ if k[0] in fine):
        yield f"phases {names[id_]}", codes.PhaseNotEnded(id_, phase)


def downtime(run: JudgedRun) -> Iterator[Answer]:
    """A stop and start under load is no breach of the contract; of a claim it is."""
    limit_ms = deadline_ms(run.recording)
    sides = (run.requests.load, run.requests.probes)
    bad = sum(int(bad_mask(records, limit_ms).sum()) for records in sides)
    if bad:
        yield "downtime", codes.DowntimeSeen(bad, sum(len(records) for records in sides))
