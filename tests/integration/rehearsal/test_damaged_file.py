"""A backup is damaged as said, and is what it was afterwards, whoever owns it and whatever became of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.island import mounts
from harness.rehearsal.damaged_file import MUTATIONS, CannotDamage, damaged

CONTENT = bytes(range(200)) * 100


def of(content: bytes, mutation: str) -> bytes:
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 0x5A]) + content[middle + 1 :]
    return {"flipped": flipped, "truncated": content[: len(content) * 6 // 10], "empty": b""}[mutation]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    place = tmp_path / "scratch"
    place.mkdir()
    return place


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    file = tmp_path / "backups" / "one.backup"
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    file.chmod(0o640)
    os.utime(file, ns=(10**18, 10**18))
    return file


@pytest.fixture
def read_only(backup: Path) -> Iterator[Path]:
    """The same where nobody can write to it."""
    with suppress(HarnessError):  # an ordinary user may not mount, and cannot write to it either
        mounts.mount(str(backup.parent), backup.parent, flags=mounts.MS_BIND)
        mounts.set_read_only(backup.parent, True)
    if os.geteuid() != 0:
        backup.chmod(0o440)
    yield backup
    if os.geteuid() == 0:
        mounts.detach(backup.parent)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_within_it_is_damaged_and_afterwards_what_it_was(backup: Path, scratch: Path, mutation: str) -> None:
    with damaged(backup, mutation, scratch):
        assert backup.read_bytes() == of(CONTENT, mutation)
    assert backup.read_bytes() == CONTENT
    assert (backup.stat().st_mtime_ns, backup.stat().st_mode & 0o777) == (10**18, 0o640)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_one_that_was_struck_off_meanwhile_is_there_again(backup: Path, scratch: Path, mutation: str) -> None:
    with damaged(backup, mutation, scratch):
        backup.unlink()
    assert (backup.read_bytes(), backup.stat().st_mode & 0o777) == (CONTENT, 0o640)


def test_one_that_was_appended_to_is_as_long_as_it_was(backup: Path, scratch: Path) -> None:
    with damaged(backup, "truncated", scratch), backup.open("ab") as file:
        file.write(bytes(10**6))
    assert backup.read_bytes() == CONTENT


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_one_that_nobody_can_write_to_is_covered_by_a_damaged_copy(
    read_only: Path, scratch: Path, mutation: str
) -> None:
    try:
        with damaged(read_only, mutation, scratch):
            assert read_only.read_bytes() == of(CONTENT, mutation)
            assert read_only.stat().st_mode & 0o777 == 0o640
    except CannotDamage as cannot:
        assert os.geteuid() != 0, cannot
        assert "Permission denied" in str(cannot)
    assert read_only.read_bytes() == CONTENT
    assert list(scratch.iterdir()) == []


def test_what_goes_wrong_within_is_no_fault_of_the_damage(backup: Path, scratch: Path) -> None:
    with pytest.raises(PermissionError, match="on purpose"), damaged(backup, "empty", scratch):
        raise PermissionError("on purpose")
    assert backup.read_bytes() == CONTENT


def test_one_that_is_not_there_cannot_be_damaged(backup: Path, scratch: Path) -> None:
    backup.unlink()
    with pytest.raises(CannotDamage), damaged(backup, "empty", scratch):
        pytest.fail("there is nothing to damage")
