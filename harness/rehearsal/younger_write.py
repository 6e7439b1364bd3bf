"""The write that comes between a backup and its restore, without which a restore that did nothing looks the same."""

from __future__ import annotations

from harness.config.schema import SystemConfig
from harness.host.clock import Deadline, wait_until
from harness.system.ledger_tail import FLUSH_EVERY_S, LedgerTail

# Where writes are rare: so many times their mean distance, since chance may let one come late; and no longer than this.
_DISTANCES = 5
_LONGEST_S = 15.0


class YoungerWrite:
    """Waits for one where writes are slow or rare; elsewhere one has come long before."""

    def __init__(self, config: SystemConfig, ledger: LedgerTail) -> None:
        self._ledger = ledger
        self._limit_s = _limit_s(config)

    def wait(self, taken_ns: int) -> None:
        """Until one that was sent after ``taken_ns`` (CLOCK_MONOTONIC) has been acknowledged, or none comes in time."""
        limit = Deadline(self._limit_s, "a write after the backup")
        wait_until(lambda: any(w.sent_ns > taken_ns for w in self._ledger.acknowledged()), limit, FLUSH_EVERY_S)


def _limit_s(config: SystemConfig) -> float:
    """0 where clients write nothing."""
    load = config.load
    writes = [r for r in load.requests if r.kind == "write"]
    if not writes:
        return 0.0
    slowest_s = max(w.deadline_s(config.service.deadline_ms) for w in writes)
    apart_s = _DISTANCES / load.write_rate if load.write_rate else _LONGEST_S
    return slowest_s + min(apart_s, _LONGEST_S)
