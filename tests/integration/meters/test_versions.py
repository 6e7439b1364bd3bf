"""The watch over which version is in service."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

from harness.meters.versions import VersionWatch
from harness.recording.events import VersionSeen, VersionSilent, VersionWatched
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.http import Answer

REFUSED = "ConnectionRefusedError: [Errno 111] Connection refused"


def watched(tmp_path: Path, answer: Callable[[], tuple[str, Answer]], questions: int) -> tuple[Recording, list[int]]:
    """What a watch recorded of so many questions, and when each was asked."""
    asked: list[int] = []

    def version_asked() -> tuple[str, Answer]:
        asked.append(time.monotonic_ns())
        return answer()

    recorder = Recorder(tmp_path / "run")
    watch = VersionWatch(SimpleNamespace(version_asked=version_asked), recorder)  # type: ignore[arg-type]  # asked only
    watch.start()
    end = time.monotonic() + 5
    while len(asked) < questions:
        assert time.monotonic() < end
        time.sleep(0.01)
    watch.stop()
    watch.stop()
    recorder.close()
    return Recording(tmp_path / "run"), asked


def told(*versions: str) -> Callable[[], tuple[str, Answer]]:
    """These answers, and then "1"; one with a blank in it is what was said instead of a version."""
    left = iter(versions)

    def answer() -> tuple[str, Answer]:
        version = next(left, "1")
        return (
            ("", Answer(0, b"", version, refused=version == REFUSED))
            if " " in version
            else (version, Answer(200, version.encode()))
        )

    return answer


def test_each_change_is_recorded_between_two_questions_and_no_answer_is_no_change(tmp_path: Path) -> None:
    answers = told("1", "1", REFUSED, "2", "TimeoutError: timed out", "2", "1")
    recording, asked = watched(tmp_path, answers, 9)
    seen = [*recording.of(VersionSeen)]
    assert [e.version for e in seen] == ["1", "2", "1"]
    # "2" came after the second answer "1", the question without an answer between them told nothing.
    assert asked[0] < seen[1].before_ns <= asked[1] < asked[3] <= seen[1].t
    assert len([*recording.of(VersionWatched)]) == 1


def test_what_got_no_answer_is_recorded_with_what_was_said_instead(tmp_path: Path) -> None:
    recording, asked = watched(tmp_path, told("1", REFUSED, "TimeoutError: timed out", "2", REFUSED, "2"), 7)
    first, second = recording.of(VersionSilent)
    assert (first.questions, first.refused, first.said, first.version) == (2, 1, REFUSED, "2")
    assert asked[0] < first.since_ns <= asked[1] < asked[3] <= first.t
    assert (second.questions, second.refused, second.version) == (1, 1, "2")


def test_a_silence_that_lasts_to_the_end_is_recorded_too(tmp_path: Path) -> None:
    recording, _ = watched(tmp_path, told("1", *["TimeoutError: timed out"] * 50), 5)
    (silent,) = recording.of(VersionSilent)
    assert silent.version == "" and silent.questions >= 3 and silent.refused == 0


def test_a_watch_that_dies_leaves_a_silence_and_not_a_look_at_everything(tmp_path: Path) -> None:
    def answer() -> tuple[str, Answer]:
        if not answers:
            raise RuntimeError("no more")
        return answers.pop(), Answer(200, b"1")

    answers = ["1", "1"]
    recording, asked = watched(tmp_path, answer, 3)
    (silent,) = recording.of(VersionSilent)
    assert silent.said == "the watch ended early: RuntimeError: no more"
    assert (silent.questions, silent.refused, silent.version) == (0, 0, "")
    assert asked[0] < silent.since_ns <= asked[1] < asked[2]
