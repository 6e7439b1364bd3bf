"""A backup is dated by which of the files that had its path it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.model import NS
from harness.recording.recorder import Recorder
from harness.rehearsal.phase_record import PhaseRecord
from harness.rehearsal.snapshots import Snapshots
from harness.system.largest_file import identity
from harness.system.operations import OperationResult
from tests.unit.purity import SteppedClock


@pytest.fixture
def snapshots(tmp_path: Path, clock: SteppedClock) -> Iterator[Snapshots]:
    """Of a kit that marks no phase."""
    recorder = Recorder(tmp_path / "run")
    yield Snapshots(PhaseRecord(recorder))
    recorder.close()


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "db.sql.gz"


def written(path: Path, second: int) -> None:
    """Anew, as a kit does that writes beside it and renames."""
    beside = path.with_suffix(".new")
    beside.write_text(f"of second {second}")
    os.utime(beside, ns=(second * NS, second * NS))
    beside.rename(path)


def done(id_: str, second: int, exit_: int = 0) -> OperationResult:
    return OperationResult(id_, exit_, second * NS, (second + 1) * NS)


def test_one_that_replaced_another_is_the_newer(snapshots: Snapshots, backup: Path) -> None:
    written(backup, 1)
    snapshots.remember(done("backup-1", 1), str(backup), "1")
    first = identity(str(backup))
    written(backup, 5)
    snapshots.remember(done("backup-2", 5), str(backup), "2")
    assert (snapshots.taken_ns(str(backup)), snapshots.version_of(str(backup))) == ((5 * NS, 6 * NS), "2")
    assert snapshots.taken_ns(str(backup), first) == (1 * NS, 2 * NS)  # as before the cut


def test_one_whose_upload_failed_is_dated_once_it_lies_there(snapshots: Snapshots, backup: Path) -> None:
    written(backup, 1)
    snapshots.remember(done("backup-1", 1), str(backup), "1")
    snapshots.remember(done("backup-2", 3, 1), str(backup), "1")  # it left the old one there
    assert snapshots.taken_ns(str(backup)) == (1 * NS, 2 * NS)
    written(backup, 5)
    snapshots.remember(done("backup-3", 5, 1), str(backup), "1")
    assert snapshots.taken_ns(str(backup)) == (5 * NS, 6 * NS)


def test_a_deployment_may_write_one_under_a_known_name(snapshots: Snapshots, backup: Path, clock: SteppedClock) -> None:
    written(backup, 1)
    snapshots.remember(done("backup-1", 1), str(backup), "1")
    snapshots.seen(done("deploy-1", 3), str(backup), "1")
    assert snapshots.taken_ns(str(backup)) == (1 * NS, 2 * NS)
    written(backup, 2_000_000_000)  # after whatever the clock says
    snapshots.seen(done("deploy-2", 7), str(backup), "1")
    assert snapshots.taken_ns(str(backup)) == (7 * NS, 8 * NS)


def test_one_that_was_removed_and_put_back_is_the_same(snapshots: Snapshots, backup: Path, clock: SteppedClock) -> None:
    written(backup, 1)
    snapshots.remember(done("backup-1", 1), str(backup), "1")
    snapshots.listed([])
    beside = backup.with_suffix(".kept")
    written(beside, 1)
    backup.unlink()
    beside.rename(backup)
    snapshots.seen(done("validate-1", 3), str(backup), "1")
    assert snapshots.taken_ns(str(backup)) == (1 * NS, 2 * NS)


def test_one_that_is_known_by_an_id_was_made_since_it_was_not_listed(snapshots: Snapshots, clock: SteppedClock) -> None:
    snapshots.seen(done("deploy-1", 3), "4f3c1a2b", "1")
    assert snapshots.taken_ns("4f3c1a2b") is None  # nothing was listed before: it may be of before the run
    snapshots.listed(["4f3c1a2b"])
    snapshots.seen(done("deploy-2", 5), "4f3c1a2b", "1")
    assert snapshots.taken_ns("4f3c1a2b") is None
    snapshots.seen(done("deploy-3", 7), "9d8e7f6a", "1")
    assert snapshots.taken_ns("9d8e7f6a") == (7 * NS, 8 * NS)
