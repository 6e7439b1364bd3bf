"""Where the disk of a run lies: on the host's for one whose times count, in memory for those that go side by side."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from harness.disks.disk import MIB, images

SIZES = {"data": 512 * MIB, "backup": 256 * MIB}


def places(folder: Path, timed: bool) -> list[str]:
    made = images(folder, SIZES, timed)
    try:
        assert list(made) == list(SIZES)
        return [os.readlink(f"/proc/self/fd/{fd}") for fd in made.values()]
    finally:
        for fd in made.values():
            os.close(fd)


def test_a_run_whose_times_are_claims_has_the_host_s_disk(tmp_path: Path) -> None:
    assert all(place.startswith(f"{tmp_path}/") for place in places(tmp_path, timed=True))
    assert list(tmp_path.iterdir()) == []


def test_the_others_have_memory_as_long_as_there_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2 * 1024 * MIB))
    assert all(place.startswith("/memfd:") for place in places(tmp_path, timed=False))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1024 * MIB))
    assert all(place.startswith(f"{tmp_path}/") for place in places(tmp_path, timed=False))
