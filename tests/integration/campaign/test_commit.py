"""A run is of the commit of its checkout; only what judges and acts makes it another."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.campaign import provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("harness/judge.py", "scenarios/disk_full.py"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("")
    for words in (("init", "-q"), ("add", "."), ("-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x")):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    monkeypatch.setattr(provenance, "IS_CHECKOUT", True)
    return tmp_path


def test_a_scenario_that_is_removed_leaves_the_commit_what_it_is(checkout: Path) -> None:
    before = provenance.commit()
    (checkout / "scenarios" / "disk_full.py").unlink()
    assert provenance.commit() == before != ""


def test_a_change_of_the_harness_marks_it(checkout: Path) -> None:
    before = provenance.commit()
    (checkout / "harness" / "judge.py").write_text("changed")
    assert provenance.commit() == f"{before}-dirty"
