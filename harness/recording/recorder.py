"""The recorder: writes a run folder, one JSON line an event."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from harness.host.clock import now
from harness.model import Instant

EVENTS = "events.jsonl"
# A text of an event is a sentence, not a log; what a system says in one may be as long as it likes.
MOST_CHARS = 8192


class Recorder:
    """Appends events to ``events.jsonl`` of a run folder; safe to call from several threads.

    A line is ``{"t": mono_ns, "w": wall_ns, "n": sequence, "kind": ..., ...}`` and is flushed at once, so that what a
    killed run had seen can still be judged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("samples", "ledger", "operations", "observations", "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._file = (folder / EVENTS).open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self._sequence = 0

    def event(self, kind: str, /, when: Instant | None = None, **fields: Any) -> Instant:
        """Write one event and return its instant (``when``, or now)."""
        with self._lock:
            when = when or now()
            fields = {k: _bounded(v) if isinstance(v, str) else v for k, v in fields.items()}
            line = {"t": when.mono_ns, "w": when.wall_ns, "n": self._sequence, "kind": kind, **fields}
            self._sequence += 1
            self._file.write(json.dumps(line, separators=(",", ":"), default=str) + "\n")
            self._file.flush()
        return when

    def close(self) -> None:
        """Mark the recording complete; a reader treats one without the mark as cut short."""
        self.event("recording.complete", events=self._sequence + 1)
        self._file.close()


def _bounded(text: str) -> str:
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}... ({len(text) - MOST_CHARS} characters left out)"
