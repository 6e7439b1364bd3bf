"""The watch over how full a disk gets: what was there before a mark is no peak after it."""

from __future__ import annotations

import threading
from pathlib import Path

from harness.disks.disk import Disk
from harness.disks.watch import DiskWatch


class SlowDisk(Disk):
    """A disk whose fill is what the test says, and whose next look takes until the test lets it go on."""

    used = 0
    looking = threading.Event()
    go_on = threading.Event()

    def used_bytes(self) -> int:
        seen = SlowDisk.used
        if threading.current_thread().name == "disk-watch":
            SlowDisk.looking.set()
            SlowDisk.go_on.wait(5)
        return seen


def test_a_look_that_began_before_the_mark_does_not_count_after_it() -> None:
    disk = SlowDisk("backup", Path("/"), 1, "")
    SlowDisk.used = 5_000_000  # our own probe, which is gone by the time of the mark
    watch = DiskWatch({"backup": disk})
    try:
        assert SlowDisk.looking.wait(5)
        SlowDisk.used = 0
        marking = threading.Thread(target=watch.mark, args=("backup",))
        marking.start()
        marking.join(0.1)
        SlowDisk.go_on.set()
        marking.join(5)
        for _ in range(3):
            SlowDisk.looking.clear()
            assert SlowDisk.looking.wait(5)
        assert watch.peak_bytes("backup") == 0
        SlowDisk.used = 700
        for _ in range(2):
            SlowDisk.looking.clear()
            assert SlowDisk.looking.wait(5)
        assert watch.peak_bytes("backup") == 700
    finally:
        SlowDisk.go_on.set()
        watch.close()
