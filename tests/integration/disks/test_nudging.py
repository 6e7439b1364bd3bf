"""The nudging of a journal goes on where it can, and says so where it cannot."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest

from harness.disks.nudging import Nudging


def failing(code: int, after: int = 0) -> object:
    """Stands for a call of ``os`` that fails with ``code`` from the n-th time on."""
    calls = iter(range(after))

    def fail(*_: object) -> None:
        if next(calls, None) is None:
            raise OSError(code, os.strerror(code))

    return fail


def test_a_full_disk_is_nudged_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("harness.disks.nudging.os.pwrite", failing(errno.ENOSPC))
    monkeypatch.setattr("harness.disks.nudging.os.fsync", synced.append)
    nudging = Nudging(tmp_path)
    deadline = time.monotonic() + 5
    while len(synced) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    nudging.stop()
    assert len(synced) >= 3
    assert nudging.problem == ""


def test_a_disk_that_cannot_be_nudged_any_more_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.disks.nudging.os.fsync", failing(errno.EIO, after=2))
    nudging = Nudging(tmp_path)
    nudging._thread.join(5)
    nudging.stop()
    assert nudging.problem == "it ended after 2 times: Input/output error"
