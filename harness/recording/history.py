"""Which writes the data owes at a moment: acknowledged ones, less what an earlier restore took away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.model import Observation, Operation, Write
from harness.recording.recording import Recording

# It makes the data anew: what was written before it is nobody's any more.
_FRESH_START = "seed"
# A sender with so many acknowledged writes, none of which was ever found, did not write to this system.
_NONE_OF = 10


@dataclass(frozen=True, slots=True)
class Owed:
    """``present`` must be there; ``gone`` was taken away by an earlier restore (or lost, and reported then) and must
    not come back; ``unclear`` cannot be told, for the restore before was never read back."""

    present: tuple[Write, ...]
    gone: tuple[Write, ...]
    unclear: int


def cause(observation: Observation) -> Operation | None:
    """The operation the read-back follows: the last one of that name (or id) that had ended when it began."""
    before = [o for o in observation.operations if o.stop_ns <= observation.start_ns]
    return next((o for o in reversed(before) if observation.cause in (o.name, o.id)), None)


def not_told(recording: Recording, operation: Operation) -> str:
    """Why an operation on a backup could not be told which, in words; empty when it was, or when there simply was none.
    Its failure then says nothing about the kit."""
    if not (operation.restores or operation.name == "validate") or operation.backup:
        return ""
    said = next((o.status_error for o in recording.observations if o.status_error), "")
    return f"it could not be told which backup: {said}" if said else ""


def is_restored(observation: Observation) -> bool:
    """Whether this read-back follows a restore that said it succeeded: the start of a new history."""
    operation = cause(observation)
    return operation is not None and operation.restores and operation.succeeded


def tokens(observation: Observation) -> frozenset[str]:
    return frozenset(f.token for f in observation.found or ())


def acknowledged(observation: Observation) -> tuple[Write, ...]:
    """Writes whose acknowledgement came before the read-back began, and from this system."""
    astray = strays(observation)
    return tuple(w for w in _answered(observation) if w.worker not in astray)


def strays(observation: Observation) -> Mapping[str, int]:
    """Our own senders of whose acknowledged writes (so many) none was ever found, while others' were: somebody else
    answered them, and what they were promised says nothing about the system."""
    answered = Counter(w.worker for w in _answered(observation))
    met: set[str] = set()
    for look in (observation, *observation.earlier):
        found = tokens(look)
        met |= {w.worker for w in _answered(observation) if w.worker not in met and w.token in found}
        if met == set(answered):
            return {}
    return {worker: n for worker, n in answered.items() if met and worker not in met and n >= _NONE_OF}


def _answered(observation: Observation) -> list[Write]:
    return [w for w in observation.writes if w.outcome == "acknowledged" and w.end_ns < observation.start_ns]


def owed(observation: Observation, at_ns: int) -> Owed:
    """What the data owed at ``at_ns``, as far as the ledger and the earlier read-backs tell."""
    done = [o for o in observation.operations if o.succeeded and o.stop_ns <= at_ns]
    restores = [o for o in observation.operations if o.succeeded and o.restores]
    last = max((o for o in restores if o.stop_ns <= at_ns), key=lambda o: o.stop_ns, default=None)
    epoch_ns = max((o.stop_ns for o in done if o.name == _FRESH_START), default=0)
    if last and last.stop_ns > epoch_ns:
        epoch_ns = 0  # a backup from before it brings that data back
    following_ns = min((o.start_ns for o in restores if o.start_ns >= at_ns), default=observation.stop_ns)
    since_ns = last.stop_ns if last else epoch_ns
    looks = [
        (e, tokens(e)) for e in observation.earlier if e.found is not None and since_ns <= e.start_ns < following_ns
    ]
    present: list[Write] = []
    gone: list[Write] = []
    unclear = 0
    for write in acknowledged(observation):
        if write.end_ns >= at_ns or write.sent_ns < epoch_ns:
            continue
        # Only a look before `at_ns`: what was lost later was still there then.
        if any(write.end_ns < e.start_ns <= at_ns and write.token not in found for e, found in looks):
            gone.append(write)
        elif last is not None and write.sent_ns <= last.stop_ns and not any(write.token in found for _, found in looks):
            unclear += 1
        else:
            present.append(write)
    return Owed(tuple(present), tuple(gone), unclear)
