"""The recorder: writes a run folder, one JSON line an event."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from harness.errors import ExitCode, HarnessError
from harness.host.clock import now
from harness.host.sizes import size
from harness.model import Instant
from harness.recording.events import Event, Observed, RecordingComplete, encode
from harness.recording.sources import add_source, here

EVENTS = "events.jsonl"
PLAN = "run.json"
OBSERVATIONS = "observations"
# A text of an event is a sentence, not a log; what a system says in one may be as long as it likes.
MOST_CHARS = 8192
# With less than this, what is written there comes to nothing: our own lines, and the output of the kit.
LEAST_FREE_BYTES = 4 * 1024 * 1024


def digest(text: str) -> str:
    """By which an event knows a file again."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Recorder:
    """Appends events to ``events.jsonl`` of a run folder; safe to call from several threads.

    A line is flushed at once, so that what a killed run had seen can still be judged. ``source`` names who records.
    """

    def __init__(self, folder: Path, source: str = "inside") -> None:
        self.folder = folder
        for name in ("samples", "ledger", "operations", OBSERVATIONS, "logs"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self._file = (folder / EVENTS).open("ab")
        self._lock = threading.Lock()
        self._sequence = 0
        self.source(source, EVENTS)

    def record(self, event: Event, when: Instant | None = None) -> Instant:
        """Write one event and return its instant (``when``, or now)."""
        with self._lock:
            when = when or now()
            line = encode(replace(event, t=when.mono_ns, w=when.wall_ns, n=self._sequence, **_too_long(event)))
            self._sequence += 1
            self._file.write(line + b"\n")
            self._file.flush()
        return when

    def source(self, id: str, *files: str) -> None:
        """Name who else records, and in which files of the folder."""
        add_source(self.folder, here(id, *files))

    def observation(
        self,
        label: str,
        cause: str,
        start_ns: int,
        content: Mapping[str, Any],
        backup_files: Mapping[str, int | None] | None = None,
    ) -> None:
        """Write a read-back down, and the event that names it, with the digest of what it says: that of another run
        would not fit."""
        text = json.dumps(content, separators=(",", ":"))
        (self.folder / OBSERVATIONS / f"{label}.json").write_text(text)
        self.record(
            Observed(label=label, cause=cause, start_ns=start_ns, digest=digest(text), backup_files=backup_files or {})
        )

    def check_room(self) -> None:
        """An error when the disk the recording lies on is full: whatever fails from then on fails for our sake."""
        state = os.statvfs(self.folder)
        free = state.f_bavail * state.f_frsize
        if free < LEAST_FREE_BYTES:
            why = f"the disk it is written to is full ({size(free)} free)"
            hint = "free some space there, or another place (--out)"
            raise HarnessError("record the run", why, hint, ExitCode.UNKNOWN, matter="host")

    def close(self) -> None:
        """Mark the recording complete; a reader treats one without the mark as cut short."""
        self.record(RecordingComplete(events=self._sequence + 1))
        self._file.close()


def _too_long(event: Event) -> dict[str, str]:
    """The fields of an event that are to be shorter, as they are then."""
    texts = ((name, getattr(event, name)) for name in event.__struct_fields__)
    return {
        name: f"{text[:MOST_CHARS]}... ({len(text) - MOST_CHARS} characters left out)"
        for name, text in texts
        if isinstance(text, str) and len(text) > MOST_CHARS
    }
