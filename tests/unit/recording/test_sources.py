"""Who recorded is named, with the clock it was done by."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.recording.recorder import EVENTS, Recorder
from harness.recording.recording import Recording

pytestmark = pytest.mark.usefixtures("clock")


def test_the_recorder_names_itself_and_those_it_is_told_of(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.source("load-7", "samples/load-7.bin", "ledger/load-7.jsonl")
    recorder.close()
    inside, load = Recording(tmp_path).sources
    assert (inside.id, list(inside.files)) == ("inside", [EVENTS])
    assert (load.id, list(load.files)) == ("load-7", ["samples/load-7.bin", "ledger/load-7.jsonl"])
    # One kernel, one clock.
    assert inside.boot_id == load.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert {(s.clock, s.offset_ns, s.bound_ns) for s in (inside, load)} == {("CLOCK_MONOTONIC", 0, 0)}
