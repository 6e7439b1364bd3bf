"""How long a read-back is asked again for writes that have not shown up yet, as of a replica or an index that lags."""

from __future__ import annotations

from collections.abc import Sequence

from harness.host.clock import mono_ns, sleep
from harness.model import NS
from harness.system.ledger_tail import LedgerTail, Told
from harness.system.read_pages import ReadBack

_PAUSE_S = 0.2
# Where system.toml does not say whether reads lag, what is missing and newer than all else is waited for so long.
_UNSAID_S = 5.0


class Settling:
    """``again`` is asked after each read-back. ``settle_s``: 0 where nothing is said."""

    def __init__(self, ledger: LedgerTail, settle_s: float) -> None:
        self._taken_back: list[tuple[int, int]] = []
        self._ledger = ledger
        self._settle_s = settle_s

    def restored(self, since_ns: int) -> None:
        """A restore has just ended: what was under way from ``since_ns`` (CLOCK_MONOTONIC) to now may be gone by
        right."""
        self._taken_back.append((since_ns, mono_ns()))

    def again(self, back: ReadBack, began_ns: int) -> bool:
        """Whether to read back once more; waits a little then."""
        if back.found is None or mono_ns() - began_ns > (self._settle_s or _UNSAID_S) * NS:
            return False
        there = {token for token, _ in back.found}
        owed = [w for w in self._ledger.acknowledged() if w.end_ns < began_ns and not self._may_be_gone(w)]
        missing = [w for w in owed if w.token not in there]
        if not missing or not (self._settle_s or _are_the_newest(missing, owed)):
            return False
        sleep(_PAUSE_S)
        return True

    def _may_be_gone(self, write: Told) -> bool:
        return any(since_ns <= write.end_ns and write.sent_ns <= to_ns for since_ns, to_ns in self._taken_back)


def _are_the_newest(missing: Sequence[Told], owed: Sequence[Told]) -> bool:
    """Whether nothing that was found was written after one that is missing had been acknowledged, and something was
    found at all."""
    names = {w.token for w in missing}
    found_ns = max((w.sent_ns for w in owed if w.token not in names), default=0)
    return 0 < found_ns < min(w.end_ns for w in missing)
