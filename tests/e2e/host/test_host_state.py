"""What tests look for after a run is seen when it is there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.disks.image import in_memory
from tests.e2e import host_state

pytestmark = [pytest.mark.island, pytest.mark.root]


@contextmanager
def loop_that_stays() -> Iterator[Path]:
    """A loop device over memory that does not detach itself: what a run without autoclear would leave."""
    image = in_memory("planted", 1 << 20)
    words = ["losetup", "--find", "--show", f"/proc/self/fd/{image}"]
    done = subprocess.run(words, pass_fds=[image], capture_output=True, text=True, check=True)
    os.close(image)
    try:
        yield Path(done.stdout.strip())
    finally:
        subprocess.run(["losetup", "--detach", done.stdout.strip()], check=True)


def test_a_loop_device_that_nobody_uses_is_left_behind_and_one_in_use_is_not() -> None:
    mark = host_state.new_mark()
    before = host_state.snapshot(mark)
    with loop_that_stays() as device:
        with device.open("rb"):
            assert host_state.snapshot(mark).since(before) == []
        (left,) = host_state.snapshot(mark).since(before)
        assert left.startswith(f"{device} over /memfd:planted (deleted) ")
    assert host_state.left_behind(before, mark, 5) == []
