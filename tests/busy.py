"""Limits in real time, told apart from a machine that had no time: a limit that was missed is a failure where the
processors stood idle, and inconclusive where they did not."""

from __future__ import annotations

import psutil

from tests.inconclusive import inconclusive

# What these tests time waits most of the while; with less idle time than this, others took the processors.
_LEAST_IDLE = 0.1


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

    def must(self, kept: bool, told: object) -> None:
        """Fail with ``told`` unless ``kept``; where the machine had no time to keep it, the test is inconclusive."""
        if kept:
            return
        if (idle := self.idle) < _LEAST_IDLE:
            inconclusive(f"{told}; meanwhile the processors were idle for {100 * idle:.0f} % of the time only")
        raise AssertionError(told)
