"""After a power cut the system starts by its own means with every acknowledged write, and a backup can be restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from harness.checkers.core.phrases import count, ended, last_line
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.restore_exact import RestoreExact, snapshot
from harness.model import CrashState, Observation, Operation, Outcome, Verdict
from harness.recording.events import PowerAsked, PowerBroken, PowerPlanned, PowerUnsound
from harness.recording.history import acknowledged
from harness.recording.recording import Recording

_Finding = tuple[Outcome, str]


@dataclass(frozen=True, slots=True)
class PowerLoss:
    """One verdict for each crash state; a run without power cuts has none here.

    A state whose file system cannot be mounted is unknown, as is everything when the system cannot even be started
    from the control: the disk as it was, whole and flushed, before anything happened.
    """

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "power_loss"
    requirement: ClassVar[str] = "R92"

    def check(self, recording: Recording) -> list[Verdict]:
        planned = next(recording.of(PowerPlanned), None)
        asked = next(recording.of(PowerAsked), None)
        if asked is None and planned is None:
            return []
        unsound = next((e.why for e in recording.of(PowerUnsound)), "")
        if unsound:
            return [Verdict("unknown", "power loss", "0 states", unsound, self.requirement)]
        if planned is None or not planned.states:
            why = "no power was cut: no block write was seen where it was to be"
            return [Verdict("unknown", "power loss", "0 states", why, self.requirement)]
        looks = [o for o in recording.observations if o.crash is not None]
        broken = {e.label: e.why for e in recording.of(PowerBroken)}
        control = self._control([o for o in looks if o.label == "control"], broken)
        verdicts = [] if control.outcome == "pass" else [control]
        for label in planned.states:
            of_state = [o for o in looks if o.crash is not None and o.crash.label == label]
            verdict = self._state(label, of_state, broken.get(label, ""))
            if control.outcome != "pass" and verdict.outcome != "unknown":
                why = f"not judged, for the control failed; seen was: {verdict.why}"
                verdict = replace(verdict, outcome="unknown", why=why)
            verdicts.append(verdict)
        if len(planned.cuts) < planned.asked:
            why = f"only {len(planned.cuts)} of {planned.asked} cuts found a block write to be made at"
            verdicts.append(Verdict("unknown", "power cuts", "", why, self.requirement))
        return verdicts

    def _control(self, looks: Sequence[Observation], broken: dict[str, str]) -> Verdict:
        about = "power loss, control: the disk before any cut, whole"
        if not looks or "control" in broken:
            why = f"it was not started: {broken.get('control', 'it is missing from the recording')}"
            return Verdict("unknown", about, "", why, self.requirement)
        outcome, why = _live(looks[0])
        if outcome == "pass":
            return Verdict("pass", about, "", why, self.requirement)
        return Verdict("unknown", about, "", f"the system cannot be started here: {why}", self.requirement)

    def _state(self, label: str, looks: Sequence[Observation], broken: str) -> Verdict:
        about = f"power loss, {label}"
        if not looks or looks[0].crash is None:
            return Verdict("unknown", about, "", "it is missing from the recording", self.requirement)
        first, crash = looks[0], looks[0].crash
        about += f": cut in {crash.during}"
        measured = f"{crash.kept}; {count(len(acknowledged(first)), 'write')} acknowledged before the cut"
        if crash.hit:
            measured += f"; it hit {crash.hit}"
        if crash.mount_error:
            why = f"its file system cannot be mounted ({crash.mount_error}): that says nothing about the system"
            return Verdict("unknown", about, measured, why, self.requirement)
        if broken:
            return Verdict("unknown", about, measured, f"it could not be examined: {broken}", self.requirement)
        live, back = _live(first), _way_back(first, looks[1] if len(looks) > 1 else None)
        if live[0] == "fail" and back[0] == "fail":
            why = f"no way back after power loss: {live[1]}; {back[1]}"
            return Verdict("fail", about, measured, why, "R93")
        said = f"{live[1]}; {back[1]}"
        if back[0] == "fail":
            return Verdict("fail", about, measured, said, "R93")
        if live[0] == "fail":
            return Verdict("fail", about, measured, said, self.requirement)
        again = _again(looks[-1])
        if again is not None and not again.succeeded:
            why = f"{again.name} does not work any more: {ended(again)}; {last_line(again.output)}; {said}"
            return Verdict("fail", about, measured, why, "R26" if again.name == "deploy" else self.requirement)
        outcome: Outcome = "unknown" if "unknown" in (live[0], back[0]) else "pass"
        said += f"; {again.name} works again" if again else ""
        return Verdict(outcome, about, measured, said, self.requirement)


def _live(look: Observation) -> _Finding:
    """What became of the live data."""
    crash = look.crash
    assert crash is not None, "not a crash state"
    if crash.start_error:
        return "fail", f"the service does not start by its own means: {crash.start_error}"
    within = _cut_restore(look)
    if within is None:
        return AcknowledgedWrites().judged(look)
    if within.succeeded:  # it had ended before the cut
        return _restored(replace(look, cause=within.id))
    # A restore that was cut off (or failed) has happened or has not, and nothing between.
    old = AcknowledgedWrites().judged(look)
    if old[0] == "pass":
        return "pass", f"{old[1]} (as if {within.id} had not begun)"
    ended_then = replace(within, exit=0, stop_ns=crash.at_ns)
    operations = tuple(ended_then if o.id == within.id else o for o in look.operations)
    new = _restored(replace(look, operations=operations, cause=within.id))
    if new[0] == "pass":
        return "pass", f"{new[1]} (as if {within.id} had been done)"
    if "unknown" in (old[0], new[0]):
        return "unknown", f"it cannot be told whether {within.id} was done: {old[1]}; {new[1]}"
    return "fail", f"neither as before {within.id} ({old[1]}) nor as after it ({new[1]})"


def _cut_restore(look: Observation) -> Operation | None:
    crash: CrashState | None = look.crash
    return next((o for o in look.operations if crash and o.id == crash.operation and o.restores), None)


def _again(look: Observation) -> Operation | None:
    """The operation the cut fell into, tried once more after all else."""
    return next((o for o in look.operations if o.again), None)


def _restored(look: Observation) -> _Finding:
    """RestoreExact; that nothing was there to be taken away is no gap here: the backup itself is what is asked for."""
    outcome, why = RestoreExact().judged(look)
    if outcome == "unknown" and look.found is not None and why.startswith("nothing was written between"):
        return "pass", f"{snapshot(look)}; nothing had been written since"
    return outcome, why


def _way_back(first: Observation, after: Observation | None) -> _Finding:
    """Whether what ``status`` calls the latest backup can really be restored, read back exactly."""
    if first.status_error:
        known = "declares no" in first.status_error
        return "unknown" if known else "fail", f"it is not known which backup there is: {first.status_error}"
    made = [o for o in first.operations if o.name == "backup" and o.succeeded]
    name = Path(first.latest).name
    if not first.latest:
        if made:
            return "fail", f"no backup is eligible, though {made[-1].id} had succeeded before the cut"
        return "unknown", "there was no backup yet to go back to"
    tried = [o for o in after.operations if o.name == "restore" and o.start_ns > first.start_ns] if after else []
    restore = tried[0] if tried else None
    if after is None or restore is None:
        return "unknown", f"{name} was not restored"
    if not restore.succeeded:
        return "fail", f"the latest backup, {name}, cannot be restored: {ended(restore)}; {last_line(restore.output)}"
    outcome, why = _restored(after)
    if outcome == "pass":
        return "pass", f"the latest backup, {name}, restored: {why}"
    return outcome, f"the latest backup, {name}, was restored: {why}"
