"""Limits in real time, told apart from a machine that had no time: a limit that was missed is a failure where the
processors stood idle, and inconclusive where they did not; and how many tests that wait run at a time."""

from __future__ import annotations

import os
import time
from typing import NoReturn

import psutil

# What these tests time waits most of the while; with less idle time than this, others took the processors.
_LEAST_IDLE = 0.1


class Inconclusive(Exception):
    """Raised by a test, or by what prepares it."""


def inconclusive(why: str) -> NoReturn:
    """End the test here: ``why`` the machine kept it from an answer."""
    raise Inconclusive(why)


class Machine:
    """The processors since it was made."""

    def __init__(self) -> None:
        self._before = psutil.cpu_times()

    @property
    def idle(self) -> float:
        """The share of the time of all processors, 0 to 1, that nobody used."""
        now = psutil.cpu_times()
        spent = {name: getattr(now, name) - getattr(self._before, name) for name in now._fields}
        # What guests use is counted among user and nice as well.
        total = sum(seconds for name, seconds in spent.items() if not name.startswith("guest"))
        return (spent["idle"] + spent.get("iowait", 0.0)) / total if total > 0 else 1.0

    @property
    def had_no_time(self) -> str:
        """How busy the processors were, where they were too busy for what is timed; empty where they were not."""
        idle = self.idle
        return f"the processors were idle for {100 * idle:.0f} % of the time only" if idle < _LEAST_IDLE else ""

    def must(self, kept: bool, told: object) -> None:
        """Fail with ``told`` unless ``kept``; where the machine had no time to keep it, the test is inconclusive."""
        if kept:
            return
        if busy := self.had_no_time:
            inconclusive(f"{told}; meanwhile {busy}")
        raise AssertionError(told)


def workers(seconds: float = 0.5) -> int:
    """How many tests that mostly wait may run at a time: two a processor, one on a machine that is busy already, and
    one in all where others leave it no time: what is tested has limits of its own."""
    machine, cores = Machine(), len(os.sched_getaffinity(0))
    time.sleep(seconds)
    idle = machine.idle
    return 1 if idle < _LEAST_IDLE else 2 * cores if idle > 0.5 else cores
