"""An operation that stood still past its lease and lost the lock is kept from changing anything: refused when it goes
on again, or ended by whoever took the lock from it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.core.phrases import ended, last_line, seconds
from harness.judged.critical_sections import CUT_OFF_NS, faults_on, pauses, stays
from harness.model import NS, Operation, Verdict
from harness.recording.recording import Recording


@dataclass(frozen=True, slots=True)
class Fenced:
    """Judged by what it did after it was continued: phases it still marked, and the success it reported. One that was
    killed where it stood (a stopped process ends in no other way) before another was inside can do no more, if nothing
    it had started went on. One that kept its lock, for another was refused meanwhile, has nothing to be fenced from."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "fenced"
    requirement: ClassVar[str] = "R96"

    def check(self, recording: Recording) -> list[Verdict]:
        paused = [(o, p) for o in recording.operations for p in pauses(recording, o)]
        if not paused:
            return [Verdict("unknown", "fencing", "", "no operation was stopped and continued", self.requirement)]
        return [self._judge(recording, operation, *span) for operation, span in paused]

    def _judge(self, recording: Recording, operation: Operation, from_ns: int, to_ns: int) -> Verdict:
        about = f"fencing of {operation.id}"
        measured = f"{operation.id} stood still for {seconds(to_ns - from_ns)}"
        others = [
            (o.id, s.start_ns)
            for o in recording.operations
            if o.id != operation.id
            for s in stays(recording, o)
            if s.start_ns < to_ns and s.stop_ns > from_ns
        ]
        if not others:
            return self._nothing_lost(recording, operation, from_ns, to_ns)
        story = f"{measured} while {', '.join(dict(others))} had the lock"
        gone = operation.stop_ns <= to_ns
        by_us = any(f.name == "process_kill" for f in faults_on(recording, operation))
        if gone and (operation.exit != -signal.SIGKILL or by_us):
            why = f"{story}; it had ended before it was continued"
            return Verdict("unknown", about, measured, why, self.requirement)
        marks = [e for e in recording.of_kind("phase") if e["operation"] == operation.id]
        # What was only seen is older than that; the end of the operation is no step it took.
        still_ns = min(to_ns, operation.stop_ns)
        later = [e for e in marks if e["t"] - e.get("late_ns", 0) > still_ns and e.get("by") != "end"]
        went_on = f", went on through {later[-1]['phase']}" if later else ""
        if operation.succeeded:
            why = f"{story}{went_on or ', went on'} and reported success: {last_line(operation.output)}"
            return Verdict("fail", about, measured, why, self.requirement)
        if later:
            what = "though it had been killed" if gone else f"and only then failed: {last_line(operation.output)}"
            why = f"{story}{went_on} {what}"
            return Verdict("fail", about, measured, why, self.requirement)
        late_ns = operation.stop_ns - min(start_ns for _, start_ns in others)
        if gone and late_ns > CUT_OFF_NS:
            why = (
                f"{story}; it was killed where it stood, {seconds(late_ns)} after another was inside: nothing had kept "
            )
            return Verdict("unknown", about, measured, f"{why}it from going on until then", self.requirement)
        if gone:
            why = f"{story}; it was killed where it stood ({seconds(operation.stop_ns - from_ns)} after); then nothing "
            return Verdict("pass", about, measured, f"{why}of it went on", self.requirement)
        took_s = (operation.stop_ns - to_ns) / NS
        why = f"{story}; continued, it changed nothing: {ended(operation)} ({took_s:.2f} s after), "
        return Verdict("pass", about, measured, why + last_line(operation.output), self.requirement)

    def _nothing_lost(self, recording: Recording, operation: Operation, from_ns: int, to_ns: int) -> Verdict:
        about = f"fencing of {operation.id}"
        measured = f"{operation.id} stood still for {seconds(to_ns - from_ns)}"
        group = operation.attributes.get("together")
        refused = [
            o
            for o in recording.operations
            if o.id != operation.id
            and o.attributes.get("together") == group
            and (o.exit or 0) > 0
            and from_ns <= o.stop_ns <= to_ns
        ]
        if group is None or not refused or operation.stop_ns <= to_ns:
            why = f"{measured}, and no other operation had the lock meanwhile: it had lost nothing"
            return Verdict("unknown", about, measured, why, self.requirement)
        waited = seconds(refused[0].stop_ns - refused[0].start_ns)
        why = (
            f"{measured} and kept its lock: {refused[0].id} was refused meanwhile, after {waited}, "
            f"{last_line(refused[0].output)}; a lock without a lease waits for its holder, however long"
        )
        return Verdict("pass", about, measured, why, self.requirement)
