"""The few numbers a report shows that are computed from result.json rather than read from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

Document = Mapping[str, Any]
# What the review's total is about: one deployment, from its backup to a rollback.
TOTAL_OF = ("backup", "validate", "deploy", "rollback")


def _measured_repeats(document: Document) -> list[int]:
    return sorted({o["repeat"] for o in document["operations"] if not o["warmup"]})


def _totals(document: Document) -> list[float]:
    """Seconds of backup + validate + deploy + rollback of each repeat in which all four succeeded."""
    totals = []
    for repeat in _measured_repeats(document):
        first: dict[str, float] = {}
        for o in document["operations"]:
            if o["repeat"] == repeat and not o["warmup"] and o["exit"] == 0 and not _mutated(o):
                first.setdefault(o["name"], o["seconds"])
        if all(name in first for name in TOTAL_OF):
            totals.append(sum(first[name] for name in TOTAL_OF))
    return totals


def _mutated(operation: Mapping[str, Any]) -> bool:
    return bool(operation["attributes"].get("mutation"))


def _count(document: Document, outcome: str) -> int:
    return sum(1 for v in document["findings"] if v["outcome"] == outcome)


def run_seconds(document: Document) -> float | None:
    """How long the run took: to its last event, and in a result that does not say to the end of its last operation."""
    stated = document["provenance"].get("seconds")
    return operated_seconds(document) if stated is None else float(stated)


def operated_seconds(document: Document) -> float | None:
    """To the end of the last operation: what comes after it is in no picture."""
    ends = [o["start_s"] + o["seconds"] + o["gate_s"] for o in document["operations"]]
    return max(ends, default=None)


def _runs_behind(document: Document) -> list[int]:
    """How many runs of its operation each claim was judged by. Bad requests are one total, of no operation."""
    return [c["n"] for c in document["claims"] if c["measure"] != "bad"]


def _deadline_s(document: Document) -> float | None:
    deadline = document["load"]["probe"].get("deadline_ms")
    return None if deadline is None else deadline / 1000


DERIVATIONS: Mapping[str, Callable[[Document], Any]] = {
    "claims_least_n": lambda d: min(_runs_behind(d), default=0),
    "claims_most_n": lambda d: max(_runs_behind(d), default=0),
    "findings": lambda d: len(d["findings"]),
    "findings_pass": lambda d: _count(d, "pass"),
    "findings_fail": lambda d: _count(d, "fail"),
    "findings_unknown": lambda d: _count(d, "unknown"),
    "findings_fail_more": lambda d: _count(d, "fail") - 1,
    "findings_unknown_more": lambda d: _count(d, "unknown") - 1,
    "total_n": lambda d: len(_totals(d)),
    "total_median_s": lambda d: median(_totals(d)) if _totals(d) else None,
    "total_min_s": lambda d: min(_totals(d), default=None),
    "total_max_s": lambda d: max(_totals(d), default=None),
    "run_seconds": run_seconds,
    "deadline_s": _deadline_s,
    "outcomes_sum": lambda d: sum((d["load"].get("outcomes") or {}).values()),
    "runs": lambda d: len(d["runs"]),
    "runs_pass": lambda d: sum(1 for r in d["runs"] if r["outcome"] == "pass"),
    "runs_fail": lambda d: sum(1 for r in d["runs"] if r["outcome"] == "fail"),
    "runs_unknown": lambda d: sum(1 for r in d["runs"] if r["outcome"] == "unknown"),
}


def derive(document: Document, name: str) -> Any:
    return DERIVATIONS[name](document)
