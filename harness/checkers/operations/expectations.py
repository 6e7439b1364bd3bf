"""Every operation ends as a sound kit's would: those that can work succeed, those that cannot say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.backups.offsite_copies import copied
from harness.checkers.core.phrases import count, ended, last_line
from harness.model import FaultRecord, Operation, Verdict
from harness.recording.history import not_told
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Expectations:
    """One verdict for each operation that ended otherwise than expected, or one for all."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "expectations"
    requirement: ClassVar[str] = "R14"

    def check(self, recording: Recording) -> list[Verdict]:
        # A seed that fails has ended the run: nothing was tried, and that is said elsewhere.
        expected = [o for o in recording.operations if o.expect != "any" and o.name != "seed"]
        about = "exit of operations"
        measured = f"{count(len(expected), 'operation')} with an expected end"
        if not expected:
            return [Verdict("unknown", about, measured, "no operation was run", self.requirement)]
        odd = [v for o in expected if (v := self._judge(recording, o))]
        return odd or [Verdict("pass", about, measured, "all ended as expected", self.requirement)]

    def _judge(self, recording: Recording, operation: Operation) -> Verdict | None:
        about = f"exit of {operation.id}"
        if operation.expect == "success" and not operation.succeeded:
            why = f"{ended(operation)}; {last_line(operation.output)}"
            if untold := not_told(recording, operation):
                return Verdict("unknown", about, f"exit {operation.exit}", f"{why}; {untold}", self.requirement)
            return Verdict("fail", about, f"exit {operation.exit}", why, self.requirement)
        if operation.expect == "failure" and operation.succeeded:
            met = [
                f
                for f in recording.faults
                if _met(f, operation)
                and f.injected_ns is not None
                and f.injected_ns <= operation.stop_ns
                and (f.healed_ns is None or f.healed_ns >= operation.start_ns)
            ]
            # Bytes get through, over a new connection or slowly: an upload may survive, if its copy is really there.
            if met and all("leaks" in f.effects for f in met):
                outcome, copy = copied(recording, operation)
                if outcome == "pass":
                    return None
                why = f"{ended(operation)} although it met {met[0].name}, and {copy}: {met[0].evidence.said[:200]}"
                return Verdict(outcome, about, "exit 0", why, self.requirement)
            if met:
                why = f"{ended(operation)} although it met {met[0].name}: {met[0].evidence.said[:200]}"
                return Verdict("fail", about, "exit 0", why, self.requirement)
            why = f"{ended(operation)} where a failure was expected, but it met no fault itself"
            return Verdict("unknown", about, "exit 0", why, self.requirement)
        return None


def _met(fault: FaultRecord, operation: Operation) -> bool:
    """Whether this operation itself met the fault. The service stands on the data disk, too, and may be the one that
    said so: there it takes the operation's own words."""
    shared = fault.targets.get("disk") == "data"
    return fault.evidence.felt and (not shared or fault.felt_said in operation.output)
