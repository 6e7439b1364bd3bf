"""The ledger files of all clients of a run as read."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

from harness.model import Write
from harness.recording.ledger import Ledger


class LedgerFiles:
    """Read once they are asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _read(self) -> tuple[tuple[Write, ...], tuple[str, ...]]:
        writes: list[Write] = []
        bad: list[str] = []
        for path in sorted(self._folder.glob("*.jsonl")):
            for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
                try:
                    writes.append(Write(**json.loads(line), worker=path.stem))
                except (json.JSONDecodeError, TypeError):
                    bad.append(f"{path.name}:{number}")
        return tuple(sorted(writes, key=lambda w: w.sent_ns)), tuple(bad)

    @property
    def writes(self) -> tuple[Write, ...]:
        """Of all clients, by the time they were sent."""
        return self._read[0]

    @property
    def unreadable(self) -> tuple[str, ...]:
        """file:line of each line that holds no write."""
        return self._read[1]

    @cached_property
    def columns(self) -> Ledger:
        """The writes as columns."""
        return Ledger(self.writes)
