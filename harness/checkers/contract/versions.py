"""The contract of deploy and rollback: there and back, by what /version says, and no acknowledged write gone."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.contract.line import Line, is_missing, look_after, not_provided, not_tried, run_of
from harness.checkers.core.codes import outcome_of
from harness.checkers.core.phrases import ended, last_line
from harness.checkers.core.sentences import sentence_of
from harness.checkers.data.acknowledged_writes import judge_kept
from harness.checkers.data.restore_exact import judge_restored
from harness.model import Operation
from harness.recording.events import Recovered, SystemUp
from harness.recording.recording import Recording

_EXIT = "exit 0 only when the version it was asked for answers, and not before"


_LOST = {
    "deploy": "a write is acknowledged once it is stored, so that it outlives the service that took it",
    "rollback": "a roll-back keeps the data; one that restores a backup says restores = true",
}


def deploy(recording: Recording) -> Iterator[Line]:
    yield from _moved(recording, "deploy")
    yield from _kept(recording, "deploy")


def rollback(recording: Recording) -> Iterator[Line]:
    yield from _moved(recording, "rollback")
    yield from _kept(recording, "rollback")


def _kept(recording: Recording, name: str) -> Iterator[Line]:
    """What is missing after it; that nothing is, is no line of its own."""
    for done in (o for o in run_of(recording, name) if o.succeeded):
        look = look_after(recording, done)
        if look is None or look.found is None:
            continue  # `load.read_back` says why
        answers = judge_restored(look) if done.restores else judge_kept(look)
        outcome, why = outcome_of(answers), sentence_of(answers)
        if outcome == "fail":
            yield Line("wrong", name, why, _LOST[name])
        elif outcome == "unknown":
            yield Line("not seen", name, why)


def _moved(recording: Recording, name: str) -> Iterator[Line]:
    if is_missing(recording, name):
        yield not_provided(name)
        return
    runs = run_of(recording, name)
    if not runs:
        yield not_tried(name)
        return
    done = runs[0]
    if not done.succeeded:
        yield Line("wrong", name, f"{ended(done)}; {last_line(done.output)}", _why_not(done))
        return
    wanted, said = done.version_wanted, done.version_at_exit
    before = _version_before(recording, done)
    if said == wanted and before == wanted:
        hint = "[versions] old and new have to be two, and service.version has to tell them apart"
        why = f"{ended(done)}, and /version said {wanted!r} before it already: nothing shows that it did anything"
        # A roll-back from a deployment that failed has nothing to do.
        yield Line("wrong" if name == "deploy" else "not seen", name, why, hint)
    elif said == wanted:
        yield Line("ok", name, f"{ended(done)}; /version went from {before!r} to {said!r}")
    elif not said:
        yield Line("not seen", name, f"{ended(done)}, and /version did not answer then", _EXIT)
    else:
        late_s = done.version_after_s
        when = "and never said so" if late_s is None else f"and said so {late_s:.2f} s later"
        yield Line("wrong", name, f"{ended(done)} while /version said {said!r}, not {wanted!r}, {when}", _EXIT)


def _version_before(recording: Recording, operation: Operation) -> str:
    """What served when it began, by the last look before it."""
    looks = [(o.start_ns, o.version) for o in recording.observations if o.stop_ns <= operation.start_ns]
    looks += [(e.t, e.version) for e in recording.of(Recovered) if e.t <= operation.start_ns]
    looks += [(e.t, e.version) for e in recording.of(SystemUp)]
    return max(looks, default=(0, ""))[1]


def _why_not(operation: Operation) -> str:
    if operation.exit is None:
        where = f" (it hung in {operation.blocked_on})" if operation.blocked_on else ""
        return f"operations.{operation.name}.deadline_s is how long it may take{where}"
    return f"see operations/{operation.id}.out in the folder of the run"
