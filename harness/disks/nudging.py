"""Nudges a journalling file system: an unrelated file of it is synced again and again, which commits its journal."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

EVERY_S = 0.01


class Nudging:
    """From now until ``stop``; ``problem`` says why it ended before. The file has no name, so that the system cannot
    meet it."""

    def __init__(self, root: Path) -> None:
        self.problem = ""
        self._fd = os.open(root, os.O_TMPFILE | os.O_RDWR)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self._thread = threading.Thread(target=self._nudge, name="nudging", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Safe to call twice."""
        self._stop.set()
        self._thread.join(2)
        if self._fd >= 0 and not self._thread.is_alive():
            os.close(self._fd)
            self._fd = -1

    def _nudge(self) -> None:
        while not self._stop.wait(EVERY_S):
            if not self.once():
                return

    def once(self) -> bool:
        """Nudge it now, and return when the journal is committed; False where that cannot be done."""
        with self._lock:
            if not self.problem:
                self._number += 1
                try:
                    self._change()
                    os.fsync(self._fd)
                except OSError as error:
                    self.problem = f"it ended after {self._number - 1} times: {error.strerror or error}"
            return not self.problem

    def _change(self) -> None:
        """A new block each time, so that there is something to commit; on a full disk what takes no room."""
        try:
            os.pwrite(self._fd, self._number.to_bytes(8), self._number % 1024 * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.utime(self._fd)
