"""Which reports stay: the newest, what latest points to, and whatever is not finished or is no report."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign.retention import Aged, remove_beyond, reports
from harness.errors import HarnessError

NAMES = [f"2026010{day}T120000-quick-tiny-1" for day in range(1, 6)]


def report(folder: Path, not_run: int | None = None) -> Path:
    """A finished campaign, or a discrimination with so many runs that were not made."""
    folder.mkdir()
    name = "campaign.json" if not_run is None else "discriminate.json"
    (folder / name).write_text(json.dumps({"schema": 2, "counts": {"not_run": not_run}}))
    (folder / "big").write_bytes(b"x" * 50_000)
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Five reports, the newest is the latest."""
    for name in NAMES:
        report(tmp_path / name)
    (tmp_path / "latest").symlink_to(NAMES[-1])
    return tmp_path


@pytest.fixture
def recorded() -> list[str]:
    return []


def removed(out: Path, keep: int, recorded: list[str], **more: Any) -> list[Aged]:
    log = SimpleNamespace(record=lambda _kind, key, _about: recorded.append(key["path"]), done=lambda _: None)
    return [*remove_beyond(keep, out, log=log, **more)]  # type: ignore[arg-type]  # an undo log that writes nothing


def test_the_oldest_beyond_those_kept_are_removed_and_told(out: Path, recorded: list[str]) -> None:
    gone = removed(out, 3, recorded)
    assert [(a.name, a.outcome) for a in gone] == [(name, "removed") for name in NAMES[:2]]
    assert all(a.freed_bytes >= 50_000 for a in gone)
    assert sorted(p.name for p in out.iterdir()) == [*NAMES[2:], "latest"]
    assert recorded == [str(out / f".{name}.partial") for name in NAMES[:2]], "a crash in between is healed"


def test_a_dry_run_removes_nothing(out: Path, recorded: list[str]) -> None:
    assert [a.outcome for a in removed(out, 1, recorded, dry_run=True)] == ["would remove"] * 4
    assert len(reports(out)) == 5 and recorded == []


def test_what_latest_points_to_stays_however_old(out: Path, recorded: list[str]) -> None:
    (out / "latest").unlink()
    (out / "latest").symlink_to(NAMES[0])
    assert [(a.name, a.outcome) for a in removed(out, 1, recorded)] == [
        (NAMES[0], "kept"),
        *((name, "removed") for name in NAMES[1:4]),
    ]
    assert [p.name for p in reports(out)] == [NAMES[4], NAMES[0]]


def test_what_is_staged_linked_or_no_report_is_left_alone(out: Path, recorded: list[str]) -> None:
    others = [out / ".20250101T000000-quick-tiny-1.partial", out / "20250101T000000-mine", out / "notes"]
    for other in others:
        other.mkdir()
    (others[2] / "campaign.json").write_text("{}")
    link = out / "20250101T000000-linked"
    link.symlink_to(others[2])
    removed(out, 1, recorded)
    assert all(other.is_dir() for other in others) and link.is_symlink()


def test_a_discrimination_that_goes_on_or_could_is_kept(out: Path, recorded: list[str]) -> None:
    going_on = report(out / "20250101T000000-discriminate-a-1", not_run=0)
    unfinished = report(out / "20250102T000000-discriminate-a-1", not_run=7)
    finished = report(out / "20250103T000000-discriminate-a-1", not_run=0)
    descriptor = os.open(going_on, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        told = removed(out, 5, recorded)
    finally:
        os.close(descriptor)
    assert [(a.name, a.outcome) for a in told] == [
        (going_on.name, "kept"),
        (unfinished.name, "kept"),
        (finished.name, "removed"),
    ]
    assert "7 of its runs" in told[1].why


def test_one_that_cannot_be_removed_is_told_and_the_others_go(out: Path, recorded: list[str]) -> None:
    (out / NAMES[0] / "campaign.json").rename(out / NAMES[0] / "discriminate.json")
    (out / NAMES[0] / "discriminate.json").write_text("torn")
    told = removed(out, 3, recorded)
    assert [a.outcome for a in told] == ["failed", "removed"]
    assert "not readable" in told[0].why


def test_a_directory_that_holds_no_reports_but_is_one_is_refused(out: Path) -> None:
    with pytest.raises(HarnessError, match="it is a report itself"):
        reports(out / NAMES[0])
    with pytest.raises(HarnessError, match="no such directory"):
        reports(out / "nothing")
