"""What one run of a discrimination shows: a flaw caught by its observation, or escaped, or an alarm about nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.campaign.matrix import RowKind
from harness.config.schema import VariantConfig
from harness.model import Finding, Outcome, Result
from harness.stats.intervals import rate_interval

# Of a run that nothing is expected of: red, green. ``not run``: it was planned and has no result.
Mark = Literal["escaped", "other reason", "false alarm", "unknown", "not run", "caught", "quiet", "red", "green"]
_RANK = {mark: rank for rank, mark in enumerate(get_args(Mark))}
_FAILS = ("escaped", "other reason", "false alarm")


@dataclass(frozen=True, slots=True)
class Shown:
    """One run of the matrix. ``expected`` is empty where a flaw is tried in a cell that is not meant for it.
    ``sentence`` is the one that names the observation, else the first that says what did not pass; ``named`` the
    flaws whose observation was found."""

    row: str
    kind: RowKind
    flaws: tuple[str, ...]
    scenario: str
    cell: str
    seed: int
    expected: Literal["red", "green", ""]
    outcome: Outcome | None
    mark: Mark
    sentence: str = ""
    named: tuple[str, ...] = ()
    path: str = ""
    seconds: float | None = None


def mark(kind: RowKind, meant: Sequence[VariantConfig], result: Result) -> tuple[Mark, str, tuple[str, ...]]:
    """The mark, the sentence and the flaws named. With all flaws on one hides another: there red is enough."""
    failed = [f for f in result.findings if f.outcome == "fail"]
    found = [(f.name, s) for f in meant if (s := _observed(f.observation, failed))]
    named = tuple(name for name, _ in found)
    sentence = found[0][1] if found else _first_bad(result)
    match kind, bool(meant), result.outcome:
        case "clean", _, "fail":
            return "false alarm", sentence, ()
        case "clean", _, "pass":
            return "quiet", "", ()
        case _, _, "unknown":
            return "unknown", sentence, ()
        case _, False, "fail":
            return "red", sentence, ()
        case _, False, _:
            return "green", "", ()
        case _, _, "pass":
            return "escaped", "every check passed", ()
        case "flaw", _, _ if not named:
            return "other reason", sentence, ()
        case _:
            return "caught", sentence, named


def _observed(observation: str, failed: Sequence[Finding]) -> str:
    """The clause of a failed verdict in which the observation is found; empty for none."""
    for finding in failed:
        for text in (finding.sentence, str(finding.details.get("measured", ""))):
            if match := re.search(observation, text):
                start = text.rfind("; ", 0, match.start())
                stop = text.find("; ", match.end())
                return text[start + 2 if start >= 0 else 0 : stop if stop >= 0 else len(text)]
    return ""


def _first_bad(result: Result) -> str:
    return next((f"{f.title}: {f.sentence}" for f in result.findings if f.outcome == result.outcome != "pass"), "")


def rank(mark: Mark) -> int:
    """The worst first: a flaw is what the worst of its runs is."""
    return _RANK[mark]


def expected(runs: Sequence[Shown]) -> list[Shown]:
    return [r for r in runs if r.expected]


def verdict(runs: Sequence[Shown]) -> Outcome:
    """fail: a flaw escaped or a clean run is red; unknown: one of these runs is, or has no result."""
    marks = {r.mark for r in expected(runs)}
    if marks.intersection(_FAILS):
        return "fail"
    return "pass" if marks and not marks.intersection(("unknown", "not run")) else "unknown"


@dataclass(frozen=True, slots=True)
class Tally:
    """``hits`` of ``n`` runs, with the exact 95 % interval of the rate behind them; ``unknown`` of the runs that were
    made are neither. ``scenario`` is empty for all together."""

    scenario: str
    hits: int
    n: int
    unknown: int
    low: float
    high: float


def tallies(runs: Sequence[Shown], kind: RowKind) -> list[Tally]:
    """Of ``flaw`` runs how many were caught: one that is unknown was not. Of ``clean`` runs how many were false alarms:
    one that is unknown says nothing and is left out of n. Each scenario, then all together."""
    of_kind = [r for r in expected(runs) if r.kind == kind and r.mark != "not run"]
    return [
        _tally(scenario, [r for r in of_kind if scenario in (r.scenario, "")], kind)
        for scenario in (*dict.fromkeys(r.scenario for r in of_kind), "")
    ]


def _tally(scenario: str, runs: Sequence[Shown], kind: RowKind) -> Tally:
    unknown = sum(r.mark == "unknown" for r in runs)
    n = len(runs) - (unknown if kind == "clean" else 0)
    hits = sum(r.mark == ("false alarm" if kind == "clean" else "caught") for r in runs)
    interval = rate_interval(hits, n)
    return Tally(scenario, hits, n, unknown, interval.low, interval.high)
