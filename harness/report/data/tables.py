"""Tables of what results hold, one row a thing: columns and rows stand here once, for CSV files and for DataFrames.

The CSV files are written without pandas: its import alone takes 1.2 s of CPU, about a quarter of a tiny run.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.report.documents import review
from harness.report.documents.clean import one_line

Document = Mapping[str, Any]
_RUN = ("run", "system", "scenario", "cell", "seed")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a table, and its rows from the result.json of a run: mappings with at least these columns."""

    columns: tuple[str, ...]
    rows: Callable[[Document], Iterable[Mapping[str, Any]]]


def _findings(d: Document) -> Iterable[dict[str, Any]]:
    for f in d["findings"]:
        subject = f"{f['subject']['kind']} {f['subject']['id']}".strip()
        yield {**_run(d), **f, "subject": subject, "review": ", ".join(review.rows_of(f, d))}


def _measurements(d: Document) -> Iterable[dict[str, Any]]:
    for m in d["measurements"]:
        for index, value in enumerate(m["values"]):
            yield {**_run(d), **m, "index": index, "value": value}


def _operations(d: Document) -> Iterable[dict[str, Any]]:
    return ({**_run(d), **o} for o in d["operations"])


def _phases(d: Document) -> Iterable[dict[str, Any]]:
    return ({**_run(d), **s} for s in d["spans"])


def _claims(d: Document) -> Iterable[dict[str, Any]]:
    return ({**_run(d), **c} for c in d["claims"])


def _run(d: Document) -> dict[str, Any]:
    return {k: d[k] for k in _RUN}


FINDINGS = Table((*_RUN, "outcome", "check", "code", "matter", "subject", "title", "sentence", "details"), _findings)
# Of a system with a rows.toml: which rows of its review each finding answers.
REVIEWED = Table((*FINDINGS.columns, "review"), _findings)
MEASUREMENTS = Table((*_RUN, "name", "unit", "index", "value", "resolution", "attributes"), _measurements)
OPERATIONS = Table(
    (
        *_RUN,
        "id",
        "name",
        "repeat",
        "warmup",
        "expect",
        "exit",
        "start_s",
        "seconds",
        "gate_s",
        "blocked_on",
        "attributes",
    ),
    _operations,
)
PHASES = Table((*_RUN, "operation", "name", "repeat", "warmup", "start_s", "stop_s", "gate_s"), _phases)
CLAIMS = Table(
    (
        *_RUN,
        "outcome",
        "key",
        "subject",
        "measure",
        "limit",
        "unit",
        "level",
        "n",
        "min",
        "median",
        "max",
        "resolution",
        "code",
        "sentence",
        "source",
    ),
    _claims,
)


def write_tables(documents: Sequence[Document], folder: Path) -> list[Path]:
    """findings.csv, measurements.csv and operations.csv of these runs."""
    findings = REVIEWED if any(review.of(d) for d in documents) else FINDINGS
    files = {"findings.csv": findings, "measurements.csv": MEASUREMENTS, "operations.csv": OPERATIONS}
    return [_write(folder / name, table, documents) for name, table in files.items()]


def _write(path: Path, table: Table, documents: Sequence[Document]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table.columns)
        for row in (row for d in documents for row in table.rows(d)):
            writer.writerow([_cell(row[c]) for c in table.columns])
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, int | float):
        return value
    text = one_line(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    # A spreadsheet would run what starts like a formula, and these texts come from the system.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
