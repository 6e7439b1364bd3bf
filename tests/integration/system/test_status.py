"""What a kit's `status` says, read; also of copies off site."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from harness import registry
from harness.config.reader import load_system
from harness.model import OffsiteCopy
from harness.recording.recorder import Recorder
from harness.system.live import LiveSystem
from harness.system.operations import Operations, Status

Say = Callable[..., Status]
BACKUP = {"name": "one", "path": "/backup/one.backup", "size": 7, "eligible": True}


@pytest.fixture
def say(tmp_path: Path) -> Iterator[Say]:
    """What is made of a status that prints this."""
    config = load_system("hardened", registry.BUNDLED)
    recorder = Recorder(tmp_path / "run")
    nobody: Any = None

    def status(said: object, deadline_s: float = 20.0) -> Status:
        command = said if isinstance(said, tuple) else ("echo", said if isinstance(said, str) else json.dumps(said))
        changed = replace(config.operations["status"], command=command, deadline_s=deadline_s)
        operations = {**config.operations, "status": changed}
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
    assert status.error
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
    assert status.error
    assert len(status.error) < 400


def test_separators_that_are_not_a_newline_do_not_end_the_line(say: Say) -> None:
    line = json.dumps({"latest": None, "backups": [{**BACKUP, "name": "a\u2028b"}]}, ensure_ascii=False)
    assert [a.name for a in say(line).artefacts] == ["a\u2028b"]


LINE = json.dumps({"latest": "/backup/one.backup", "backups": [BACKUP]})


def shell(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script, "sh", LINE)


@pytest.mark.parametrize(
    "script",
    [
        'echo "$1"; echo WARN: low on disk >&2',
        'echo "$1"; echo \'{"level":30,"msg":"done"}\'',
        'echo \'{"level":30,"msg":"looking"}\'; echo "$1"; echo bye',
        'echo "$1" | sed "s/, /,\\n  /g; s/^{/{\\n  /; s/}$/\\n}/"',
        'echo "$1"; sleep 1000 & exit 0',
    ],
    ids=["a warning on stderr after it", "a log as JSON after it", "other lines around it", "on many lines", "a child"],
)
def test_the_object_is_found_whatever_stands_around_it(say: Say, script: str) -> None:
    status = say(shell(script))
    assert (status.error, status.latest) == ("", "/backup/one.backup")


def test_of_a_status_that_fails_the_line_is_quoted_that_tells_why(say: Say) -> None:
    status = say(
        shell("echo looking; echo 'sqlite: unable to open database: Permission denied' >&2; echo bye >&2; exit 4")
    )
    assert status.error == "status exited with 4: sqlite: unable to open database: Permission denied"


def test_a_status_that_does_not_end_is_ended_with_all_it_started(say: Say) -> None:
    status = say(shell("echo waiting for the lock; sleep 987654 & wait"), 0.3)
    assert status.error == "status had not ended after 0.3 s: waiting for the lock"
    assert not [p for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == ["sleep", "987654"]]
