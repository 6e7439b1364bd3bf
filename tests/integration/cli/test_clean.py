"""The verb clean, as a person calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from harness.host import undo


def clean(*words: str | Path) -> tuple[int, str, str]:
    argv = [sys.executable, "-m", "harness.cli", "clean", *map(str, words)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_it_says_what_it_removed_and_how_much_that_was(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        folder = tmp_path / f"2026010{day}T000000-quick-tiny-1"
        (folder / "baseline-once").mkdir(parents=True)
        (folder / "campaign.json").write_text(json.dumps({"schema": 2}))
        (folder / "baseline-once" / "samples.bin").write_bytes(b"x" * 4_000_000)
    (tmp_path / "notes").mkdir()
    code, told, _ = clean("--keep", "1", "--out", tmp_path, "--dry-run")
    assert code == 0 and told.count("would remove: 2026010") == 2
    code, told, _ = clean("--keep", "1", "--out", tmp_path)
    *each, last = told.splitlines()
    assert code == 0 and [line.split()[1][:8] for line in each] == ["20260101", "20260102"]
    assert last.startswith(f"removed 2 of 3 reports in {tmp_path}, 8.") and last.endswith("MB freed")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["20260103T000000-quick-tiny-1", "notes"]
    assert [h for h in undo.heal(dry_run=True) if str(tmp_path) in h.subject] == []


def test_a_report_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "campaign.json").write_text("{}")
    code, told, why = clean("--out", tmp_path)
    assert (code, told) == (64, "") and "it is a report itself" in why
    assert (tmp_path / "campaign.json").exists()
