"""Damage a read-back shows on its own, whatever history it has: duplicates, torn payloads, refused writes, totals."""

from __future__ import annotations

from collections import Counter

from harness.checkers.core.codes import MOST_EXAMPLES, Details
from harness.checkers.data.data_codes import (
    Duplicated,
    Lags,
    RefusedFound,
    Torn,
    TotalsMissing,
    TotalWrong,
    UnknownWrites,
)
from harness.model import OUR_TOKEN, Observation
from harness.recording.history import missing
from harness.recording.ledger import Places, Writes, as_entries, as_writes
from harness.stats.arrays import np


def duplicated(observation: Observation) -> list[str]:
    found = observation.found or ()
    positions = _looked_up(observation)[1]
    known = positions[positions >= 0]
    unknown = {found[i].token for i in np.flatnonzero(positions < 0).tolist()}
    if len(known) + len(unknown) == len(found) and np.bincount(known).max(initial=0) <= 1:
        return []
    times = Counter(f.token for f in found if f.token not in observation.held_before)
    return [token for token, n in times.items() if n > 1]


def torn(observation: Observation) -> list[str]:
    """Tokens of the ledger found with another payload than was sent."""
    writes, found = as_writes(observation.writes), as_entries(observation.found or ())
    positions = found.positions(writes.ledger)
    return [found[i].token for i in found.torn(writes.ledger).tolist() if positions[i] < len(writes)]


def refused_and_found(observation: Observation) -> list[str]:
    writes, positions = _looked_up(observation)
    known = np.flatnonzero((positions >= 0) & (positions < len(writes)))
    refused = known[writes.ledger.ended("refused")[positions[known]]]
    return [(observation.found or ())[i].token for i in refused.tolist()]


def _looked_up(observation: Observation) -> tuple[Writes, Places]:
    """The ledger up to the read-back, and for each entry found its position there; -1 where the ledger does not know
    it, one beyond those writes where it was sent later."""
    writes = as_writes(observation.writes)
    return writes, as_entries(observation.found or ()).positions(writes.ledger)


def damage(observation: Observation) -> list[Details]:
    """All of it, a finding a kind."""
    found: list[Details] = []
    for tokens, kind in (
        (duplicated(observation), Duplicated),
        (torn(observation), Torn),
        (refused_and_found(observation), RefusedFound),
    ):
        if tokens:
            found.append(kind(len(tokens), tokens[:MOST_EXAMPLES]))
    totals, counted = observation.totals, observation.totals_with_writes
    unseen = _unseen(observation) if counted else 0
    return found + [
        TotalWrong(name, float(totals[name]), float(expected))
        for name, expected in observation.expected_totals.items()
        if name in totals and not expected <= totals[name] <= expected + unseen * (name in counted)
    ]


def _unseen(observation: Observation) -> int:
    """So many writes since the last restore were not found, and may be there: the load went on, and a list may lag."""
    writes = as_writes(observation.writes)
    restores = (o for o in observation.operations if o.restores and o.stop_ns <= observation.start_ns)
    since_ns = max((o.start_ns for o in restores), default=0)
    ended = writes.ledger.ended
    perhaps = (writes.end_ns >= since_ns) | ended("indeterminate")[writes.at]
    return len(missing(observation, writes.where(perhaps & ~ended("refused")[writes.at])))


def gaps(observation: Observation) -> list[Details]:
    """What is missing for a judgement of the data."""
    found: list[Details] = []
    if observation.lag_s and not observation.settle_s and observation.crash is None:
        found.append(Lags(observation.lag_s))
    if unreported := [name for name in observation.expected_totals if name not in observation.totals]:
        found.append(TotalsMissing(unreported))
    writes, positions = _looked_up(observation)
    unknown = np.flatnonzero((positions < 0) | (positions >= len(writes)))
    tokens = [(observation.found or ())[i].token for i in unknown.tolist()]
    # An attached system has met clients of ours in an earlier run.
    strangers = [token for token in tokens if token not in observation.held_before and OUR_TOKEN.match(token)]
    if strangers:
        found.append(UnknownWrites(len(strangers), strangers[:MOST_EXAMPLES]))
    return found


def is_unreadable(observation: Observation) -> bool:
    """Whether the service itself answered that the data cannot be read; 502 and 504 are the front's, which had no
    answer of the service."""
    return 500 <= observation.error_status <= 599 and observation.error_status not in (502, 504)


def indeterminate(observation: Observation) -> int:
    """Writes of which the client does not know whether they were carried out."""
    writes = as_writes(observation.writes)
    return len(writes.among(writes.ledger.ended("indeterminate")))


def first_tokens(writes: Writes) -> list[str]:
    """Those that a finding names."""
    return [w.token for w in writes[:MOST_EXAMPLES]]
