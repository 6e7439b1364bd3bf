"""How long a restore waits for a write that came after its backup."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.schema import RequestTemplate
from harness.host.clock import mono_ns
from harness.model import NS
from harness.rehearsal.younger_write import YoungerWrite
from harness.system.ledger_tail import LedgerTail

pytestmark = pytest.mark.usefixtures("clock")
READ, WRITE = (RequestTemplate(kind, kind, 1, "GET", "/") for kind in ("read", "write"))


def waited_s(folder: Path, *requests: RequestTemplate, rate: float = 20.0, sent_after: int = 0) -> float:
    """After a backup of just now; one write is acknowledged, sent so many ns after it (none: 0)."""
    taken_ns = mono_ns()
    (folder / "ledger").mkdir(exist_ok=True)
    line = {"token": "t", "payload": "p", "sent_ns": taken_ns + sent_after, "end_ns": taken_ns, "outcome": "unknown"}
    if sent_after:
        line["outcome"] = "acknowledged"
    (folder / "ledger" / "load-1.jsonl").write_text(json.dumps(line) + "\n")
    config: Any = SimpleNamespace(
        service=SimpleNamespace(deadline_ms=1000), load=SimpleNamespace(write_rate=rate, requests=requests)
    )
    YoungerWrite(config, LedgerTail(folder)).wait(taken_ns)
    return round((mono_ns() - taken_ns) / NS, 1)


def test_where_one_has_come_there_is_no_wait(tmp_path: Path) -> None:
    assert waited_s(tmp_path, WRITE, sent_after=1) == 0


def test_one_that_was_sent_before_the_backup_had_ended_is_none(tmp_path: Path) -> None:
    assert waited_s(tmp_path, WRITE, sent_after=-1) > 1


@pytest.mark.parametrize(("rate", "limit_s"), [(20.0, 1.25), (0.5, 11.0), (0.01, 16.0), (0.0, 16.0)])
def test_the_limit_is_what_a_write_takes_and_how_seldom_they_come(tmp_path: Path, rate: float, limit_s: float) -> None:
    assert waited_s(tmp_path, READ, WRITE, rate=rate) == pytest.approx(limit_s, abs=0.06)


def test_where_clients_write_nothing_there_is_no_wait(tmp_path: Path) -> None:
    assert waited_s(tmp_path, READ, rate=0.0) == 0
