"""The requests of this run's load in the system's own access log."""

from __future__ import annotations

from pathlib import Path

from harness.errors import ExitCode, HarnessError
from harness.host import outputs
from harness.host.clock import Deadline, sleep

MARKER = "deploydrill-load"  # what every request of the load says it comes from
_LAG_S = 0.3  # a front writes its line after the answer
_LOOK_S = 0.05


class AccessLog:
    """One log; ``path`` is empty when the system names none."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._before = 0

    @property
    def named(self) -> bool:
        return bool(self._path)

    def begin(self) -> None:
        """What the log has so far is of earlier runs: one of an attached system may have some."""
        self._before = self._counted()

    def settled(self, answered: int) -> int:
        """Requests since ``begin``, once there are as many as were answered and no more come, or a front has had its
        time to write."""
        deadline = Deadline(_LAG_S, "the access log")
        before, now_ = -1, self._counted() - self._before
        while not deadline.passed and not (now_ >= answered and now_ == before):
            sleep(_LOOK_S)
            before, now_ = now_, self._counted() - self._before
        return now_

    def _counted(self) -> int:
        if not self._path:
            return 0
        try:
            return outputs.count(Path(self._path), MARKER.encode())
        except OSError as error:
            hint = "have it readable for whoever runs this, or leave service.access_log out"
            raise HarnessError(f"read {self._path}", error.strerror or str(error), hint, ExitCode.UNKNOWN) from error
