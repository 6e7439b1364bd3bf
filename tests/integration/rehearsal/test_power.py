"""A cell that promises nudged states is not green without the nudging."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.disks.nudging import Nudging
from harness.model import Edge
from harness.plan import PowerCuts
from harness.recording.events import LeftOut
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal.power import PowerLossRun


def left_out(folder: Path, path: Path) -> list[str]:
    """What is recorded as left out of a run whose second backup is cut; the disk lies at ``path``."""
    recorder = Recorder(folder)
    disk: Any = SimpleNamespace(path=path, lost="gone")
    nothing: Any = None
    run = PowerLossRun(PowerCuts("backup", (), 2, nudge=True), nothing, nothing, disk, recorder)
    run.on_edge(Edge("backup", "start"), "backup-1")
    run.on_edge(Edge("backup", "start"), "backup-2")
    if run._nudging:
        run._nudging._thread.join(0.2)
    run.cut(folder, {})
    run.stop()
    recorder.close()
    return [f"{e.what}: {e.why}" for e in Recording(folder).of(LeftOut)]


def test_nothing_is_left_out_where_the_disk_was_nudged_to_the_end(tmp_path: Path) -> None:
    assert left_out(tmp_path / "run", tmp_path) == []


def test_nudging_that_ended_early_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise OSError(5, "broken")

    monkeypatch.setattr(Nudging, "_change", broken)
    assert left_out(tmp_path / "run", tmp_path) == ["nudging the journal: it ended after 0 times: broken"]


def test_nudging_that_cannot_begin_is_left_out_and_the_operation_goes_on(tmp_path: Path) -> None:
    why = "nudging the journal: it could not begin: No such file or directory"
    assert left_out(tmp_path / "run", tmp_path / "missing") == [why]
