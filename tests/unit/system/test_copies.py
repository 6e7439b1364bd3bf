"""What is copied out of a system is bounded, and is no key."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness.system.copies import ARTEFACTS, LOGS, Copies


def copied(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


@pytest.mark.parametrize("name", ["backup.key", "server.pem", ".env", "id_rsa", "my-secrets.json", "db_password.txt"])
def test_what_is_called_like_a_key_is_not_copied_and_that_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    copies = Copies(tmp_path / "out", ARTEFACTS)
    copies.copy(tmp_path / name, name)
    assert copied(tmp_path / "out") == {}
    said = "left out of the recording, each a file of the data directory: 1 that look like keys"
    assert copies.left_out() == said


@pytest.mark.parametrize("name", ["app.db", "monkey.log", "tokenizer.log", "keyboard.txt", "environment.log"])
def test_what_only_sounds_like_one_is_copied(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("x")
    copies = Copies(tmp_path / "out", LOGS)
    copies.copy(tmp_path / name, name)
    assert (copied(tmp_path / "out"), copies.left_out()) == ({name: b"x"}, "")


def test_a_private_key_by_any_name_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("-----BEGIN EC PRIVATE KEY-----\nMHc")
    copies = Copies(tmp_path / "out", LOGS)
    copies.copy(tmp_path / "notes", "notes")
    assert copied(tmp_path / "out") == {}


def test_links_fifos_and_directories_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "fifo")
    copies = Copies(tmp_path / "out", LOGS)
    for name in ("link", "fifo", "out"):
        copies.copy(tmp_path / name, name)
    assert (copied(tmp_path / "out"), copies.left_out()) == ({}, "")


def test_names_that_no_file_system_takes_or_that_meet_become_names_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("x")
    copies = Copies(tmp_path / "out", LOGS)
    for name in ("a/b", "a__b", "d" * 250 + "/" + "n" * 250, "e" * 250 + "/" + "n" * 250, "\udcff\x1b"):
        copies.copy(tmp_path / "log", name)
    assert len(copied(tmp_path / "out")) == 5


def test_of_a_long_log_the_end_is_copied_and_of_too_many_the_rest_is_counted(tmp_path: Path) -> None:
    bounds = replace(LOGS, most_files=2, most_bytes=4)
    copies = Copies(tmp_path / "out", bounds)
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text("the end")
        copies.copy(tmp_path / name, name)
    assert copied(tmp_path / "out") == {"one": b" end", "two": b" end"}
    assert "1 that are beyond 2 files" in copies.left_out()
