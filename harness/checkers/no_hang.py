"""No operation is still running at its deadline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.words import count, ended
from harness.model import Verdict
from harness.recording.recording import Recording
from harness.stats.soundness import standstills, within_s


@dataclass(frozen=True, slots=True)
class NoHang:
    """Says where an operation hung that had to be killed. While we ourselves stood still it may have been kept from
    going on as well."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "no_hang"
    requirement: ClassVar[str] = "R83"

    def check(self, recording: Recording) -> list[Verdict]:
        operations = recording.operations
        about = "operations end by themselves"
        measured = f"{sum(o.exit is not None for o in operations)} of {count(len(operations), 'operation')} ended"
        if not operations:
            return [Verdict("unknown", about, measured, "no operation was run", self.requirement)]
        still = standstills(recording.resources)
        hung: list[str] = []
        held: list[str] = []
        for o in (o for o in operations if o.exit is None):
            why = f"{ended(o)}: {o.blocked_on or 'it is not known on what it hung'}"
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
