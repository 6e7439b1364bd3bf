"""No operation is still running at its deadline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.checkers.core.codes import end_of, finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.protocol import Checker
from harness.checkers.operations.operation_codes import NoOperation, OperationHung, OperationsEnded, Progress
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Operation, Subject
from harness.stats.spans import within_s

_QUESTION = "operation.ends"
# One that asks again and again writes a line, and takes a little of a processor: it gets no further.
_PROGRESS_BYTES = 4096
_PROGRESS_CPU = 0.1


@dataclass(frozen=True, slots=True)
class NoHang(Checker):
    """Says of an operation that had to be killed whether it still went on, and on what it hung. While the harness
    itself stood still it may have been kept from going on as well."""

    name: ClassVar[str] = "no_hang"
    codes: ClassVar = (OperationHung, OperationsEnded, NoOperation, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        operations = run.recording.operations
        if not operations:
            yield finding(_QUESTION, Subject("run", ""), NoOperation())
            return
        hung = [o for o in operations if o.exit is None]
        for operation in hung:
            yield finding(_QUESTION, Subject("operation", operation.id), _killed(run, operation))
        if not hung:
            longest = max(operations, key=lambda o: o.seconds)
            yield finding(_QUESTION, Subject("run", ""), OperationsEnded(len(operations), end_of(longest)))


def _killed(run: JudgedRun, operation: Operation) -> OperationHung | HarnessLate:
    if paused_s := within_s(run.harness_pauses, operation.start_ns, operation.stop_ns):
        return HarnessLate("harness", paused_s, affects=f"whether {operation.id} hung")
    return OperationHung(operation.name, end_of(operation), _progress(operation))


def _progress(operation: Operation) -> Progress | None:
    """What it did in its last seconds; None where the harness did not look."""
    last_s, cpu_s, written = (operation.last_s, operation.last_cpu_s, operation.last_written_bytes)
    if last_s is None or cpu_s is None:
        return None
    going_on = cpu_s >= _PROGRESS_CPU * last_s or (written or 0) >= _PROGRESS_BYTES
    return Progress(last_s, cpu_s, written, going_on)
