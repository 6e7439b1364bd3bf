"""Where a run comes from: what cannot be found out about it keeps no run from being made."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.run import provenance


def test_a_host_without_git_can_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.commit() == ""


def test_a_file_that_is_not_ours_to_read_is_named_as_such(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read = Path.read_bytes

    def refused(path: Path) -> bytes:  # root may read everything: the refusal is played
        if path.name == "secrets.json":
            raise PermissionError(13, "Permission denied")
        return read(path)

    for name in ("secrets.json", "system.toml"):
        (tmp_path / name).write_text("{}")
    monkeypatch.setattr(Path, "read_bytes", refused)
    hashes = provenance._hashes(tmp_path)
    assert hashes["secrets.json"] == "unreadable"
    assert len(hashes["system.toml"]) == 64
