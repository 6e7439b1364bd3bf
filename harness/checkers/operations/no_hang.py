"""No operation is still running at its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended
from harness.host.sizes import size
from harness.judged.harness_pauses import harness_pauses, within_s
from harness.model import Operation, Verdict
from harness.recording.recording import Recording

# One that asks again and again writes a line, and takes a little of a processor: it gets no further.
_PROGRESS_BYTES = 4096
_PROGRESS_CPU = 0.1


@dataclass(frozen=True, slots=True)
class NoHang:
    """Says of an operation that had to be killed whether it still went on, and on what it hung. While we ourselves
    stood still it may have been kept from going on as well."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "no_hang"
    requirement: ClassVar[str] = "R83"

    def check(self, recording: Recording) -> list[Verdict]:
        operations = recording.operations
        about = "operations end by themselves"
        measured = f"{sum(o.exit is not None for o in operations)} of {count(len(operations), 'operation')} ended"
        if not operations:
            return [Verdict("unknown", about, measured, "no operation was run", self.requirement)]
        still = harness_pauses(recording.resources)
        hung: list[str] = []
        held: list[str] = []
        for o in (o for o in operations if o.exit is None):
            why = f"{ended(o)}: {_progress(o)}{o.blocked_on or 'it is not known on what it hung'}"
            if ours_s := within_s(still, o.start_ns, o.stop_ns):
                held.append(f"{why}; for {ours_s:.2f} s of that we ourselves stood still")
            else:
                hung.append(why)
        if hung:
            return [Verdict("fail", about, measured, "; ".join(hung), self.requirement)]
        if held:
            return [Verdict("unknown", about, measured, "; ".join(held), self.requirement)]
        longest = max(operations, key=lambda o: o.seconds)
        why = f"all ended; the longest, {longest.id}, after {longest.seconds:.2f} s"
        return [Verdict("pass", about, measured, why, self.requirement)]


def _progress(operation: Operation) -> str:
    """What it did in its last seconds; empty where nobody looked."""
    last_s, cpu_s, written = (operation.last_s, operation.last_cpu_s, operation.last_written_bytes)
    if last_s is None or cpu_s is None:
        return ""
    did = f"{cpu_s:.2f} s of CPU{'' if written is None else f', {size(written)} written'}"
    if cpu_s >= _PROGRESS_CPU * last_s or (written or 0) >= _PROGRESS_BYTES:
        return f"still progressing ({did} in the last {last_s:.1f} s); "
    return f"no progress for {last_s:.1f} s ({did}); blocked on "
