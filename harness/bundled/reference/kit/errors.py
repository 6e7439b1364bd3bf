"""How an operation of the kit fails: one sentence, and an exit code that is not 0."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 64


class KitError(Exception):
    """The operation did not happen; the text says why."""

    code = EXIT_FAILED


class FencedOut(KitError):
    """Somebody else holds the lock by now: nothing may be changed any more, not even undone."""


class UsageError(KitError):
    code = EXIT_USAGE
