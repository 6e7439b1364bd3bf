"""What a run of the matrix shows, and what the whole matrix comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.campaign.flaws.classification import Mark, Shown, mark, tallies, verdict
from harness.campaign.flaws.matrix import RowKind
from harness.config.schema import VariantConfig
from harness.model import Finding, Outcome, Result, merged
from tests.unit.report import build

LOSES = VariantConfig("loses", {}, "", ("s:c",), codes=("data.acknowledged_lost",))
HANGS = VariantConfig("hangs", {}, "", ("s:c",), observation="in connect on tcp")
LOST = replace(build.answer("fail", "writes", "12 writes lost"), code="data.acknowledged_lost")
SLOW = replace(build.answer("fail", "time", "it took 9 s"), code="claim.refuted")
HUNG = replace(build.answer("fail", "exit", "backup-1 had not ended: in connect on tcp"), code="operation.hung")
UNSURE = build.answer("unknown", "load", "the load was never steady")
FINE = build.answer("pass", "validation", "12 writes lost is what it would say")


def result(*findings: Finding) -> Result:
    return replace(build.passing(), findings=findings, outcome=merged([f.outcome for f in findings]))


@pytest.mark.parametrize(
    ("kind", "meant", "findings", "marked", "sentence"),
    [
        ("flaw", (LOSES,), (SLOW, LOST), "caught", "12 writes lost"),
        ("flaw", (LOSES,), (SLOW, FINE), "other reason", "time: it took 9 s"),
        ("flaw", (LOSES,), (FINE,), "escaped", "every check passed"),
        ("flaw", (LOSES,), (UNSURE, FINE), "unknown", "load: the load was never steady"),
        ("flaw", (LOSES,), (UNSURE, LOST), "caught", "12 writes lost"),
        ("flaw", (), (LOST,), "red", "writes: 12 writes lost"),
        ("flaw", (), (FINE,), "green", ""),
        ("clean", (), (FINE,), "quiet", ""),
        ("clean", (), (LOST, UNSURE), "false alarm", "writes: 12 writes lost"),
        ("clean", (), (UNSURE,), "unknown", "load: the load was never steady"),
        ("all", (LOSES, HANGS), (LOST,), "caught", "12 writes lost"),
        ("all", (LOSES, HANGS), (SLOW,), "caught", "time: it took 9 s"),
        ("all", (LOSES, HANGS), (FINE,), "escaped", "every check passed"),
        ("all", (LOSES, HANGS), (UNSURE,), "unknown", "load: the load was never steady"),
    ],
)
def test_a_run_is_marked_by_its_outcome_and_by_what_its_failed_checks_say(
    kind: RowKind, meant: tuple[VariantConfig, ...], findings: tuple[Finding, ...], marked: Mark, sentence: str
) -> None:
    shown = mark(kind, meant, result(*findings))
    assert (shown.mark, shown.sentence) == (marked, sentence)


def test_a_run_says_by_which_codes_it_shows_the_flaw_or_else_what_it_failed_with() -> None:
    assert mark("flaw", (LOSES,), result(SLOW, LOST)).codes == ("data.acknowledged_lost",)
    assert mark("flaw", (LOSES,), result(SLOW)).codes == ("claim.refuted",)
    assert mark("flaw", (LOSES,), result(FINE)).codes == ()


def test_wording_decides_nothing_about_a_flaw_with_codes() -> None:
    reworded = result(*(replace(f, title="x", sentence=f.code, hint="") for f in (SLOW, LOST)))
    assert mark("flaw", (LOSES,), reworded).mark == "caught"


def test_of_all_flaws_at_once_those_are_named_that_are_shown() -> None:
    assert mark("all", (LOSES, HANGS), result(LOST, HUNG)).named == ("loses", "hangs")
    assert mark("all", (LOSES, HANGS), result(LOST)).named == ("loses",)


def shown(kind: RowKind, marked: Mark, **more: Any) -> Shown:
    expected: Any = {"clean": "green", "flaw": "red", "all": "red"}[kind]
    of = {"row": "r", "kind": kind, "flaws": (), "scenario": "s", "cell": "c", "seed": 1, "outcome": None}
    return Shown(**{**of, "expected": expected, "mark": marked, **more})


@pytest.mark.parametrize(
    ("runs", "outcome"),
    [
        ([("clean", "quiet"), ("flaw", "caught"), ("all", "caught")], "pass"),
        ([("clean", "quiet"), ("flaw", "escaped")], "fail"),
        ([("clean", "quiet"), ("flaw", "other reason")], "fail"),
        ([("clean", "false alarm"), ("flaw", "caught")], "fail"),
        ([("clean", "quiet"), ("flaw", "caught"), ("all", "escaped")], "fail"),
        ([("clean", "quiet"), ("flaw", "unknown")], "unknown"),
        ([("clean", "unknown"), ("flaw", "caught")], "unknown"),
        ([("clean", "not run"), ("flaw", "caught")], "unknown"),
        ([("clean", "unknown"), ("flaw", "escaped")], "fail"),
        ([], "unknown"),
    ],
)
def test_an_escape_or_a_false_alarm_is_worse_than_an_unknown(
    runs: list[tuple[RowKind, Mark]], outcome: Outcome
) -> None:
    assert verdict([shown(*run) for run in runs]) == outcome


@pytest.mark.parametrize("marked", ["red", "green", "unknown", "not run"])
def test_a_cell_that_is_not_meant_for_a_flaw_decides_nothing(marked: Mark) -> None:
    stray = shown("flaw", marked, expected="")
    assert verdict([shown("flaw", "caught"), stray]) == "pass"
    assert tallies([shown("flaw", "caught"), stray], "flaw")[-1].n == 1
    assert verdict([stray]) == "unknown"


def test_rates_have_the_exact_interval_a_scenario_and_in_all() -> None:
    runs = [shown("clean", "quiet") for _ in range(20)]
    runs += [shown("flaw", m, scenario=s) for m, s in (("caught", "a"),) * 9 + (("escaped", "a"), ("caught", "b"))]
    quiet, all_clean = tallies(runs, "clean")
    assert (quiet.scenario, quiet.hits, quiet.n) == ("s", 0, 20)
    assert (quiet.low, quiet.high) == (0.0, pytest.approx(0.16843, abs=1e-5))  # 1 - 0.025 ** (1 / 20)
    assert all_clean == replace(quiet, scenario="")
    nine, one, ten = tallies(runs, "flaw")
    assert (nine.hits, nine.n, one.hits, one.n, ten.hits, ten.n) == (9, 10, 1, 1, 10, 11)
    assert (nine.low, nine.high) == (pytest.approx(0.55498, abs=1e-5), pytest.approx(0.99747, abs=1e-5))
    assert (one.low, one.high) == (pytest.approx(0.025), 1.0)


def test_an_unknown_run_did_not_catch_a_flaw_and_is_no_clean_run_either() -> None:
    (_, caught) = tallies([shown("flaw", "caught"), shown("flaw", "unknown"), shown("flaw", "not run")], "flaw")
    assert (caught.hits, caught.n, caught.unknown) == (1, 2, 1)
    (_, alarms) = tallies([shown("clean", "quiet"), shown("clean", "unknown"), shown("clean", "not run")], "clean")
    assert (alarms.hits, alarms.n, alarms.unknown) == (0, 1, 1)
