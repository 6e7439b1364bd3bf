"""The guard of the unit tests: no process, no connection, no clock but one that a test steps itself."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from harness.host import clock as harness_clock
from harness.model import NS

_ROOT = Path(__file__).resolve().parents[2]
# pytest and Hypothesis read clocks for their own ends; only calls made by these are a test's.
_OURS = tuple(f"{_ROOT / name}{os.sep}" for name in ("harness", "scenarios", "tests"))
_CLOCKS = ("monotonic", "monotonic_ns", "time", "time_ns", "perf_counter", "perf_counter_ns", "sleep")
_STARTS = ("fork", "forkpty", "posix_spawn", "posix_spawnp", "system")
_CONNECTIONS = ("bind", "connect", "connect_ex")


class SteppedClock:
    """A clock in place of the module ``time`` in harness.host.clock: it moves on when somebody sleeps or a test steps
    it, and by a microsecond at each reading, so that no two moments are the same."""

    def __init__(self) -> None:
        self._since_start_ns = 0

    def step(self, seconds: float) -> None:
        self._since_start_ns += round(seconds * NS)

    def sleep(self, seconds: float) -> None:
        self.step(seconds)

    def monotonic_ns(self) -> int:
        self.step(1e-6)
        return 1_000 * NS + self._since_start_ns

    def time_ns(self) -> int:
        return 1_790_000_000 * NS + self._since_start_ns  # in September 2026


@contextmanager
def stepped_clock() -> Iterator[SteppedClock]:
    """The harness reads this clock meanwhile."""
    stepped = SteppedClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(harness_clock, "time", stepped)
        yield stepped


class Guard:
    """Refuses what a unit test may not do, and remembers it: the code under test may catch the exception."""

    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()
        self._broken: list[str] = []

    def begin(self) -> None:
        self._patch.setattr(harness_clock, "time", _NoTime(self))
        for name in _CLOCKS:
            self._patch.setattr(time, name, self._guarded(name))
        for name in _STARTS:
            self._patch.setattr(os, name, self._refusing(f"calls os.{name}"))
        self._patch.setattr(subprocess.Popen, "__init__", self._refusing("starts a process"))
        # What was never begun has nothing to end; Popen's own would complain of attributes it does not have.
        self._patch.setattr(subprocess.Popen, "__del__", lambda _: None)
        for name in _CONNECTIONS:
            self._patch.setattr(socket.socket, name, self._refusing(f"calls socket.{name}"))

    def end(self) -> None:
        self._patch.undo()

    def check(self) -> None:
        """Fail the test if something was refused since the last check."""
        broken, self._broken = self._broken, []
        if broken:
            pytest.fail("; ".join(dict.fromkeys(broken)))

    def refuse(self, what: str) -> NoReturn:
        why = f"a unit test {what}: ask for the fixture `clock`, or move the test to tests/integration"
        self._broken.append(why)
        pytest.fail(why)

    def _refusing(self, what: str) -> Callable[..., NoReturn]:
        return lambda *_, **__: self.refuse(what)

    def _guarded(self, name: str) -> Callable[..., Any]:
        """``time.<name>``, refused to code of ours and passed on to everybody else."""
        real = getattr(time, name)

        def guarded(*arguments: Any) -> Any:
            if sys._getframe(1).f_code.co_filename.startswith(_OURS):
                self.refuse(f"calls time.{name}")
            return real(*arguments)

        return guarded


class _NoTime:
    """In place of the module ``time`` in harness.host.clock, with nothing of it."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __getattr__(self, name: str) -> NoReturn:
        self._guard.refuse(f"reads the harness clock (time.{name})")
