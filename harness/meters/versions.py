"""Which version is in service, as seen from outside: /version through the front, asked all the time."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from harness.host.clock import mono_ns
from harness.recording.events import VersionSeen, VersionSilent, VersionWatched
from harness.recording.recorder import Recorder
from harness.system.http import Answer
from harness.system.service import Service

INTERVAL_S = 0.05


@dataclass(slots=True)
class _Silence:
    """Questions in a row that told no version: when the first was asked, and of how many nobody took the connection."""

    since_ns: int
    said: str
    questions: int = 0
    refused: int = 0


class VersionWatch:
    """Records ``version.seen`` whenever another version answers than before: ``version``, ``before_ns`` (when the
    question before it was asked: the change came after that); ``version.silent`` when questions got no answer that told
    one, once one does, or at the end; and ``version.watched`` at the end. No answer is no change."""

    def __init__(self, service: Service, recorder: Recorder) -> None:
        self._service = service
        self._recorder = recorder
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)
        self._silence: _Silence | None = None
        self._before_ns = mono_ns()
        self._problem = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if not self._end.is_set():
            self._end.set()
            self._thread.join(5.0)
            if self._thread.is_alive():
                self._problem = "its last question was never answered"
            if self._problem:  # whatever it was told last, nobody knows what came since
                self._silence = _Silence(self._before_ns, f"the watch ended early: {self._problem}")
            self._end_silence("")
            self._recorder.record(VersionWatched(interval_s=INTERVAL_S))

    def _watch(self) -> None:
        try:
            self._ask_on()
        except Exception as error:  # noqa: BLE001 - on a thread of our own nobody else would hear of it
            self._problem = f"{type(error).__name__}: {error}"

    def _ask_on(self) -> None:
        last = ""
        while not self._end.is_set():
            asked_ns = mono_ns()
            version, answer = self._service.version_asked()
            if version:
                self._end_silence(version)
                if version != last:
                    self._recorder.record(VersionSeen(version=version, before_ns=self._before_ns))
                    last = version
                self._before_ns = asked_ns
            else:
                self._heard_nothing(asked_ns, answer)
            self._end.wait(INTERVAL_S)

    def _heard_nothing(self, asked_ns: int, answer: Answer) -> None:
        if self._silence is None:
            self._silence = _Silence(asked_ns, answer.said())
        self._silence.questions += 1
        self._silence.refused += answer.refused

    def _end_silence(self, version: str) -> None:
        """``version`` ended it; none: the watch did."""
        if silence := self._silence:
            self._recorder.record(
                VersionSilent(
                    since_ns=silence.since_ns,
                    version=version,
                    questions=silence.questions,
                    refused=silence.refused,
                    said=silence.said,
                )
            )
            self._silence = None
