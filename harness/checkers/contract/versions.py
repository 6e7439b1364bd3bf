"""The contract of deploy and rollback: there and back, by what /version says, and no acknowledged write gone."""

from __future__ import annotations

from collections.abc import Iterator

from harness.checkers.contract import codes
from harness.checkers.contract.tried import Answer, failed, is_missing, look_after, run_of
from harness.checkers.core.codes import end_of, outcome_of
from harness.checkers.data.acknowledged_writes import judge_kept
from harness.checkers.data.restore_exact import judge_restored
from harness.model import Operation
from harness.recording.events import Recovered, SystemUp
from harness.recording.recording import Recording


def deploy(recording: Recording) -> Iterator[Answer]:
    yield from _moved(recording, "deploy")
    yield from _kept(recording, "deploy")


def rollback(recording: Recording) -> Iterator[Answer]:
    yield from _moved(recording, "rollback")
    yield from _kept(recording, "rollback")


def _kept(recording: Recording, name: str) -> Iterator[Answer]:
    """What is missing after it; that nothing is, is no answer of its own."""
    for done in (o for o in run_of(recording, name) if o.succeeded):
        look = look_after(recording, done)
        if look is None or look.found is None:
            continue  # `load.read_back` says why
        answers = judge_restored(look) if done.restores else judge_kept(look)
        yield from ((name, details) for details in answers if outcome_of([details]) != "pass")


def _moved(recording: Recording, name: str) -> Iterator[Answer]:
    if is_missing(recording, name):
        yield name, codes.NotProvided(name)
        return
    runs = run_of(recording, name)
    if not runs:
        yield name, codes.NotTried()
        return
    done, end = runs[0], end_of(runs[0])
    if not done.succeeded:
        yield name, failed(recording, done)
        return
    wanted, told = done.version_wanted, done.version_at_exit
    before = _version_before(recording, done)
    if told == wanted and before == wanted:
        # A roll-back from a deployment that failed has nothing to do.
        yield name, codes.NothingMoved(end, wanted) if name == "deploy" else codes.NothingToMoveBack(end, wanted)
    elif told == wanted:
        yield name, codes.VersionMoved(end, before, told)
    elif not told:
        yield name, codes.VersionSilent(end)
    else:
        yield name, codes.VersionLate(end, told, wanted, done.version_after_s)


def _version_before(recording: Recording, operation: Operation) -> str:
    """What served when it began, by the last look before it."""
    looks = [(o.start_ns, o.version) for o in recording.observations if o.stop_ns <= operation.start_ns]
    looks += [(e.t, e.version) for e in recording.of(Recovered) if e.t <= operation.start_ns]
    looks += [(e.t, e.version) for e in recording.of(SystemUp)]
    return max(looks, default=(0, ""))[1]
