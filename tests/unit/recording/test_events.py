"""An event is written as one line and read back as it was; what is no event is counted, what is new is passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from harness.model import Instant
from harness.recording.events import (
    Custom,
    Event,
    FaultPlanned,
    LoadStopping,
    OperationStopped,
    PhaseEdge,
    PlannedCut,
    PowerPlanned,
    Warned,
    decode,
    encode,
)
from harness.recording.problems import Problem
from harness.recording.recorder import EVENTS, Recorder
from harness.recording.recording import Recording

pytestmark = pytest.mark.usefixtures("clock")

STOPPED = OperationStopped(
    id="validate-1",
    name="validate",
    repeat=0,
    warmup=True,
    expect="any",
    start_ns=1,
    gate_ns=0,
    exit=None,
    damaged_how="flipped",
    group=2,
    version_after_s=0.25,
)


@pytest.mark.parametrize(
    "event",
    [
        STOPPED,
        LoadStopping(),
        PhaseEdge(operation="deploy-1", phase="deploy.lock", event="stop", by="log", held=False, late_ns=7, ended=True),
        PowerPlanned(cuts=[PlannedCut(1, 5, "backup.copy", 9)], asked=1, states=["cut-1-all"]),
        FaultPlanned(id="fault-1", name="pause", parameters={"seconds": 2.5}, at="deploy.start #1", hold=3.5),
        Custom(owner="ours", fields={"queue": [1, 2]}),
    ],
    ids=lambda event: event.kind,
)
def test_what_is_recorded_is_read_back_as_it_was_with_its_moment(tmp_path: Path, event: Event) -> None:
    recorder = Recorder(tmp_path)
    moment = recorder.record(event, Instant(7, 9))
    recorder.close()
    (read,) = Recording(tmp_path).of(type(event))
    assert (read.instant, read.n) == (moment, 0) == (Instant(7, 9), 0)
    assert msgspec.structs.replace(read, t=-1, w=-1, n=-1) == event


def test_what_is_nothing_takes_no_room_in_a_line() -> None:
    line = encode(PhaseEdge(operation="deploy-1", phase="deploy.lock", event="start", t=1, w=2, n=0))
    assert json.loads(line).keys() == {"kind", "operation", "phase", "event", "t", "w", "n"}


def test_half_a_letter_of_a_system_does_not_break_the_recording() -> None:
    (said,) = (e.text for e in [decode(encode(Warned(text="a\ud800b", t=1, w=2, n=0)))] if isinstance(e, Warned))
    assert said == "a?b"


def test_a_value_that_json_has_not_is_written_as_its_text() -> None:
    event = FaultPlanned(id="f", name="own", parameters={"place": Path("/data")}, at="x", t=1, w=2, n=0)
    read = decode(encode(event))
    assert isinstance(read, FaultPlanned) and read.parameters == {"place": "/data"}


def recorded(folder: Path, *lines: dict[str, Any] | str) -> Recording:
    """A recording of a warning, these lines and its end."""
    moment = {"t": 5, "w": 7}
    whole = [{"kind": "warning", "text": "first"}, *lines, {"kind": "recording.complete", "events": len(lines) + 2}]
    folder.mkdir(exist_ok=True)
    (folder / EVENTS).write_text(
        "".join(
            (line if isinstance(line, str) else json.dumps({**moment, "n": n, **line})) + "\n"
            for n, line in enumerate(whole)
        )
    )
    return Recording(folder)


def test_fields_and_kinds_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    recording = recorded(tmp_path, {"kind": "warning", "text": "x", "since": 4}, {"kind": "moon.phase", "text": 5})
    assert [e.text for e in recording.of(Warned)] == ["first", "x"]
    assert type(recording.events[2]) is Event
    assert recording.problems == ()


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "warning"},
        {"kind": "warning", "text": 5},
        {"kind": "load.steady", "rate_per_s": "many", "seconds": 1},
        {"kind": "warning", "text": "x", "n": 7},
        {"kind": "warning", "text": "x", "t": -1},
        '{"kind": "warning", "text": "without its moment"}',
        '{"kind": "warni',
        "[]",
        "",
    ],
    ids=str,
)
def test_a_line_that_is_no_event_is_told_as_a_problem_and_the_others_are_read(tmp_path: Path, line: Any) -> None:
    recording = recorded(tmp_path, line)
    assert [e.kind for e in recording.events] == ["warning", "recording.complete"]
    assert recording.problems == (Problem("events_torn", count=1, total=3),)
