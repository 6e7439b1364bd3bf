"""Damage a read-back shows on its own, whatever history it has: duplicates, torn payloads, refused writes, totals."""

from __future__ import annotations

import re
from collections import Counter

from harness.checkers.core.phrases import count, grouped
from harness.model import OUR_TOKEN, Observation
from harness.recording.ledger import Places, Writes, as_entries, as_writes
from harness.stats.arrays import np

# The system answered, and with an error: 502 and 504 are the front's, which had no answer of the service.
_ANSWERED = re.compile(r"HTTP 5(?!02|04)\d\d")


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


def wrong_totals(observation: Observation) -> list[str]:
    """Sentences about invariants that do not hold."""
    return [
        f"{name} is {observation.totals[name]:g}, not {expected:g}"
        for name, expected in observation.expected_totals.items()
        if name in observation.totals and observation.totals[name] != expected
    ]


def damage(observation: Observation) -> list[str]:
    """All of it, in sentences."""
    said: list[str] = []
    for tokens, what in (
        (duplicated(observation), "found more than once"),
        (torn(observation), "found with another payload than was sent"),
        (refused_and_found(observation), "refused and yet found"),
    ):
        if tokens:
            said.append(f"{count(len(tokens), 'write')} {what} (first: {tokens[0]})")
    return said + wrong_totals(observation)


def gaps(observation: Observation) -> list[str]:
    """What is missing for a judgement of the data."""
    said: list[str] = []
    unreported = [name for name in observation.expected_totals if name not in observation.totals]
    if unreported:
        said.append(f"the system did not report {', '.join(unreported)}")
    writes, positions = _looked_up(observation)
    unknown = np.flatnonzero((positions < 0) | (positions >= len(writes)))
    tokens = [(observation.found or ())[i].token for i in unknown.tolist()]
    # An attached system has met clients of ours in an earlier run.
    strangers = sum(1 for token in tokens if token not in observation.held_before and OUR_TOKEN.match(token))
    if strangers:
        said.append(f"{count(strangers, 'write')} of our own clients were found that no ledger holds")
    return said


def unreadable(observation: Observation) -> str:
    """Why the data could not be read, when the system itself said so; empty when it just did not answer."""
    return observation.error if _ANSWERED.search(observation.error) else ""


def numbers(observation: Observation, lost: int, gone: int) -> str:
    """The observation in numbers, for ``measured``; ``gone`` is what an earlier read-back had missed already."""
    writes = as_writes(observation.writes)
    indeterminate = len(writes.among(writes.ledger.ended("indeterminate")))
    known = len(writes.among(writes.ledger.ended("acknowledged") & (writes.ledger.end_ns < observation.start_ns)))
    if observation.found is None:
        return f"{observation.label}: {grouped(known)} acknowledged, and the data could not be read"
    before = f" ({grouped(gone)} gone before)" if gone else ""
    return (
        f"{observation.label}: {grouped(known)} acknowledged{before}, {grouped(len(observation.found))} found, "
        f"{grouped(lost)} lost, {grouped(indeterminate)} indeterminate"
    )
