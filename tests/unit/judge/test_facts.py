"""The facts of a result, from synthetic recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judge import facts
from harness.judged.judged_run import JudgedRun
from tests.unit.checkers.build import Run

CHANNELS = ("read_fresh", "read_reused", "write")


@pytest.mark.parametrize(("serves", "least_ms", "most_ms"), [(True, 0, 200), (False, 1900, 2200)])
def test_the_longest_gap_is_none_that_we_made_ourselves(
    tmp_path: Path, serves: bool, least_ms: float, most_ms: float
) -> None:
    run = Run(tmp_path / "run")
    run.link("front", serves)
    run.fault(10, 12, link="front")
    run.load((10.05, 12.0, "http_error", 502, CHANNELS))
    gap_ms = facts.load(JudgedRun(run.done()), 1000.0)["probe"]["longest_gap_ms"]
    assert least_ms <= gap_ms <= most_ms


def test_what_a_restore_takes_back_is_measured_one_value_a_restore(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    tokens = run.writes(0, 12)
    kept = [*tokens[:32], *tokens[86:]]  # ten a second
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, warmup=True)
    run.observe("restore", 12.5, kept, snapshot=(3.0, 3.5))
    run.observe("restore", 12.8, kept, snapshot=(3.0, 3.5))  # a second look at the same one
    run.op("restore", 13, 14, 1)
    run.observe("restore", 14.5, kept)
    measured = {m.name: m for m in facts.measurements(run.done())}
    seconds, writes = measured["work lost by restore"], measured["writes lost by restore"]
    assert (seconds.unit, writes.unit) == ("s", "writes")
    assert seconds.values == pytest.approx([4.8], abs=0.1)
    assert writes.values == (54.0,)


def test_where_nothing_was_restored_or_read_back_no_loss_is_measured(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.writes(0, 12)
    run.op("restore", 8, 9)
    assert not [m.name for m in facts.measurements(run.done()) if "lost" in m.name]


def test_a_run_took_as_long_as_its_last_event_says(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.event("run.start", 0)
    run.op("deploy", 1, 5)
    run.load()
    run.event("power.state", 80, label="cut-1-all", build_ms=1, seconds=2.0)
    run.event("prober.stopped", 30.5, clean=True)  # recorded later than it happened
    assert facts.seconds(run.done(complete=False)) == 80


def test_bad_requests_of_the_load_are_among_those_counted(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.load((10.0, 10.1, "reset", 0, ("load",)))
    load = facts.load(JudgedRun(run.done()), 1000.0)
    assert (load["probe"]["bad"], load["counted"]) == (0, {"n": 4500, "bad": 5})
