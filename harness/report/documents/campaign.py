"""campaign.json: several runs of one command, merged into one document."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.model import Outcome, Result, merged
from harness.report.documents import sentences
from harness.report.documents.derived import run_seconds
from harness.report.documents.order import first
from harness.report.documents.result import SCHEMA, to_document, write_document

NAME = "campaign.json"
_CLAIM = ("key", "subject", "measure", "limit", "level", "source", "unit")
_RUN = ("run", "system", "scenario", "cell", "seed", "outcome")

Document = Mapping[str, Any]


def to_campaign(
    folder: Path,
    results_with_paths: Sequence[tuple[Result, Path]],
    *,
    outcome: Outcome | None = None,
    reproduce: str = "",
    options: Mapping[str, Any] | None = None,
    not_run: Sequence[str] = (),
    earlier: Sequence[tuple[Result, Path]] = (),
) -> dict[str, Any]:
    """Runs in the order selected. ``outcome`` may be worse than the runs', as when one never got as far as a result;
    ``not_run`` are the cells that were never begun, ``options`` what makes it the same campaign again. ``earlier`` are
    attempts at runs that were made again: they are listed, and decide nothing."""
    documents = [(to_document(result), path) for result, path in results_with_paths]
    all_of = [d for d, _ in documents]
    before = [(to_document(result), os.path.relpath(path, folder)) for result, path in earlier]
    first = all_of[0] if all_of else {}
    shared = first.get("provenance", {})
    return {
        "schema": SCHEMA,
        "outcome": merged([*(d["outcome"] for d in all_of), *([outcome] if outcome else [])]),
        "system": ", ".join(dict.fromkeys(d["system"] for d in all_of)),
        "seed": first.get("seed"),
        "started_utc": shared.get("started_utc"),
        "runs": [_run(d, os.path.relpath(path, folder), before) for d, path in documents],
        "claims": _claims(all_of),
        "warnings": warnings(all_of),
        "waived": _unique([w for d in all_of for w in d["waived"]]),
        "host": first.get("host", {}),
        "provenance": {k: shared[k] for k in ("deploydrill", "commit", "system_hash", "command") if k in shared},
        "reproduce": reproduce or str(shared.get("command", "")),
        "options": dict(options or {}),
        "not_run": list(not_run),
        "review": {k: v for k, v in first.get("review", {}).items() if k != "codes"},
    }


def write_campaign(folder: Path, results_with_paths: Sequence[tuple[Result, Path]], **more: Any) -> Path:
    """Write campaign.json (``more`` as of ``to_campaign``); ``render.render_campaign`` makes the other files of it."""
    return write_document(to_campaign(folder, results_with_paths, **more), folder / NAME)


def _name(d: Document) -> str:
    """As on the command line."""
    return ":".join(part for part in (d["scenario"], d["cell"]) if part)


def warnings(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Each warning once, with the cells it is about."""
    cells: dict[str, list[str]] = {}
    for d in documents:
        for text in d["warnings"]:
            cells.setdefault(text, []).append(_name(d))
    return [{"text": text, "cells": names} for text, names in cells.items()]


def of_cells(names: Sequence[str], runs: int, most: int = 3) -> str:
    """Which of so many cells something is about: ``all 27 cells``, ``a, b and 4 more``."""
    if len(names) == runs > 1:
        return f"all {runs} cells"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{', '.join(names[:most])}{more}"


def _run(d: Document, path: str, earlier: Sequence[tuple[Document, str]]) -> dict[str, Any]:
    attempts = [*((e, at) for e, at in earlier if e["run"] == d["run"]), (d, path)]
    return {
        **{k: d[k] for k in _RUN},
        "path": path,
        **_why(d),
        "downtime": sentences.said(sentences.downtime(d), d),
        "seconds": run_seconds(d),
        "faults": [{"name": f["name"], "at": f["at"], "state": sentences.fault_state(f)} for f in d["faults"]],
        "attempts": [_attempt(*attempt) for attempt in attempts] if len(attempts) > 1 else [],
    }


def _why(d: Document) -> dict[str, Any]:
    """What the outcome of a run rests on; of a pass nothing has a code."""
    place = first(d) if d["outcome"] != "pass" else None
    named = {} if place is None else d["findings"][place]
    return {
        "why": sentences.said(sentences.reason(d), d),
        "sentence": named.get("sentence", ""),
        "code": named.get("code", ""),
        "matter": named.get("matter", "system"),
    }


def _attempt(d: Document, path: str) -> dict[str, Any]:
    return {"path": path, "outcome": d["outcome"], "why": _why(d)["why"], "seconds": run_seconds(d)}


def _claims(documents: Sequence[Document]) -> list[dict[str, Any]]:
    """Each claim once: n added up, the extremes of all runs, and the median of each run (not a median of medians)."""
    grouped: dict[tuple[Any, ...], list[tuple[Document, Mapping[str, Any]]]] = {}
    for d in documents:
        for c in d["claims"]:
            grouped.setdefault(tuple(c.get(k, "") for k in _CLAIM), []).append((d, c))
    return [
        {
            **dict(zip(_CLAIM, key, strict=True)),
            "outcome": merged([c["outcome"] for _, c in group]),
            "n": sum(c["n"] for _, c in group),
            "min": min((c["min"] for _, c in group if c["min"] is not None), default=None),
            "max": max((c["max"] for _, c in group if c["max"] is not None), default=None),
            "run_medians": [c["median"] for _, c in group if c["median"] is not None],
            "refuted_by": [_name(d) for d, c in group if c["outcome"] == "fail"],
        }
        for key, group in grouped.items()
    ]


def _unique(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [item for i, item in enumerate(items) if item not in items[:i]]
