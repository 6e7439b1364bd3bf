"""A read-back is asked again for what was acknowledged and is not there yet, and for nothing a restore took away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.host.clock import mono_ns
from harness.rehearsal.settling import Settling
from harness.system.ledger_tail import LedgerTail
from harness.system.read_pages import ReadBack
from tests.unit.purity import SteppedClock

_MS = 1_000_000


@pytest.fixture
def again(tmp_path: Path, clock: SteppedClock) -> Callable[..., bool]:
    """Whether a read-back is asked again that found these of the writes 0 to 9, 10 ms apart; a restore took back what
    was written since ``since``."""
    first_ns = mono_ns() - 1000 * _MS
    (tmp_path / "ledger").mkdir()
    with (tmp_path / "ledger" / "load-1.jsonl").open("w") as ledger:
        for n in range(10):
            sent_ns = first_ns + 10 * n * _MS
            line = {"token": f"t-{n}", "payload": "p", "sent_ns": sent_ns, "end_ns": sent_ns + _MS}
            ledger.write(json.dumps({**line, "outcome": "acknowledged"}) + "\n")

    def asked(*found: int, settle_s: float = 3.0, since: int | None = None, waited_s: float = 0.0) -> bool:
        those = Settling(LedgerTail(tmp_path), settle_s)
        if since is not None:
            those.restored(first_ns + 10 * since * _MS)
        back = ReadBack(tuple((f"t-{n}", "p") for n in found), {}, "")
        return those.again(back, mono_ns() - int(waited_s * 1000) * _MS)

    return asked


def test_with_the_key_whatever_is_missing_is_waited_for(again: Callable[..., bool]) -> None:
    assert again(*range(9))
    assert again(0, 1, 2, 4, 5, 6, 7, 8, 9)
    assert not again(*range(10))
    assert not again(*range(9), waited_s=3.1)


def test_without_it_only_the_newest_are(again: Callable[..., bool]) -> None:
    assert again(*range(8), settle_s=0.0)
    assert not again(0, 1, 2, 4, 5, 6, 7, 8, 9, settle_s=0.0)
    assert not again(settle_s=0.0)  # nothing at all was found: that is no lag


def test_what_a_restore_may_have_taken_away_is_not_waited_for(again: Callable[..., bool]) -> None:
    assert not again(0, 1, 2, since=3)
    assert again(0, 1, since=3)  # older than its backup, which an index may show late
