"""The guard of a run: once the service is worse off than its owner allows, no fault stays and nothing more begins."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from harness.config.schema import StopWhenConfig
from harness.host.clock import mono_ns
from harness.load.driver import LoadProgress
from harness.model import NS
from harness.recording.events import StopWhenMet
from harness.system import http

_LOOK_EVERY_S = 0.25
_URL_DEADLINE_S = 5.0
# The load tells of itself ten times a second: one that does not can be told nothing of.
_SILENT_S = 3.0
# Of fewer requests no share is told.
_LEAST_REQUESTS = 20


class Guard:
    """``watch`` from when the load is steady to ``close``; ``stopped`` from when a limit was met. ``url`` is that of
    the limits, filled in. ``progress`` is what the load last said. ``withdraw`` takes every fault out, and lets none in
    any more."""

    def __init__(
        self,
        limits: StopWhenConfig,
        url: str,
        progress: Callable[[], LoadProgress],
        withdraw: Callable[[], None],
        record: Callable[[StopWhenMet], object],
    ) -> None:
        self.stopped = False
        self._url = url
        self._limits = limits
        self._progress = progress
        self._withdraw = withdraw
        self._record = record
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
        self._record(met)
        self._withdraw()

    def _look(self) -> None:
        shown = LoadLimits(self._limits)
        while not self._over.wait(_LOOK_EVERY_S):
            met = shown.met(self._progress()) or self._url_met()
            if met is not None:
                self._stop(met)
                return

    def _url_met(self) -> StopWhenMet | None:
        if self._limits.url:
            answer = http.get(self._url, _URL_DEADLINE_S, http.WORD_BYTES)
            if not answer.ok:
                return StopWhenMet(limit="url", said=answer.said())
        return None


class LoadLimits:
    """Which limit the load shows to be met, look after look."""

    def __init__(self, limits: StopWhenConfig) -> None:
        self._limits = limits
        self._looks: deque[LoadProgress] = deque()

    def met(self, now: LoadProgress) -> StopWhenMet | None:
        """None while none is. A load that says nothing of itself any more shows nothing of the service."""
        limits, looks = self._limits, self._looks
        silent_s = (mono_ns() - now.at_ns) / NS
        if silent_s >= _SILENT_S:
            return StopWhenMet(limit="load", value=round(silent_s, 1), allowed=_SILENT_S)
        looks.append(now)
        while len(looks) > 1 and mono_ns() - looks[1].at_ns > limits.window_s * NS:
            looks.popleft()
        bad, good = now.bad - looks[0].bad, now.ok - looks[0].ok
        if limits.bad_share and bad + good >= _LEAST_REQUESTS and bad / (bad + good) > limits.bad_share:
            return StopWhenMet(limit="bad_share", value=round(bad / (bad + good), 3), allowed=limits.bad_share)
        if limits.latency_ms_p95 and now.latency_ms_p95 > limits.latency_ms_p95:
            return StopWhenMet(
                limit="latency_ms_p95", value=round(now.latency_ms_p95, 1), allowed=limits.latency_ms_p95
            )
        return None
