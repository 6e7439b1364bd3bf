"""A campaign: which cells go on at once, what becomes of one that could not be made, and when nothing more is begun."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.campaign import campaign, selection
from harness.campaign.campaign import Campaign
from harness.campaign.options import Options
from harness.campaign.outside import Signals
from harness.errors import ExitCode, HarnessError
from harness.plan import Plan, staging_path


class Silent:
    """Nobody looks."""

    def run(self, title: str, run: str = "") -> None: ...

    def note(self, text: str) -> None: ...

    def event(self, event: Mapping[str, Any], run: str = "") -> None: ...

    def end(self, run: str, text: str) -> None: ...


class Rehearsals:
    """Stands in for the islands: remembers what went on beside what, and cannot make the run named ``broken``. The
    first that is not alone waits until another has begun (``together``)."""

    def __init__(self, broken: str = "", together: str = "") -> None:
        self.broken = broken
        self._together = threading.Barrier(2)
        self._waits = together
        self.beside: dict[str, set[str]] = {}
        self._going: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, plan: Plan, config: object, about: Mapping[str, Any], out: Path, *_: object) -> Path:
        with self._lock:
            self._going.add(plan.run)
            for run in self._going:
                self.beside.setdefault(run, set()).update(self._going)
        if plan.scenario == self._waits and not self._together.broken:
            with suppress(threading.BrokenBarrierError):
                self._together.wait(20)
            self._together.abort()  # two are enough
        with self._lock:
            self._going.remove(plan.run)
        folder = staging_path(out, plan.run)
        folder.mkdir(parents=True)
        if plan.run == self.broken:
            raise HarnessError("record", "no room is left", "free some", ExitCode.HOST_CANNOT)
        (folder / "run.json").write_text(json.dumps({"plan": plan.to_dict(), **about}))
        return folder


def made(monkeypatch: pytest.MonkeyPatch, rehearsals: Rehearsals, **options: Any) -> Campaign:
    monkeypatch.setattr(campaign, "rehearse", rehearsals)
    monkeypatch.setattr(selection, "best_kind", lambda: "user")
    return Campaign(Options(**options), Signals(), Silent())


def test_timing_cells_go_alone_and_first_the_others_beside_each_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rehearsals = Rehearsals(together="disk_full")
    it = made(monkeypatch, rehearsals, scenarios=("disk_full", "baseline"), jobs=2)
    ended = [selected.run for selected, _, _ in it.results(tmp_path)]
    assert ended[0] == "baseline-round-trip"
    assert rehearsals.beside["baseline-round-trip"] == {"baseline-round-trip"}
    assert sorted(ended) == sorted(s.run for s in it.selected)
    assert max(len(b) for b in rehearsals.beside.values()) >= 2


def test_a_run_that_could_not_be_made_is_unknown_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    it = made(monkeypatch, Rehearsals(broken="disk_full-in-restore"), scenarios=("disk_full",), jobs=2)
    results = {selected.run: (result, folder) for selected, result, folder in it.results(tmp_path)}
    assert len(results) == len(it.selected)
    result, folder = results["disk_full-in-restore"]
    assert result.outcome == "unknown"
    (found,) = result.findings
    assert (found.code, found.details) == ("run.not_made", {"error": "record: no room is left", "advice": "free some"})
    assert (folder / "run.json").exists()
    assert list(tmp_path.glob(".*")) == []


def test_after_a_signal_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    rehearsals = Rehearsals()
    it = made(monkeypatch, rehearsals, scenarios=("disk_full",), jobs=1)
    for _ in it.results(tmp_path):
        it.signals.number = 15
    assert len(rehearsals.beside) == 1


def test_without_namespaces_runs_go_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "best_kind", lambda: "none")
    assert Campaign(Options(jobs=4), Signals(), Silent()).jobs == 1


def test_a_cell_named_twice_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    it = made(monkeypatch, Rehearsals(), scenarios=("disk_full:in-restore", "disk_full"))
    assert [s.cell.name for s in it.selected].count("in-restore") == 1
