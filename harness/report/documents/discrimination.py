"""discriminate.json: which flaw of a system each cell showed, as one document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report.documents.result import SCHEMA, write_document
from harness.report.documents.sentences import Number, Sentence, Text

NAME = "discriminate.json"
# What each mark of a run comes to; nothing was expected of a run that is red or green.
MARKS: Mapping[str, str] = {
    "caught": "pass",
    "quiet": "pass",
    "escaped": "fail",
    "other reason": "fail",
    "false alarm": "fail",
    "unknown": "unknown",
    "not run": "unknown",
    "red": "",
    "green": "",
}
_SEVERITY = {"fail": 0, "unknown": 1, "pass": 2, "": 3}

Document = Mapping[str, Any]


def to_discrimination(
    *,
    outcome: str,
    system: str,
    seed: int,
    flaws: Sequence[Mapping[str, Any]],
    cells: Sequence[str],
    runs: Sequence[Mapping[str, Any]],
    detection: Sequence[Mapping[str, Any]],
    false_alarms: Sequence[Mapping[str, Any]],
    left_out: Sequence[str],
    warnings: Sequence[str],
    options: Mapping[str, Any],
    host: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """Plain JSON values. ``runs`` are all that were planned, those without a result (``mark`` not run) among them."""
    return {
        "schema": SCHEMA,
        "outcome": outcome,
        "system": system,
        "seed": seed,
        "started_utc": provenance["started_utc"],
        "counts": _counts(flaws, runs),
        "flaws": [dict(f) for f in flaws],
        "cells": list(cells),
        "runs": [dict(r) for r in runs],
        "detection": [dict(t) for t in detection],
        "false_alarms": [dict(t) for t in false_alarms],
        "left_out": list(left_out),
        "warnings": list(warnings),
        "host": dict(host),
        "provenance": {k: provenance[k] for k in ("deploydrill", "commit", "system_hash", "command")},
        "reproduce": provenance["command"],
        "options": dict(options),
    }


def _counts(flaws: Sequence[Mapping[str, Any]], runs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    def marked(*marks: str) -> int:
        return sum(1 for f in flaws if f["mark"] in marks)

    clean = [r for r in runs if r["kind"] == "clean" and r["mark"] != "not run"]
    all_on = [r for r in runs if r["kind"] == "all" and r["expected"] and r["mark"] != "not run"]
    return {
        "flaws": len(flaws),
        "caught": marked("caught"),
        "escaped": marked("escaped", "other reason"),
        "undecided": marked("unknown", "not run"),
        "clean": len(clean),
        "clean_unknown": sum(1 for r in clean if r["mark"] == "unknown"),
        "false_alarms": sum(1 for r in clean if r["mark"] == "false alarm"),
        "all_on": len(all_on),
        "all_on_red": sum(1 for r in all_on if r["mark"] == "caught"),
        "not_run": sum(1 for r in runs if r["mark"] == "not run"),
    }


def write_discrimination(document: Document, folder: Path) -> Path:
    return write_document(document, folder / NAME)


@dataclass(frozen=True, slots=True)
class Field:
    """What one row shows of one cell: the indices of its runs, the worst first, and how many are as expected."""

    cell: str
    runs: tuple[int, ...]
    as_expected: int


def grid(document: Document) -> tuple[list[str], list[tuple[str, dict[str, list[Field]]]]]:
    """The scenarios, and for no flaw, each flaw and all at once what was seen in the cells of each of them."""
    runs = document["runs"]
    rows: dict[str, dict[tuple[str, str], list[int]]] = {}
    for i, run in enumerate(runs):
        row = {"clean": "no flaw", "all": "all at once"}.get(run["kind"]) or str(run["flaws"][0])
        rows.setdefault(row, {}).setdefault((run["scenario"], run["cell"]), []).append(i)
    table: list[tuple[str, dict[str, list[Field]]]] = []
    for row, cells in rows.items():
        fields: dict[str, list[Field]] = {}
        for (scenario, cell), indices in cells.items():
            severe = sorted(indices, key=lambda i: (_SEVERITY[MARKS[runs[i]["mark"]]], i))
            good = sum(MARKS[runs[i]["mark"]] == "pass" for i in indices)
            fields.setdefault(scenario, []).append(Field(cell, tuple(severe), good))
        table.append((row, fields))
    return list(dict.fromkeys(r["scenario"] for r in runs)), table


def by_mark(items: Sequence[Mapping[str, Any]]) -> list[int]:
    """Indices of flaws or runs, what escaped first, then what is not known, else in their order."""
    return sorted(range(len(items)), key=lambda i: (_SEVERITY[MARKS[items[i]["mark"]]], i))


def headline(document: Document) -> Sentence:
    """How many flaws were caught, and how many clean runs were red."""
    counts = document["counts"]

    def number(name: str) -> Number:
        return Number(f"counts.{name}")

    said: list[str | Number] = [number("caught"), " of ", number("flaws"), " flaws caught"]
    for name, what in (("escaped", "escaped"), ("undecided", "not decided")):
        if counts[name]:
            said += [", ", number(name), f" {what}"]
    if not counts["clean"] and not counts["clean_unknown"]:
        return (*said, "; no run without a flaw was made")
    said += ["; ", number("false_alarms"), " of ", number("clean"), " clean runs red"]
    if counts["clean_unknown"]:
        said += [", ", number("clean_unknown"), " unknown"]
    return tuple(said)


def tally(path: str, counted: Mapping[str, Any]) -> Sentence:
    """``4 of 4, 39.8 % to 100 %``: an exact interval of the rate, 95 %."""
    said: Sentence = ("none judged",)
    if counted["n"]:
        rates = (Number(f"{path}.low", "fraction"), " to ", Number(f"{path}.high", "fraction"))
        said = (Number(f"{path}.hits"), " of ", Number(f"{path}.n"), ", ", *rates)
    return (*said, ", unknown ", Number(f"{path}.unknown")) if counted["unknown"] else said


def signs(path: str, flaw: Mapping[str, Any]) -> Sentence:
    """What a cell must fail with to show the flaw: ``a.b and c.d, where end.exit is 1``; or its observation."""
    if not flaw.get("codes"):  # of an older one, too
        return ("a sentence that matches ", Text(f"{path}.observation"))
    said: list[str | Number | Text] = []
    for i in range(len(flaw["codes"])):
        said += [" and " if i else "", Text(f"{path}.codes.{i}")]
    for n, (name, value) in enumerate(_leaves(flaw["where"])):
        said += [" and " if n else ", where ", f"{name} is ", *_wanted(f"{path}.where.{name}", value)]
    return tuple(said)


def _leaves(where: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in where.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def _wanted(path: str, value: Any) -> Sentence:
    if isinstance(value, list):
        return tuple(
            part for i in range(len(value)) for part in (" or " if i else "", *_wanted(f"{path}.{i}", value[i]))
        )
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (Number(path) if is_number else Text(path),)
