"""A text of an event is kept short, whoever said it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.recording.events import RunFailed
from harness.recording.recorder import EVENTS, MOST_CHARS, Recorder

pytestmark = pytest.mark.usefixtures("clock")


def test_a_text_of_a_megabyte_is_cut_and_says_so(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.record(RunFailed(text="A" * 1_000_000, hint="short", code=3))
    recorder.close()
    first = json.loads((tmp_path / EVENTS).read_text().splitlines()[0])
    assert first["text"] == "A" * MOST_CHARS + f"... ({1_000_000 - MOST_CHARS} characters left out)"
    assert (first["hint"], first["code"]) == ("short", 3)
