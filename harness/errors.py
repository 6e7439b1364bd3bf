"""The one error a person sees, and the exit codes of the command."""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

# Whose matter something is: nobody looks for a fault of the system in a busy machine.
Matter = Literal["system", "load", "host", "harness", "plan"]


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

    @classmethod
    def of(cls, outcome: Literal["pass", "fail", "unknown"]) -> ExitCode:
        """What the command ends with when that is what it found."""
        return {"pass": cls.PASS, "fail": cls.FAIL, "unknown": cls.UNKNOWN}[outcome]


class HarnessError(Exception):
    """Something a person can act on: what was attempted on what, why it failed, and what to try.

    ``what`` reads like ``inject disk_full on data``, ``why`` is the cause, ``hint`` the remedy (may be empty).
    ``matter``: whose it is, where it ends a run.
    """

    def __init__(
        self, what: str, why: str, hint: str = "", code: ExitCode = ExitCode.USAGE, matter: Matter = "system"
    ) -> None:
        super().__init__(what, why, hint)
        self.what = what
        self.why = why
        self.hint = hint
        self.code = code
        self.matter = matter

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}"
        return f"{text}\ntry: {self.hint}" if self.hint else text
