"""Whether the files of a run folder are those its events were written with."""

from __future__ import annotations

from pathlib import Path

from harness.recording.recorder import digest


class Integrity:
    """Each file is looked at once: a run has one view of its files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[tuple[str, str], str] = {}

    def wrong_with(self, name: str, known: str) -> str:
        """Why this file is not the one of that digest; empty when it is, or when there is no digest of it."""
        if (name, known) not in self._known:
            self._known[name, known] = self._compare(name, known)
        return self._known[name, known]

    def _compare(self, name: str, known: str) -> str:
        path = self._folder / name
        if not path.exists():
            return f"{name} is missing"
        fits = known in ("", digest(path.read_text(errors="replace")))
        return "" if fits else f"{name} is not the one of this run"
