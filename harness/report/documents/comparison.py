"""Two judged runs or campaigns beside each other, as a document: what changed, and what was unlike from the start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from harness.errors import HarnessError
from harness.model import Outcome, merged
from harness.report.documents import campaign
from harness.report.documents.result import NAME, SCHEMA, read_document
from harness.stats.spread import difference

Document = Mapping[str, Any]
# How often any timing at all of a comparison may be called different though nothing changed.
ERROR = 0.05
_MOST_FILES = 5
_NOT_KNOWN = "not known"


def compare(a: Path, b: Path) -> dict[str, Any]:
    """What reports/README.md documents. Cells are matched by name; none in both is an error."""
    sides = [_read(folder) for folder in (a, b)]
    (about_a, cells_a), (about_b, cells_b) = sides
    both = [name for name in cells_a if name in cells_b]
    if not both:
        there = f"{', '.join(cells_a) or 'nothing'} in the one, {', '.join(cells_b) or 'nothing'} in the other"
        raise HarnessError(f"compare {a} with {b}", f"no cell is in both: {there}", "run the same cells twice")
    pairs = {name: (cells_a[name], cells_b[name]) for name in both}
    timings = {name: _shared_timings(*pair) for name, pair in pairs.items()}
    error = ERROR / max(1, sum(map(len, timings.values())))  # Bonferroni
    cells = [_cell(name, *pair, [_timing(*t, error) for t in timings[name]]) for name, pair in pairs.items()]
    only_a = [{"cell": n, "outcome": d["outcome"]} for n, (d, _) in cells_a.items() if n not in cells_b]
    only_b = [{"cell": n, "outcome": d["outcome"]} for n, (d, _) in cells_b.items() if n not in cells_a]
    # A cell that is new and passes leaves no question open.
    alone = [*only_a, *(c for c in only_b if c["outcome"] != "pass")]
    counts = {change: sum(c["change"] == change for c in cells) for change in ("worse", "unknown", "better", "same")}
    outcome: Outcome = "fail" if counts["worse"] else "unknown" if counts["unknown"] or alone else "pass"
    return {
        "schema": SCHEMA,
        "outcome": outcome,
        **counts,
        "a": about_a,
        "b": about_b,
        "unlike": _unlike(pairs),
        "cells": cells,
        "only_in_a": only_a,
        "only_in_b": only_b,
    }


_Cell = tuple[Document, Document]  # result.json, and the plan of run.json (empty when there is none)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, _Cell]]:
    """What a folder says of itself, and its cells by name; one that was never begun is an unknown."""
    what = f"compare {folder}"
    if not folder.is_dir():
        raise HarnessError(what, "there is no such folder", "name a folder below reports/, of a run or of a campaign")
    try:
        if (folder / campaign.NAME).exists():
            whole = read_document(folder / campaign.NAME)
            found = dict(_loaded(folder / run["path"]) for run in whole["runs"])
        else:
            whole = read_document(folder / NAME)
            found = dict([_loaded(folder)])
        started = whole.get("started_utc") or whole.get("provenance", {}).get("started_utc")
        about = {"folder": str(folder), "outcome": whole["outcome"], "system": whole["system"], "started_utc": started}
    except (KeyError, TypeError, AttributeError) as error:
        why = f"a document in it is torn, or of another version ({type(error).__name__}: {error})"
        raise HarnessError(what, why, "judge it again: deploydrill judge FOLDER") from error
    return about, found


def _loaded(folder: Path) -> tuple[str, _Cell]:
    document = read_document(folder / NAME)
    try:
        plan = json.loads((folder / "run.json").read_text())["plan"]
    except (OSError, ValueError, KeyError):
        plan = {}
    return f"{document['scenario']}:{document['cell']}", (document, plan)


# -- what makes them unlike ----------------------------------------------------------------------------------------
def _unlike(pairs: Mapping[str, tuple[_Cell, _Cell]]) -> list[dict[str, Any]]:
    """Each condition that differs, with the cells it differs in."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, (a, b) in pairs.items():
        one, other = _conditions(*a), _conditions(*b)
        for what in one:
            if one[what] != other[what]:
                found.setdefault((what, one[what], other[what]), []).append(name)
        if changed := _changed_files(a[0], b[0]):
            found.setdefault(("files of the system", "", changed), []).append(name)
    return [{"what": what, "a": a, "b": b, "cells": cells} for (what, a, b), cells in found.items()]


