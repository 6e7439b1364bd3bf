"""Which version is in service, as seen from outside: /version through the front, asked all the time."""

from __future__ import annotations

import threading

from harness.host.clock import mono_ns
from harness.system.live import LiveSystem

INTERVAL_S = 0.05


class VersionWatch:
    """Records ``version.seen`` whenever another version answers than before: ``version``, ``before_ns`` (when the
    question before it was asked: the change came after that), and ``version.watched`` at the end. No answer is no
    change."""

    def __init__(self, system: LiveSystem) -> None:
        self._system = system
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if not self._end.is_set():
            self._end.set()
            self._thread.join(5.0)
            self._system.recorder.event("version.watched", interval_s=INTERVAL_S)

    def _watch(self) -> None:
        last, before_ns = "", mono_ns()
        while not self._end.is_set():
            asked_ns = mono_ns()
            version = self._system.version()
            if version and version != last:
                self._system.recorder.event("version.seen", version=version, before_ns=before_ns)
                last = version
            if version:
                before_ns = asked_ns
            self._end.wait(INTERVAL_S)
