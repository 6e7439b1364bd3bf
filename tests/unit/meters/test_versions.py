"""The watch over which version is in service."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

from harness.meters.versions import VersionWatch
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording


def test_each_change_is_recorded_between_two_questions_and_no_answer_is_no_change(tmp_path: Path) -> None:
    answers = iter(["1", "1", "", "2", "", "2", "1"])
    asked: list[int] = []

    def version() -> str:
        asked.append(time.monotonic_ns())
        return next(answers, "1")

    recorder = Recorder(tmp_path / "run")
    watch = VersionWatch(SimpleNamespace(version=version, recorder=recorder))  # type: ignore[arg-type]
    watch.start()
    end = time.monotonic() + 5
    while len(asked) < 9:
        assert time.monotonic() < end
        time.sleep(0.01)
    watch.stop()
    watch.stop()
    recorder.close()
    recording = Recording(tmp_path / "run")
    seen = [*recording.of_kind("version.seen")]
    assert [e["version"] for e in seen] == ["1", "2", "1"]
    # "2" came after the second answer "1", the question without an answer between them told nothing.
    assert asked[0] < seen[1]["before_ns"] <= asked[1] < asked[3] <= seen[1]["t"]
    assert len([*recording.of_kind("version.watched")]) == 1
