"""The one error a person sees, and the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the command ends with; documented in the README."""

    PASS = 0
    FAIL = 1
    UNKNOWN = 3
    USAGE = 64
    HOST_CANNOT = 69
    OUR_BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


class HarnessError(Exception):
    """Something a person can act on: what was attempted on what, why it failed, and what to try.

    ``what`` reads like ``inject disk_full on data``, ``why`` is the cause, ``hint`` the remedy (may be empty).
    """

    def __init__(self, what: str, why: str, hint: str = "", code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}"
        return f"{text}\ntry: {self.hint}" if self.hint else text
