"""Whether the files of a run folder are those its events were written with."""

from __future__ import annotations

from pathlib import Path

from harness.recording.problems import Problem
from harness.recording.recorder import digest


class Integrity:
    """Each file is looked at once: a run has one view of its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str], Problem | None] = {}

    def wrong_with(self, name: str, known: str) -> Problem | None:
        """How this file is not the one of that digest; None when it is, or when there is no digest of it."""
        if (name, known) not in self._known:
            self._known[name, known] = self._compare(name, known)
        return self._known[name, known]

    def _compare(self, name: str, known: str) -> Problem | None:
        path = self._folder / name
        if not path.exists():
            return Problem("file_missing", name)
        fits = known in ("", digest(path.read_text(errors="replace")))
        return None if fits else Problem("file_changed", name)
