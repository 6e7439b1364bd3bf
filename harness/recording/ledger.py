"""The ledger of all clients as columns, which every read-back of a run shares, and what of it a read-back found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, ne
from typing import TYPE_CHECKING, Any, TypeAlias, get_args, overload

from harness.model import Found, LedgerOutcome, Write
from harness.stats.arrays import np

if TYPE_CHECKING:
    import numpy.typing as npt

Mask: TypeAlias = "npt.NDArray[np.bool_]"
Positions: TypeAlias = "npt.NDArray[np.int64]"
Times: TypeAlias = "npt.NDArray[np.int64]"
Places: TypeAlias = "npt.NDArray[np.int32]"  # positions of what was found, of which there may be millions


class Ledger:
    """All writes of a run by the time they were sent (CLOCK_MONOTONIC ns), each known by its position.

    ``tokens``: token -> position, that of the last one where a token is there twice. ``kept`` is for who reads it:
    what was worked out once for all read-backs.
    """

    def __init__(self, writes: Sequence[Write], like: Ledger | None = None) -> None:
        """``like``: one that begins with the same tokens, each of which it holds once; its table is shared."""
        self.rows = writes
        shared = like.tokens if like is not None and like.all_differ else None
        self.tokens: dict[str, int] = _Known((w.token, i) for i, w in enumerate(writes)) if shared is None else shared
        self.all_differ: bool = shared is not None or len(self.tokens) == len(writes)
        self.kept: dict[Any, Any] = {}

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def every(self) -> Positions:
        return np.arange(len(self.rows))

    @cached_property
    def payloads(self) -> list[str]:
        return [w.payload for w in self.rows]

    @cached_property
    def sent_ns(self) -> Times:
        return np.array([w.sent_ns for w in self.rows], np.int64)

    @cached_property
    def end_ns(self) -> Times:
        return np.array([w.end_ns for w in self.rows], np.int64)

    @cached_property
    def _outcomes(self) -> dict[str, Mask]:
        outcomes = np.array([w.outcome for w in self.rows], "U16")
        return {outcome: outcomes == outcome for outcome in get_args(LedgerOutcome)}

    def ended(self, outcome: LedgerOutcome) -> Mask:
        return self._outcomes[outcome]

    @cached_property
    def senders(self) -> tuple[list[str], Positions]:
        """The names of those who sent, and for each write which of them did."""
        names = {name: i for i, name in enumerate(dict.fromkeys(w.worker for w in self.rows))}
        return list(names), np.array([names[w.worker] for w in self.rows], np.int64)

    @cached_property
    def _twins(self) -> Positions | None:
        """For each write the position its token has; None where that is its own."""
        if self.all_differ:
            return None
        return np.array([self.tokens[w.token] for w in self.rows], np.int64)

    def mask(self, positions: Positions | Places) -> Mask:
        """Whether each write is among these; those of later writes than are here count for none."""
        found = np.zeros(len(self.rows), np.bool_)
        found[positions[(positions >= 0) & (positions < len(self.rows))]] = True
        return found if self._twins is None else found[self._twins]


@dataclass(frozen=True, slots=True, eq=False)
class Writes(Sequence[Write]):
    """Some writes of a ledger, in its order: those at the positions ``at``."""

    ledger: Ledger
    at: Positions

    @property
    def sent_ns(self) -> Times:
        return self.ledger.sent_ns[self.at]

    @property
    def end_ns(self) -> Times:
        return self.ledger.end_ns[self.at]

    def where(self, mask: Mask) -> Writes:
        """Those of them for which ``mask``, one value each, holds."""
        return Writes(self.ledger, self.at[mask])

    def among(self, mask: Mask) -> Writes:
        """Those of them for which ``mask``, one value for each write of the ledger, holds."""
        return Writes(self.ledger, self.at[mask[self.at]])

    def __len__(self) -> int:
        return len(self.at)

    @overload
    def __getitem__(self, index: int) -> Write: ...

    @overload
    def __getitem__(self, index: slice) -> Writes: ...

    def __getitem__(self, index: int | slice) -> Write | Writes:
        if isinstance(index, slice):
            return Writes(self.ledger, self.at[index])
        return self.ledger.rows[int(self.at[index])]

    def __iter__(self) -> Iterator[Write]:
        rows = self.ledger.rows
        return (rows[i] for i in self.at.tolist())


_token, _payload = attrgetter("token"), attrgetter("payload")


class _Known(dict[str, int]):
    """Token -> its position; -1 for any other."""

    def __missing__(self, token: str) -> int:
        return -1


class Entries(tuple[Found, ...]):
    """What a read-back found; what its tokens are in a ledger is looked up once."""

    _met: tuple[dict[str, int], Places] | None = None
    _torn: tuple[Ledger, Positions] | None = None

    def positions(self, ledger: Ledger) -> Places:
        """Of each entry; -1 where the ledger does not know the token."""
        if self._met is None or self._met[0] is not ledger.tokens:
            at = map(ledger.tokens.__getitem__, map(_token, self))  # without a step of Python's own for each: millions
            self._met = (ledger.tokens, np.fromiter(at, np.int32, len(self)))
        return self._met[1]

    def torn(self, ledger: Ledger) -> Positions:
        """Which of the entries have another payload than the write has; none where entries show no payload."""
        if self and self[0].payload is None:
            return np.zeros(0, np.int64)
        if self._torn is None or self._torn[0] is not ledger:
            positions = self.positions(ledger)
            known = np.flatnonzero((positions >= 0) & (positions < len(ledger)))
            sent = map(ledger.payloads.__getitem__, positions[known].tolist())
            found = map(_payload, self if len(known) == len(self) else (self[i] for i in known.tolist()))
            self._torn = (ledger, known[np.fromiter(map(ne, sent, found), np.bool_, len(known))])
        return self._torn[1]


def upto(ledger: Ledger, ns: int) -> Writes:
    """The writes that had been sent by then."""
    return Writes(ledger, ledger.every[: int(np.searchsorted(ledger.sent_ns, ns, side="right"))])


def as_writes(writes: Iterable[Write]) -> Writes:
    """Any writes as those of a ledger; what is one already stays as it is."""
    if isinstance(writes, Writes):
        return writes
    rows = tuple(writes)
    ledger = Ledger(rows)
    return Writes(ledger, ledger.every)


def as_entries(found: Iterable[Found]) -> Entries:
    return found if isinstance(found, Entries) else Entries(found)
