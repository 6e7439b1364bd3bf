"""Every operation ends as a sound kit's would: those that can work succeed, those that cannot say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.backups.offsite_copies import copy_of
from harness.checkers.core.codes import Details, answer, end_of, finding, outcome_of
from harness.checkers.core.protocol import Checker
from harness.checkers.operations.operation_codes import (
    AsExpected,
    BackupUnknown,
    CopyMissing,
    CopyUnknown,
    FailedUnderLeftFault,
    FaultNotMet,
    LinkNotSaid,
    MayNeedLink,
    MetOurMount,
    NoOperation,
    OperationFailed,
    SucceededUnderFault,
    SucceededUnseen,
    excuse,
)
from harness.judged.cut_links import cut_links, during
from harness.judged.judged_run import JudgedRun
from harness.judged.monitor_outages import lost_within
from harness.judged.plan_values import policies
from harness.model import FaultRecord, Finding, Operation, Subject
from harness.recording.recording import Recording

_QUESTION = "operation.ends_as_expected"
_PROBE_CHARS = 200


@dataclass(frozen=True, slots=True)
class Expectations(Checker):
    """One finding for each operation that ended otherwise than expected, and one for all that ended so."""

    name: ClassVar[str] = "expectations"
    codes: ClassVar = (
        AsExpected,
        OperationFailed,
        FailedUnderLeftFault,
        MayNeedLink,
        LinkNotSaid,
        BackupUnknown,
        MetOurMount,
        SucceededUnderFault,
        SucceededUnseen,
        CopyMissing,
        CopyUnknown,
        FaultNotMet,
        NoOperation,
    )

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        # A seed that fails has ended the run: nothing was tried, and that is said elsewhere.
        expected = [o for o in run.recording.operations if o.expect != "any" and o.name != "seed"]
        if not expected:
            yield finding(_QUESTION, Subject("run", ""), NoOperation())
        as_expected = 0
        for operation in expected:
            met = _met(run.recording, operation)
            if details := _judge(run.recording, operation, met):
                because = [f.id for f in met]
                yield finding(_QUESTION, Subject("operation", operation.id), details, because=because)
            else:
                as_expected += 1
        if as_expected:
            yield finding(_QUESTION, Subject("run", ""), AsExpected(as_expected))


def _judge(recording: Recording, operation: Operation, met: list[FaultRecord]) -> Details | None:
    """None: it ended as expected."""
    name, end = operation.name, end_of(operation)
    if operation.expect == "success" and not operation.succeeded:
        return excuse(recording, operation) or _left_in(recording, operation) or _failed(recording, operation)
    if operation.expect == "success" or not operation.succeeded:
        return None
    if not met:
        return FaultNotMet(name, end)
    fault, probe = met[0].name, met[0].evidence.said[:_PROBE_CHARS]
    # Bytes get through, over a new connection or slowly: an upload may survive, if its copy is really there.
    if all("leaks" in f.effects for f in met):
        copy = copy_of(recording, operation)
        outcome = outcome_of([copy])
        if outcome == "pass":
            return None
        return (CopyMissing if outcome == "fail" else CopyUnknown)(name, end, fault, probe, [answer(copy)])
    if all(f.targets.get("link") for f in met):
        needed = [policies(recording).needs_link(name, f.targets["link"]) for f in met]
        if not any(needed):  # without, it is as good as it promises to be
            return LinkNotSaid(name, end, fault, met[0].targets["link"]) if None in needed else None
    if all("blinds" in f.effects for f in met) and lost_within(recording, operation):
        asks = policies(recording).asks(name)
        if asks != "throughout":
            return None if asks else SucceededUnseen(name, end, fault, probe)
    return SucceededUnderFault(name, end, fault, probe)


def _failed(recording: Recording, operation: Operation) -> Details | None:
    """Of one that should work; None where a link was cut that it cannot do without."""
    for cut in cut_links(recording, operation):
        return None if cut.needed else MayNeedLink(operation.name, end_of(operation), cut.fault, cut.link)
    return OperationFailed(operation.name, end_of(operation))


def _left_in(recording: Recording, operation: Operation) -> FailedUnderLeftFault | None:
    """What failed while a fault may still have been in that could not be reverted proves nothing."""
    for fault in recording.faults:
        if fault.state == "heal_failed" and (fault.released_ns or 0) <= operation.stop_ns:
            return FailedUnderLeftFault(operation.name, end_of(operation), fault.name, fault.id)
    return None


def _met(recording: Recording, operation: Operation) -> list[FaultRecord]:
    """The faults that this operation itself met. The service stands on the data disk, too, and may be the one that said
    so: there it takes the operation's own words."""
    return [
        f
        for f in recording.faults
        if f.evidence.felt
        and (f.targets.get("disk") != "data" or f.felt_said in operation.output)
        and during(f, operation)
    ]
