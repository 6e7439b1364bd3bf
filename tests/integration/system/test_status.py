"""What a kit's `status` says, read; also of copies off site."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.config.reader import load_system
from harness.model import OffsiteCopy
from harness.recording.recorder import Recorder
from harness.system.live import LiveSystem
from harness.system.operations import Operations, Status

Say = Callable[[object], Status]
BACKUP = {"name": "one", "path": "/backup/one.backup", "size": 7, "eligible": True}


@pytest.fixture
def say(tmp_path: Path) -> Iterator[Say]:
    """What is made of a status that prints this."""
    config = load_system("hardened", registry.BUNDLED)
    recorder = Recorder(tmp_path / "run")
    nobody: Any = None

    def status(said: object) -> Status:
        command = ("echo", said if isinstance(said, str) else json.dumps(said))
        operations = {**config.operations, "status": replace(config.operations["status"], command=command)}
        system = LiveSystem(
            replace(config, operations=operations), tmp_path / "sut", 8080, 1, {}, recorder, sys.executable
        )
        return Operations(system, nobody, nobody).status()

    yield status
    recorder.close()


def test_copies_off_site_are_read_with_what_they_count_for(say: Say) -> None:
    copies = [
        {"name": "one", "object": "one.backup", "counts": True},
        {"name": "two", "object": "two", "counts": False},
    ]
    status = say({"latest": "/backup/one.backup", "backups": [BACKUP], "offsite": copies})
    assert status.error == "" and status.latest == "/backup/one.backup"
    assert status.offsite == (OffsiteCopy("one", "one.backup", True), OffsiteCopy("two", "two", False))


def test_a_status_that_does_not_speak_of_copies_is_told_from_one_that_has_none(say: Say) -> None:
    assert say({"latest": None, "backups": []}).offsite is None
    assert say({"latest": None, "backups": [], "offsite": []}).offsite == ()


@pytest.mark.parametrize("said", ["{", {"backups": []} | {"offsite": [{"name": "one"}]}, {"backups": [{}]}])
def test_a_status_that_cannot_be_read_is_an_error(say: Say, said: object) -> None:
    status = say(said)
    assert "status did not end with the documented JSON line" in status.error
    assert status.offsite is None


@pytest.mark.parametrize(
    "said",
    [
        "[" * 100_000,
        '{"latest": null, "backups": [{"name": "a", "path": "b", "size": 1e999, "eligible": true}]}',
        {"latest": "/backup/\0", "backups": []},
        {"latest": "/backup/\ud800", "backups": []},
        {"latest": None, "backups": [{**BACKUP, "path": "/" + "a" * 5000}]},
        {"latest": None, "backups": [], "offsite": [{"name": "a\0", "object": "b", "counts": True}]},
    ],
)
def test_what_no_file_can_be_called_and_no_reader_can_take_is_an_error_of_the_kit(say: Say, said: object) -> None:
    status = say(said)
    assert "status did not end with the documented JSON line" in status.error
    assert len(status.error) < 400


def test_separators_that_are_not_a_newline_do_not_end_the_line(say: Say) -> None:
    line = json.dumps({"latest": None, "backups": [{**BACKUP, "name": "a\u2028b"}]}, ensure_ascii=False)
    assert [a.name for a in say(line).artefacts] == ["a\u2028b"]
