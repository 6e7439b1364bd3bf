"""disk_full: a named disk of the system is really full (ENOSPC), but for the bytes it leaves free."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.errors import HarnessError
from harness.faults.fault import Fault, Undo
from harness.model import Evidence
from harness.recording.failure_phrases import Words, quoted

if TYPE_CHECKING:
    from harness.disks.disk import Disk
    from harness.disks.watch import DiskWatch
    from harness.system.live import LiveSystem

_CHUNK = 1024 * 1024
_BLOCK = 4096
# A disk cannot be filled closer than this: the file system keeps a few blocks for its own bookkeeping.
_SLACK_BYTES = 64 * 1024
_SAID = Words(
    re.compile(
        r"\bENOSPC\b|\bno space left\b|\bdisk (?:is )?full\b|\bnot enough (?:free |disk )?space\b"
        # The last is an access log's word for it.
        r"|\binsufficient (?:disk )?space\b|\bInsufficient Storage\b|\"status\": ?507\b",
        re.IGNORECASE,
    ),
    ("enospc", "space", "disk", "insufficient", "507"),
)


@dataclass(frozen=True, slots=True)
class DiskFull(Fault):
    """Fills ``disk`` with a file nobody can see or remove, until ``leave`` times the size of the system's database is
    free; on the disk of the backups, of the largest backup there if that is less, for backups may be compressed.
    ``leave`` is a number, or a (low, high) range from which the run's seed chooses."""

    disk: str
    leave: float | tuple[float, float] = 0.0

    name: ClassVar[str] = "disk_full"
    targets: ClassVar[Mapping[str, str]] = {"disk": "disk"}
    effects: ClassVar[frozenset[str]] = frozenset({"refuses_space"})
    needs: ClassVar[tuple[str, ...]] = ("sized_disk",)

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> FullDisk:
        disk = system.disks.get(self.disk)
        if disk is None:
            raise HarnessError(
                f"inject disk_full on {self.disk}",
                f"{system.config.name} has no sized disk of that name (it has: {', '.join(system.disks) or 'none'})",
                f"add {self.disk} to [disks] in system.toml",
            )
        assert not isinstance(self.leave, tuple), "inject before resolved()"
        whole, place = system.files.database_bytes(), system.files.data_place()
        if self.disk == "backup":
            whole = min(whole, system.files.backup_bytes() or whole)
        share = self.leave * whole
        if self.leave and not share:
            raise HarnessError(
                f"inject disk_full on {self.disk}",
                f"it is to leave {self.leave:g} of the size of the data free, and {place} holds none",
                "[data] database, or else dir, must be where the system keeps its data",
            )
        # Without a name: the system cannot remove it, mistake it for its own, or find it after a crash of ours.
        filler = os.open(disk.path, os.O_TMPFILE | os.O_RDWR)
        undo(lambda: os.close(filler))
        length = _fill(disk, filler, int(share))
        system.fault_free_bytes[self.disk] = disk.free_bytes()
        system.watch.mark(self.disk)
        return FullDisk(disk, filler, length, disk.free_bytes(), system.watch)


@dataclass(frozen=True, slots=True)
class FullDisk:
    """A disk while it is full: the open file ``filler`` takes ``length`` bytes of it, ``free`` is what that left."""

    disk: Disk
    filler: int
    length: int
    free: int
    watch: DiskWatch

    def confirm(self) -> Evidence:
        beyond = self.free + _SLACK_BYTES + self.disk.size_bytes // 64
        probe = os.open(self.disk.path, os.O_TMPFILE | os.O_RDWR)
        try:
            os.posix_fallocate(probe, 0, beyond)
        except OSError as error:
            full = error.errno == errno.ENOSPC
            said = (
                f"our write of {beyond} bytes to {self.disk.name}, which had {self.free} free, failed: {error.strerror}"
            )
            return Evidence(full, False, said)
        finally:
            os.close(probe)
            # What our own write took before it failed is not what the system writes.
            self.watch.mark(self.disk.name)
        return Evidence(False, False, f"our write of {beyond} bytes to {self.disk.name} succeeded: it is not full")

    def lost_early(self) -> str:
        held = os.fstat(self.filler).st_blocks * 512
        return "" if held >= self.length else f"only {held} of {self.length} bytes of the filler are still allocated"

    def observed_by(self, said: str) -> str:
        return quoted(_SAID, said)

    def reverted(self) -> bool:
        probe = os.open(self.disk.path, os.O_TMPFILE | os.O_RDWR)
        try:
            os.posix_fallocate(probe, 0, _CHUNK)
        except OSError:
            return False
        finally:
            os.close(probe)
        return True


def _fill(disk: Disk, filler: int, leave_bytes: int) -> int:
    """Allocate until only ``leave_bytes`` are free, as closely as the file system lets us; the bytes allocated."""
    length = 0
    step = max(_CHUNK, disk.free_bytes() // 4 // _BLOCK * _BLOCK)
    while step >= _BLOCK:
        if disk.free_bytes() - leave_bytes < step:
            step //= 2
            continue
        try:
            os.posix_fallocate(filler, length, step)
            length += step
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            step //= 2
    return length
