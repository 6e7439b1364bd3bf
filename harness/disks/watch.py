"""Watches how full disks get, closely enough to see what a failed operation wrote before it gave up."""

from __future__ import annotations

import threading
from collections.abc import Mapping

from harness.disks.disk import Disk

INTERVAL_S = 0.005


class DiskWatch:
    """Polls every disk; ``mark`` starts a new count for one, ``peak`` is the most that was written since."""

    def __init__(self, disks: Mapping[str, Disk]) -> None:
        self._disks = disks
        self._lock = threading.Lock()
        self._base = {name: disk.used_bytes() for name, disk in disks.items()}
        self._peak = dict(self._base)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="disk-watch", daemon=True)
        self._thread.start()

    def mark(self, name: str) -> None:
        with self._lock:
            self._base[name] = self._peak[name] = self._disks[name].used_bytes()

    def peak_bytes(self, name: str) -> int:
        """Most bytes in use since the mark, above what was in use then."""
        with self._lock:
            return self._peak[name] - self._base[name]

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2)

    def _poll(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            for name, disk in self._disks.items():
                with self._lock:  # around the look as well: one from before a mark is no peak after it
                    self._peak[name] = max(self._peak[name], disk.used_bytes())
