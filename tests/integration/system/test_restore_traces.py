"""A restore that did something is told from one that did nothing by what it left, on a real file system."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.system.restore_traces import RestoreTraces


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Data, and a backup of them that was read before, as by whoever checked it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.db").write_bytes(b"x" * 100_000)
    (tmp_path / "data" / "notes.log").write_bytes(b"x" * 100)
    shutil.copytree(tmp_path / "data", tmp_path / "backup")
    (tmp_path / "backup" / "notes.db").read_bytes()
    return tmp_path


def test_nothing_done_leaves_no_trace(place: Path) -> None:
    traces = RestoreTraces(place / "data", str(place / "backup"))
    (place / "data" / "notes.db").write_bytes(b"y" * 100_000)  # as the service does
    (place / "backup" / "notes.db").stat()
    assert traces.left() is False


def test_a_backup_that_was_read_is_one(place: Path) -> None:
    traces = RestoreTraces(place / "data", str(place / "backup"))
    with (place / "data" / "notes.db").open("r+b") as data:  # in place
        data.write((place / "backup" / "notes.db").read_bytes())
    assert traces.left() is True


def test_a_backup_that_was_moved_is_one(place: Path) -> None:
    traces = RestoreTraces(None, str(place / "backup"))
    (place / "backup" / "notes.db").rename(place / "elsewhere")
    assert traces.left() is True


@pytest.mark.parametrize("file", ["data", "data/notes.db"])
@pytest.mark.parametrize("kept", [True, False], ids=["beside it", "in its number"])
def test_new_files_in_the_place_of_the_old_are_one(place: Path, file: str, kept: bool) -> None:
    traces = RestoreTraces(place / file, "snapshot-17")
    old = place / "data" / "notes.db"
    if kept:
        old.rename(place / "old.db")
    else:
        old.unlink()
    old.write_bytes(b"z" * 100_000)
    assert traces.left() is True


def test_a_directory_in_the_place_of_the_old_is_one(place: Path) -> None:
    traces = RestoreTraces(place / "data", "snapshot-17")
    (place / "data").rename(place / "old")
    shutil.copytree(place / "old", place / "data")
    assert traces.left() is True


def test_what_the_service_itself_does_with_its_files_is_none(place: Path) -> None:
    """A log may outgrow the data, and be removed."""
    traces = RestoreTraces(place / "data", "snapshot-17")
    log = place / "data" / "notes.log"
    log.write_bytes(b"x" * 200_000)
    assert traces.left() is False
    of_log = RestoreTraces(place / "data", "snapshot-17")
    log.unlink()
    assert of_log.left() is False


def test_files_in_use_keep_their_times(place: Path) -> None:
    backup = place / "backup" / "notes.db"
    before = backup.stat()
    RestoreTraces(None, str(backup), ours=False)
    assert (backup.stat().st_atime_ns, backup.stat().st_ctime_ns) == (before.st_atime_ns, before.st_ctime_ns)


@pytest.mark.parametrize("backup", ["/" + "x" * 300, "/root/nobody/is/there"])
def test_a_backup_that_cannot_be_looked_at_is_not_watched(backup: str) -> None:
    assert RestoreTraces(None, backup).left() is None


def test_where_nothing_can_be_looked_at_nothing_is_known(place: Path) -> None:
    assert RestoreTraces(None, "snapshot-17").left() is None
    assert RestoreTraces(place / "data", "snapshot-17").left() is False
