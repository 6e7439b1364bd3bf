"""What one run of a discrimination shows: a flaw caught by its codes, or escaped, or an alarm about nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from harness.campaign.flaws.flaw_signs import shown_by
from harness.campaign.flaws.matrix import RowKind
from harness.config.schema import VariantConfig
from harness.model import Outcome, Result
from harness.stats.intervals import rate_interval

# Of a run that nothing is expected of: red, green. ``not run``: it was planned and has no result.
Mark = Literal["escaped", "other reason", "false alarm", "unknown", "not run", "caught", "quiet", "red", "green"]
_RANK = {mark: rank for rank, mark in enumerate(get_args(Mark))}
_FAILS = ("escaped", "other reason", "false alarm")


@dataclass(frozen=True, slots=True)
class Shown:
    """One run of the matrix. ``expected`` is empty where a flaw is tried in a cell that is not meant for it.
    ``codes`` are those of the findings by which it shows a flaw, ``sentence`` is what the first of them says; else both
    are of the first finding that did not pass. ``named``: the flaws that it shows."""

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
    codes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    path: str = ""
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """The mark of a run, and what is shown of it: see ``Shown``."""

    mark: Mark
    sentence: str = ""
    codes: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def mark(kind: RowKind, meant: Sequence[VariantConfig], result: Result) -> Marked:
    """With all flaws on one hides another: there red is enough."""
    signs = {flaw.name: found for flaw in meant if (found := shown_by(flaw, result.findings))}
    first = next(iter(signs.values()), ())
    said = (first[0].sentence, tuple(dict.fromkeys(f.code for f in first))) if first else _first_bad(result)
    match kind, bool(meant), result.outcome:
        case "clean", _, "fail":
            return Marked("false alarm", *said)
        case "clean", _, "pass":
            return Marked("quiet")
        case _, _, "unknown":
            return Marked("unknown", *said, tuple(signs))
        case _, False, "fail":
            return Marked("red", *said)
        case _, False, _:
            return Marked("green")
        case _, _, "pass":
            return Marked("escaped", "every check passed")
        case "flaw", _, _ if not signs:
            return Marked("other reason", *said)
        case _:
            return Marked("caught", *said, tuple(signs))


def _first_bad(result: Result) -> tuple[str, tuple[str, ...]]:
    """What the first finding that is as bad as the whole run says, and its code."""
    first = next((f for f in result.findings if f.outcome == result.outcome != "pass"), None)
    return (f"{first.title}: {first.sentence}", (first.code,)) if first else ("", ())


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
