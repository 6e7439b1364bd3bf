"""Which writes the data owes at a moment: acknowledged ones, less what an earlier restore took away."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar, cast

from harness.model import Observation, Operation
from harness.recording.events import DiskMounted
from harness.recording.failure_phrases import cannot_be_moved
from harness.recording.ledger import Ledger, Mask, Writes, as_entries, as_writes
from harness.recording.recording import Recording
from harness.stats.arrays import np

_T = TypeVar("_T")
# It makes the data anew: what was written before it is nobody's any more.
_FRESH_START = "seed"
# A sender with so many acknowledged writes, none of which was ever found, did not write to this system.
_NONE_OF = 10
# A checker that did not end in time may still be at it beside the next one.
_lock = threading.Lock()
_NEVER = 2**63 - 1
# Stretches between restores of which it is kept what the read-backs told; checkers go through a run in its order.
_STRETCHES_KEPT = 6


@dataclass(frozen=True, slots=True)
class Owed:
    """``present`` must be there; ``gone`` was taken away by an earlier restore (or lost, and reported then) and must
    not come back; of ``unclear`` it cannot be told, for the restore before was not read back since they were answered:
    what of it is there is well, and what is not may have been taken away."""

    present: Writes
    gone: Writes
    unclear: Writes


def cause(observation: Observation) -> Operation | None:
    """The operation the read-back follows: the last one of that name (or id) that had ended when it began."""
    return next(
        (
            o
            for o in reversed(observation.operations)
            if observation.cause in (o.name, o.id) and o.stop_ns <= observation.start_ns
        ),
        None,
    )


def not_told(recording: Recording, operation: Operation) -> str:
    """Why an operation on a backup could not be told which, in words; empty when it was, or when there simply was none.
    Its failure then says nothing about the kit."""
    if not (operation.restores or operation.name == "validate") or operation.backup:
        return ""
    said = next((o.status_error for o in recording.observations if o.status_error), "")
    return f"it could not be told which backup: {said}" if said else ""


def mount_met(recording: Recording, operation: Operation) -> str:
    """The place of a disk that the harness mounted, if the operation failed because nobody can rename or remove it."""
    if operation.succeeded:
        return ""
    places = (event.path for event in recording.of(DiskMounted) if event.path)
    return next((p for p in places if cannot_be_moved(operation.output, PurePath(p).name)), "")


def excused(recording: Recording, operation: Operation) -> str:
    """Why the failure of an operation says nothing about the kit, in words; empty where it does."""
    if place := mount_met(recording, operation):
        return f"the harness has a disk mounted at {place}, which cannot be renamed"
    return not_told(recording, operation)


def is_restored(observation: Observation) -> bool:
    """Whether this read-back follows a restore that said it succeeded: the start of a new history."""
    operation = cause(observation)
    return operation is not None and operation.restores and operation.succeeded


def missing(observation: Observation, writes: Writes) -> Writes:
    """Those of the writes that this read-back did not find."""
    return writes.where(~_found_of(observation, writes))


def returned(observation: Observation, writes: Writes) -> Writes:
    """Those of the writes that this read-back found."""
    return writes.where(_found_of(observation, writes))


def _found_of(observation: Observation, writes: Writes) -> Mask:
    ledger = writes.ledger
    return ledger.mask(as_entries(observation.found or ()).positions(ledger))[writes.at]


def acknowledged(observation: Observation) -> Writes:
    """Writes whose acknowledgement came before the read-back began, and from this system."""
    return _acknowledged(observation, as_writes(observation.writes))


def _acknowledged(observation: Observation, writes: Writes) -> Writes:
    return _once(observation, writes.ledger, acknowledged, lambda: _from_this_system(observation, writes))


def _from_this_system(observation: Observation, writes: Writes) -> Writes:
    astray = _strays(observation, writes)
    answered = _answered(observation, writes)
    if not astray:
        return answered
    names, senders = writes.ledger.senders
    return answered.among(~np.isin(senders, [names.index(name) for name in astray]))


def strays(observation: Observation) -> Mapping[str, int]:
    """Our own senders of whose acknowledged writes (so many) none was ever found, while others' were: somebody else
    answered them, and what they were promised says nothing about the system."""
    return _strays(observation, as_writes(observation.writes))


def _strays(observation: Observation, writes: Writes) -> Mapping[str, int]:
    names, senders = writes.ledger.senders
    answered = _answered(observation, writes)
    times = np.bincount(senders[answered.at], minlength=len(names))
    seen = _Looks.of(writes.ledger, "run", [*observation.earlier, observation])
    met = np.zeros(len(names), np.bool_)
    met[senders[answered.among(seen.first_found_ns <= observation.start_ns).at]] = True
    if not met.any() or met[times > 0].all():
        return {}
    in_order = dict.fromkeys(senders[answered.at].tolist())
    return {names[i]: int(times[i]) for i in in_order if not met[i] and times[i] >= _NONE_OF}


def _answered(observation: Observation, writes: Writes) -> Writes:
    return writes.where(writes.ledger.ended("acknowledged")[writes.at] & (writes.end_ns < observation.start_ns))


class _Looks:
    """When each write of a ledger was first found, and first missed though it had been answered, by some read-backs one
    after the other; never is `_NEVER`. More of them may be added: what an earlier one told stays as it is."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._taken: list[Observation] = []
        self.first_found_ns = np.full(len(ledger), _NEVER)
        self.first_missed_ns = np.full(len(ledger), _NEVER)

    @classmethod
    def of(cls, ledger: Ledger, which: object, looks: list[Observation]) -> _Looks:
        """Of these read-backs, or of more that began later; ``which`` names the stretch of the run they are of."""
        with _lock:
            kept: OrderedDict[object, _Looks] = ledger.kept.setdefault(_Looks, OrderedDict())
            told = kept.get(which)
            if told is None or told._taken[: len(looks)] != looks[: len(told._taken)]:
                told = kept[which] = cls(ledger)
            for look in looks[len(told._taken) :]:
                told._take(look)
            kept.move_to_end(which)
            if len(kept) > _STRETCHES_KEPT:
                kept.popitem(last=False)
        return told

    def _take(self, look: Observation) -> None:
        found = self._ledger.mask(as_entries(look.found or ()).positions(self._ledger))
        missed = ~found & (self._ledger.end_ns < look.start_ns)
        self.first_found_ns[found & (self.first_found_ns == _NEVER)] = look.start_ns
        self.first_missed_ns[missed & (self.first_missed_ns == _NEVER)] = look.start_ns
        self._taken.append(look)


