"""CSV tables of findings, measurements and operations, one row a thing, for a spreadsheet or pandas."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.report.documents.clean import one_line

Document = Mapping[str, Any]
_RUN = ("run", "system", "scenario", "cell", "seed")
FINDINGS = (*_RUN, "outcome", "check", "code", "subject", "title", "sentence", "details")
MEASUREMENTS = (*_RUN, "name", "unit", "index", "value", "resolution", "attributes")
OPERATIONS = (
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
)


def write_tables(documents: Sequence[Document], folder: Path) -> list[Path]:
    return [
        _write(folder / "findings.csv", FINDINGS, (row for d in documents for row in _findings(d))),
        _write(folder / "measurements.csv", MEASUREMENTS, (row for d in documents for row in _measurements(d))),
        _write(folder / "operations.csv", OPERATIONS, (row for d in documents for row in _operations(d))),
    ]


def _run(d: Document) -> dict[str, Any]:
    return {k: d[k] for k in _RUN}


def _findings(d: Document) -> Iterable[dict[str, Any]]:
    return ({**_run(d), **f, "subject": f"{f['subject']['kind']} {f['subject']['id']}".strip()} for f in d["findings"])


def _measurements(d: Document) -> Iterable[dict[str, Any]]:
    for m in d["measurements"]:
        for index, value in enumerate(m["values"]):
            common = {k: m[k] for k in ("name", "unit", "resolution", "attributes")}
            yield {**_run(d), **common, "index": index, "value": value}


def _operations(d: Document) -> Iterable[dict[str, Any]]:
    return ({**_run(d), **{k: o[k] for k in OPERATIONS[len(_RUN) :]}} for o in d["operations"])


def _write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row[c]) for c in columns])
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, int | float):
        return value
    text = one_line(value if isinstance(value, str) else json.dumps(value, sort_keys=True))
    # A spreadsheet would run what starts like a formula, and these texts come from the system.
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
