"""After a fault is healed, and after any operation, the service is healthy by itself and the kit works again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.checkers.stated import claims
from harness.checkers.words import ended, last_line
from harness.model import NS, FaultRecord, Operation, Outcome, Verdict
from harness.recording.recording import Event, Recording
from harness.stats.soundness import stalls, within_s


@dataclass(frozen=True, slots=True)
class Recovery:
    """The limit is the claim ``recovery_s``; without one, the time the run was ready to wait."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "recovery"
    requirement: ClassVar[str] = "R84"

    def check(self, recording: Recording) -> list[Verdict]:
        limit_s = next((c.limit for c in claims(recording, "duration_s") if c.subject == "recovery"), None)
        still = stalls(recording.resources)
        verdicts: list[Verdict] = []
        for fault in recording.faults:
            if fault.healed_ns is not None:
                at_ns, what = fault.healed_ns, f"{fault.name} ({fault.id}) was healed"
                verdicts.append(self._recovered(what, self._first_after(recording, at_ns), at_ns, limit_s, still))
                verdicts.append(self._works_again(recording, fault, at_ns))
        for operation in recording.operations:
            if operation.exit != 0 and not operation.on_our_backup:
                event = next((e for e in recording.of_kind("recovered") if e["after"] == operation.id), None)
                verdicts.append(self._recovered(f"{operation.id} failed", event, operation.stop_ns, limit_s, still))
        well = {o.id: o for o in recording.operations if o.succeeded}
        for look in recording.of_kind("recovered"):
            if not look["ok"] and look["after"] in well:
                ended_ns = well[look["after"]].stop_ns
                verdicts.append(self._recovered(f"{look['after']} exited 0", look, ended_ns, limit_s, still))
        return verdicts

    @staticmethod
    def _first_after(recording: Recording, at_ns: int) -> Event | None:
        return next((e for e in recording.of_kind("recovered") if e["t"] > at_ns), None)

    def _recovered(
        self, what: str, event: Event | None, at_ns: int, limit_s: float | None, still: list[tuple[int, int]]
    ) -> Verdict:
        about = f"recovery after {what}"
        if event is None:
            return Verdict("unknown", about, "", f"nobody looked whether the service recovered after {what}", "R84")
        took_s = (event["t"] - at_ns) / NS
        outcome: Outcome = "pass"
        why = f"healthy and ready {took_s:.2f} s after {what}"
        if not event["ok"]:
            outcome, why = "fail", f"still not healthy and ready {took_s:.1f} s after {what}"
        elif limit_s is not None and took_s > limit_s:
            outcome, why = "fail", f"{why}, claimed <= {limit_s:g} s"
            ours_s = within_s(still, at_ns, event["t"])
            if took_s - ours_s <= limit_s:
                outcome, why = "unknown", f"{why}; for {ours_s:.2f} s of that we ourselves stood still"
        return Verdict(outcome, about, f"{took_s:.2f} s", why, self.requirement)

    def _works_again(self, recording: Recording, fault: FaultRecord, at_ns: int) -> Verdict:
        # One that stays in to the end has to be lived with: what counts is the next operation under it.
        met, since = ("came", fault.injected_ns or at_ns) if fault.to_the_end else ("was healed", at_ns)
        following = [o for o in recording.operations if o.start_ns >= since and o.expect == "success"]
        about = f"the kit {'under' if fault.to_the_end else 'after'} {fault.name} ({fault.id})"
        if not following:
            return Verdict("unknown", about, "", f"no operation was run after {fault.name} {met}", "R89")
        first: Operation = min(following, key=lambda o: o.start_ns)
        if first.succeeded:
            return Verdict("pass", about, ended(first), f"{first.id}, the first operation after it, succeeded", "R89")
        why = f"{ended(first)}, the first operation after {fault.name} {met}; {last_line(first.output)}"
        return Verdict("fail", about, ended(first), why, "R89")
