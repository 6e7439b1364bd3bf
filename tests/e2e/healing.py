"""Tests that heal: `heal` takes whatever dead runs left on the host, also what another test has planted."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone() -> Iterator[None]:
    """No other test heals within, be it in another process or another session."""
    with Path(__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield


@contextmanager
def beside_others() -> Iterator[None]:
    """Other tests may heal within, but for one that must be alone."""
    with Path(__file__).open("rb") as turn:
        fcntl.flock(turn, fcntl.LOCK_SH)
        yield
