"""disk_full: our own probe of a full disk is not taken for what the system writes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.disks.disk import Disk
from harness.errors import HarnessError
from harness.faults.disk_full import DiskFull, FullDisk


@dataclass
class Watch:
    """Remembers the marks, and how many files of the disk this process had open then."""

    folder: Path
    open_files: list[int] = field(default_factory=list)

    def mark(self, name: str) -> None:
        assert name == "backup"
        links = [os.readlink(f) for f in Path("/proc/self/fd").iterdir() if f.is_symlink()]
        self.open_files.append(sum(link.startswith(str(self.folder)) for link in links))


def test_the_count_of_what_is_written_begins_after_our_own_write(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    full = FullDisk(Disk("backup", tmp_path, 1 << 20, ""), -1, 0, 0, watch)  # type: ignore[arg-type]  # marks only
    evidence = full.confirm()
    assert not evidence.applied and "succeeded: it is not full" in evidence.said
    assert watch.open_files == [0]


@pytest.mark.parametrize(
    ("line", "felt"),
    [
        ("backup: failed: no space left on the disk", True),
        ('{"uri":"/writes","size":42,"status":507}', True),
        ('{"uri":"/writes","size":507,"status":200}', False),
        ("backup: failed: not enough space: needs 20, has 10 bytes on the backup disk (a backup)", True),
        ("kit: not enough space in /backup for a backup: 10 bytes free, 20 needed", True),
        ("OSError: [Errno 28] No space left on device", True),
        ("ERROR:  could not extend file: No space left on device", True),
        ("Error: ENOSPC: no space left on device, write", True),
        ('{"error": "database or disk is full"}', True),
        ("Error: stepping, database or disk is full (13)", True),
        ("507 Insufficient Storage", True),
        ("checking that no disk is full: ok", False),
        ("+ grep -q 'disk is full' log", False),
        ("disk full: no", False),
        ("disk full check: ok", False),
        ("checking whether the disk is full", False),
        ("disk fullness 40 %", False),
    ],
)
def test_it_is_felt_by_whoever_says_so_in_words_or_by_its_status(line: str, felt: bool, tmp_path: Path) -> None:
    full = FullDisk(Disk("data", tmp_path, 1 << 20, ""), -1, 0, 0, Watch(tmp_path))  # type: ignore[arg-type]  # words only
    assert full.observed_by(f"before\n{line}\nafter") == (line if felt else "")


def test_half_of_no_data_at_all_is_no_room_anyone_meant(tmp_path: Path) -> None:
    """A system that keeps its data elsewhere: the disk would be filled to the last byte, and called half a backup."""
    system = SimpleNamespace(
        disks={"backup": Disk("backup", tmp_path, 1 << 20, "")},
        files=SimpleNamespace(database_bytes=lambda: 0, backup_bytes=lambda: 0, data_place=lambda: tmp_path / "data"),
        config=SimpleNamespace(name="mute"),
    )
    with pytest.raises(HarnessError) as caught:
        DiskFull("backup", leave=0.5).inject(system, "backup-1", lambda _: None)  # type: ignore[arg-type]  # no more
    assert caught.value.why == f"it is to leave 0.5 of the size of the data free, and {tmp_path}/data holds none"
