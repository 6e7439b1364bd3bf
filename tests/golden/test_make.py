"""A new recording is scrubbed and stays whole; a run that shows something else is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness.recording.recording import Recording
from tests.golden.accept import NAMES, expected, recording
from tests.golden.make import scrub, why_not


def test_scrubbing_replaces_whole_words_and_places_and_keeps_the_recording_whole(tmp_path: Path) -> None:
    folder = shutil.copytree(recording("pass"), tmp_path / "run")
    scrub(folder, {"/mnt/drill/sut": "/elsewhere", "/mnt/drill": "/nowhere"}, {"baseline": "review", "rest": "never"})
    scrubbed = Recording(folder)
    assert scrubbed.problems == ()
    assert (scrubbed.plan["plan"]["work"], scrubbed.plan["plan"]["scenario"]) == ("/nowhere", "review")
    assert {path for o in scrubbed.observations for path in (a.path for a in o.artefacts)} == {
        "/elsewhere/backup/0001.db",
        "/elsewhere/backup/0002.db",
    }
    assert [o.name for o in scrubbed.operations] == [o.name for o in Recording(recording("pass")).operations]


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_taken_for_what_it_shows_and_for_nothing_else(name: str) -> None:
    result = json.loads((expected(name) / "result.json").read_text())
    assert [other for other in NAMES if not why_not(other, recording(name), result)] == [name]


def test_an_unknown_for_the_sake_of_the_machine_is_not_taken() -> None:
    result = json.loads((expected("unknown") / "result.json").read_text())
    late = next(f for f in result["findings"] if f["outcome"] == "unknown")
    late["matter"] = "host"
    (reason,) = why_not("unknown", recording("unknown"), result)
    assert late["code"] in reason


def test_a_torn_recording_is_not_taken(tmp_path: Path) -> None:
    folder = shutil.copytree(recording("pass"), tmp_path / "run")
    (folder / "events.jsonl").write_text("{")
    result = json.loads((expected("pass") / "result.json").read_text())
    assert len(why_not("pass", folder, result)) == len(Recording(folder).problems) > 0
