"""The measurements of a run as read: samples of the load and the prober, and rows of the resource meter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from harness.recording.samples import SampleFile, read_samples


class RunSamples:
    """Each is read once it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def load(self) -> tuple[SampleFile, ...]:
        return self._files("load")

    @cached_property
    def probe(self) -> tuple[SampleFile, ...]:
        return self._files("probe")

    def _files(self, sender: str) -> tuple[SampleFile, ...]:
        return tuple(read_samples(p) for p in sorted((self._folder / "samples").glob(f"{sender}-*.bin")))

    @cached_property
    def resources(self) -> tuple[Mapping[str, float], ...]:
        """Rows of ``resources.jsonl``: t (mono ns) and what harness/meters/resources.py documents."""
        path = self._folder / "resources.jsonl"
        if not path.exists():
            return ()
        rows: list[Mapping[str, float]] = []
        for line in path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                continue
        return tuple(rows)
