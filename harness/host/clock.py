"""The one door to time: the monotonic clock for arithmetic, the wall clock to show."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.model import NS, Instant

# How finely the end of a child process is seen: every duration of an operation is that uncertain.
RESOLUTION_S = 0.01


def now() -> Instant:
    """This moment on both clocks."""
    return Instant(time.monotonic_ns(), time.time_ns())


def mono_ns() -> int:
    """CLOCK_MONOTONIC in ns: one clock for all processes of a host."""
    return time.monotonic_ns()


def sleep(seconds: float) -> None:
    time.sleep(seconds)


class Deadline:
    """A limit on a wait, with the name of what is waited for."""

    def __init__(self, seconds: float, what: str) -> None:
        self.seconds = seconds
        self.what = what
        self._end_ns = mono_ns() + int(seconds * NS)

    @property
    def left_s(self) -> float:
        return max(0.0, (self._end_ns - mono_ns()) / NS)

    @property
    def passed(self) -> bool:
        return mono_ns() >= self._end_ns


def wait_until(condition: Callable[[], bool], deadline: Deadline, every_s: float = 0.02) -> bool:
    """Poll ``condition`` until it holds (True) or the deadline passes (False)."""
    while not condition():
        if deadline.passed:
            return False
        sleep(min(every_s, max(deadline.left_s, 0.001)))
    return True
