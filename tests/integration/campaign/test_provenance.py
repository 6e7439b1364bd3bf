"""What a run says of its origin, where git is asked."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.campaign import provenance
from harness.config.reader import load_system
from harness.registry import BUNDLED


def test_a_host_without_git_can_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == ""


@pytest.mark.parametrize(
    ("name", "file"), [("naive", "reference/kit/web.py"), ("shellkit-repaired", "shellkit/machine.sh")]
)
def test_a_kit_in_another_folder_is_part_of_the_system(name: str, file: str, tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "bundled")
    config = load_system(str(tmp_path / "bundled" / name), BUNDLED)
    before = provenance.provenance(config, "", "")
    assert f"../{file}" in before["files"]
    with (tmp_path / "bundled" / file).open("a") as changed:
        changed.write("# changed\n")
    after = provenance.provenance(config, "", "")
    assert [n for n in after["files"] if after["files"][n] != before["files"][n]] == [f"../{file}"]
    assert after["system_hash"] != before["system_hash"]
