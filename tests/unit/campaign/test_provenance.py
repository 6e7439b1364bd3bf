"""Where a run comes from: what cannot be found out about it keeps no run from being made."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from harness.campaign import provenance
from harness.config.reader import load_system
from harness.registry import BUNDLED
from tests.e2e.command import TINY


def test_a_file_that_is_not_ours_to_read_is_named_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read = Path.read_bytes

    def refused(path: Path) -> bytes:  # root may read everything: the refusal is played
        if path.name == "secrets.json":
            raise PermissionError(13, "Permission denied")
        return read(path)

    system = tmp_path / "system"
    shutil.copytree(TINY, system)
    (system / "secrets.json").write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", refused)
    hashes = provenance._hashes(load_system(str(system), BUNDLED))
    assert hashes["secrets.json"] == "unreadable"
    assert len(hashes["system.toml"]) == 64


def test_a_system_in_one_folder_is_that_folder() -> None:
    hashes = provenance._hashes(load_system("hardened", BUNDLED))
    assert {"system.toml", "kit/web.py", "service/app.py", "monitor.py"} <= hashes.keys()
    assert not [name for name in hashes if name.startswith("..")]


def test_of_a_folder_that_holds_the_systems_own_only_what_is_named_counts(tmp_path: Path) -> None:
    system = tmp_path / "repository" / "ops"
    shutil.copytree(TINY, system)
    for name in ("deploy kit.sh", "anything.py", "lib/tool.py", "lib/more.sh"):
        path = tmp_path / "repository" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    (system / "python").symlink_to(sys.executable)  # next to which is what is not the system's
    text = (system / "system.toml").read_text()
    for old, new in (
        ('["{python}", "{system}/tiny.py", "backup"]', '["sh", "-c", "cd / && {system}/../lib/tool.py; true"]'),
        ('["{python}", "{system}/tiny.py", "restore"]', '["{system}/../deploy kit.sh"]'),
        ('["{python}", "{system}/tiny.py", "status"]', '["{system}/python", "{system}/../' + "x" * 300 + '"]'),
        ('TINY_DIR = "{dir}"', 'TINY_DIR = "{dir}"\nREPOSITORY = "{system}/.."'),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (system / "system.toml").write_text(text)
    hashes = provenance._hashes(load_system(str(system), BUNDLED))
    elsewhere = [name for name in hashes if name.startswith("..")]
    assert "tiny.py" in hashes
    assert sorted(elsewhere) == ["../deploy kit.sh", "../lib/more.sh", "../lib/tool.py"]