def _once(observation: Observation, ledger: Ledger, key: object, answer: Callable[[], _T]) -> _T:
    """The answer to a question about one read-back. Kept until another is asked about: checkers take one at a time, and
    ask several times."""
    about, answers = ledger.kept.get(_once, (None, {}))
    if about is not observation:
        answers = {}
        ledger.kept[_once] = (observation, answers)
    if key not in answers:
        answers[key] = answer()
    return cast("_T", answers[key])


def owed(observation: Observation, at_ns: int) -> Owed:
    """What the data owed at ``at_ns``, as far as the ledger and the earlier read-backs tell."""
    writes = as_writes(observation.writes)
    return _once(observation, writes.ledger, at_ns, lambda: _owed(observation, writes, at_ns))


def _owed(observation: Observation, writes: Writes, at_ns: int) -> Owed:
    done = [o for o in observation.operations if o.succeeded]
    restores = [o for o in done if o.restores]
    last = max((o for o in restores if o.stop_ns <= at_ns), key=lambda o: o.stop_ns, default=None)
    epoch_ns = max((o.stop_ns for o in done if o.name == _FRESH_START and o.stop_ns <= at_ns), default=0)
    if last and last.stop_ns > epoch_ns:
        epoch_ns = 0  # a backup from before it brings that data back
    following_ns = min((o.start_ns for o in restores if o.start_ns >= at_ns), default=observation.stop_ns)
    since_ns = last.stop_ns if last else epoch_ns
    looks = [e for e in observation.earlier if e.found is not None and since_ns <= e.start_ns < following_ns]
    asked = _acknowledged(observation, writes)
    asked = asked.where((asked.end_ns < at_ns) & (asked.sent_ns >= epoch_ns))
    if not looks:
        unclear = asked.sent_ns <= last.stop_ns if last else np.zeros(len(asked), np.bool_)
        return Owed(asked.where(~unclear), asked.where(np.zeros(len(asked), np.bool_)), asked.where(unclear))
    told, latest_ns = _Looks.of(writes.ledger, since_ns, looks), max(e.start_ns for e in looks)
    # Only a look before `at_ns`: what was lost later was still there then.
    gone = told.first_missed_ns[asked.at] <= min(at_ns, latest_ns)
    unclear = ~gone & (told.first_found_ns[asked.at] > latest_ns)
    unclear &= asked.sent_ns <= (last.stop_ns if last else -1)
    return Owed(asked.where(~gone & ~unclear), asked.where(gone), asked.where(unclear))
