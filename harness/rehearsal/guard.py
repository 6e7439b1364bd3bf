"""The guard of a run: once the service is worse off than its owner allows, no fault stays and nothing more begins."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from harness.config.schema import StopWhenConfig
from harness.host.clock import mono_ns
from harness.load.driver import LoadDriver, LoadProgress
from harness.model import NS
from harness.recording.events import StopWhenMet
from harness.recording.recorder import Recorder
from harness.system import http

_LOOK_EVERY_S = 0.25
_URL_DEADLINE_S = 5.0
# The load tells of itself ten times a second: one that does not can be told nothing of.
_SILENT_S = 3.0
# Of fewer requests no share is told.
_LEAST_REQUESTS = 20


class Guard:
    """``watch`` from when the load is steady to ``close``; ``stopped`` from when a limit was met. ``url`` is that of
    the limits, filled in. ``withdraw`` takes every fault out, and lets none in any more."""

    def __init__(
        self, limits: StopWhenConfig, url: str, load: LoadDriver, withdraw: Callable[[], None], recorder: Recorder
    ) -> None:
        self.stopped = False
        self._url = url
        self._limits = limits
        self._load = load
        self._withdraw = withdraw
        self._recorder = recorder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="guard", daemon=True)

    def watch(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(_URL_DEADLINE_S + 1)

    def _work(self) -> None:
        try:
            self._look()
        except Exception as error:  # noqa: BLE001 - a guard that is gone guards nothing: nobody is to go on
            self._stop(StopWhenMet(limit="url", said=f"it could not be looked at: {type(error).__name__}: {error}"))

    def _stop(self, met: StopWhenMet) -> None:
        self.stopped = True
        self._recorder.record(met)
        self._withdraw()

    def _look(self) -> None:
        looks: deque[LoadProgress] = deque()
        while not self._over.wait(_LOOK_EVERY_S):
            now = self._load.progress()
            looks.append(now)
            while len(looks) > 1 and mono_ns() - looks[1].at_ns > self._limits.window_s * NS:
                looks.popleft()
            met = self._silent(now) or self._met(looks[0], now)
            if met is not None:
                self._stop(met)
                return

    @staticmethod
    def _silent(now: LoadProgress) -> StopWhenMet | None:
        silent_s = (mono_ns() - now.at_ns) / NS
        if silent_s < _SILENT_S:
            return None
        return StopWhenMet(limit="load", value=round(silent_s, 1), allowed=_SILENT_S, said="the load is silent")

    def _met(self, before: LoadProgress, now: LoadProgress) -> StopWhenMet | None:
        """The limit that is met; None while none is."""
        limits = self._limits
        bad, good = now.bad - before.bad, now.ok - before.ok
        if limits.bad_share and bad + good >= _LEAST_REQUESTS and bad / (bad + good) > limits.bad_share:
            return StopWhenMet(limit="bad_share", value=round(bad / (bad + good), 3), allowed=limits.bad_share)
        if limits.latency_ms_p95 and now.latency_ms_p95 > limits.latency_ms_p95:
            return StopWhenMet(
                limit="latency_ms_p95", value=round(now.latency_ms_p95, 1), allowed=limits.latency_ms_p95
            )
        if limits.url:
            answer = http.get(self._url, _URL_DEADLINE_S, http.WORD_BYTES)
            if not answer.ok:
                return StopWhenMet(limit="url", said=answer.said())
        return None