def _conditions(d: Document, plan: Document) -> dict[str, str]:
    host, provenance = d["host"], d["provenance"]

    def planned(key: str) -> str:
        return str(plan[key]) if key in plan else _NOT_KNOWN

    return {
        "system": str(d["system"]),
        "flaws": ", ".join(plan["variants"]) or "none" if "variants" in plan else _NOT_KNOWN,
        "seed": str(d["seed"]),
        "size, bytes": planned("size_bytes"),
        "users": planned("users"),
        "disks": ", ".join(f"{k}: {v}" for k, v in host.get("disks", {}).items()) or "none",
        **{f"host {key}": str(host.get(key, _NOT_KNOWN)) for key in ("cpus", "memory_bytes", "kernel", "island")},
        "python": str(host.get("python", _NOT_KNOWN)),
        "deploydrill": f"{provenance.get('deploydrill', _NOT_KNOWN)} {provenance.get('commit', '')}".strip(),
    }


def _changed_files(a: Document, b: Document) -> str:
    """Which files of the system are not the same, in words; empty when all are."""
    then, now = (d["provenance"].get("files", {}) for d in (a, b))
    changed = sorted(name for name in {**then, **now} if then.get(name) != now.get(name))
    more = f" and {len(changed) - _MOST_FILES} more" if len(changed) > _MOST_FILES else ""
    return f"{', '.join(changed[:_MOST_FILES])}{more} changed" if changed else ""


# -- one cell ------------------------------------------------------------------------------------------------------
def _cell(name: str, a: _Cell, b: _Cell, timings: list[dict[str, Any]]) -> dict[str, Any]:
    (then, _), (now, _) = a, b
    checks = list(_checks(then, now))
    claims = list(_claims(then, now))
    worse = now["outcome"] == "fail" != then["outcome"] or any(c["worse"] for c in (*checks, *claims))
    better = now["outcome"] == "pass" != then["outcome"]
    change = "worse" if worse else "unknown" if now["outcome"] == "unknown" else "better" if better else "same"
    if change == "same" and any(c["b"]["outcome"] == "unknown" for c in claims):
        change = "unknown"
    return {
        "cell": name,
        "a": _side(then),
        "b": _side(now),
        "change": change,
        "checks": checks,
        "claims": claims,
        "timings": timings,
    }


def _side(d: Document) -> dict[str, Any]:
    passed = sum(f["outcome"] == "pass" for f in d["findings"])
    return {"outcome": d["outcome"], "checks": len(d["findings"]), "checks_passed": passed}


def _checks(then: Document, now: Document) -> Iterator[dict[str, Any]]:
    """Checks that say something else now, with the sentence that says why."""
    one, other = (_by_check(d) for d in (then, now))
    for about, findings in other.items():
        before: Outcome | None = merged([f["outcome"] for f in one[about]]) if about in one else None
        after = merged([f["outcome"] for f in findings])
        if after not in (before, "pass" if before is None else before):
            why = next(f["sentence"] for f in findings if f["outcome"] == after)
            yield {"about": about, "a": before, "b": after, "worse": after == "fail", "why": why}


def _by_check(d: Document) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for finding in d["findings"]:
        about = " ".join(filter(None, (finding["check"], finding["subject"]["id"])))
        found.setdefault(about, []).append(finding)
    return found


_CLAIM = ("subject", "measure", "level")
_MEASURED = ("outcome", "limit", "n", "median", "min", "max", "unit")


def _claims(then: Document, now: Document) -> Iterator[dict[str, Any]]:
    """Claims that both make; the limit may be another."""
    one = {tuple(c[k] for k in _CLAIM): c for c in then["claims"]}
    for c in now["claims"]:
        before = one.get(tuple(c[k] for k in _CLAIM))
        if before:
            yield {
                **{k: c[k] for k in _CLAIM},
                "key": c.get("key", ""),
                "a": {k: before[k] for k in _MEASURED},
                "b": {k: c[k] for k in _MEASURED},
                "worse": c["outcome"] == "fail" != before["outcome"],
            }


def _shared_timings(a: _Cell, b: _Cell) -> list[tuple[str, str, Sequence[float], Sequence[float]]]:
    """(name, unit, values, values) of what both measured."""
    one = {(m["name"], m["unit"]): m["values"] for m in a[0]["measurements"] if m["values"]}
    other = {(m["name"], m["unit"]): m["values"] for m in b[0]["measurements"] if m["values"]}
    return [(*key, one[key], other[key]) for key in one if key in other]


def _timing(name: str, unit: str, a: Sequence[float], b: Sequence[float], error: float) -> dict[str, Any]:
    one, other = _spread(a), _spread(b)
    ratio = round(other["median"] / one["median"], 4) if one["median"] > 0 else None
    return {"name": name, "unit": unit, "a": one, "b": other, "ratio": ratio, "says": difference(a, b, error)}


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {"n": len(values), "median": median(values), "min": min(values), "max": max(values)}
