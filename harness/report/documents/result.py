"""result.json: the judged run as a document, written first and read back by everything that renders."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host.staging import write_whole
from harness.model import Finding, Measurement, Result, Subject
from harness.report.documents.clean import UNSEEN

NAME = "result.json"
SCHEMA = 2


def to_document(result: Result) -> dict[str, Any]:
    """Plain JSON values: fields in the order of the class, keys of inner mappings sorted, so that equal results give
    equal bytes. What is not a number (nan, infinity) becomes null."""
    return {f.name: _plain(getattr(result, f.name)) for f in fields(Result)}


def _plain(value: Any) -> Any:
    if isinstance(value, Finding | Measurement | Subject):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy: arrays and scalars alike
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, str | int | float):  # bool is an int
        return value
    return str(value)  # paths, dates


def from_document(document: Mapping[str, Any]) -> Result:
    plain = dict(document)
    plain["findings"] = tuple(finding_of(f) for f in document["findings"])
    plain["measurements"] = tuple(Measurement(**{**m, "values": tuple(m["values"])}) for m in document["measurements"])
    for name in ("claims", "spans", "operations", "faults", "observations", "outages", "warnings", "waived"):
        plain[name] = tuple(document[name])
    return Result(**plain)


def finding_of(plain: Mapping[str, Any]) -> Finding:
    """The finding that stands in a document."""
    lists = {name: tuple(plain[name]) for name in ("because", "examples")}
    return Finding(**{**plain, **lists, "subject": Subject(**plain["subject"])})


def write_result(result: Result, folder: Path) -> Path:
    """Write result.json so that a reader sees the old one or the new one, never half of it."""
    return write_document(to_document(result), folder / NAME)


def as_text(document: Mapping[str, Any]) -> str:
    """JSON that is safe to look at: what a terminal would act on, and half a surrogate, stands there escaped."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    return UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def write_document(document: Mapping[str, Any], path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, as_text(document).encode())
    except OSError as error:
        why = error.strerror or str(error)
        raise HarnessError(f"write {path}", why, "make room or choose another --out") from error
    return path


def read_result(folder: Path) -> Result:
    return from_document(read_document(folder / NAME))


def read_document(path: Path) -> dict[str, Any]:
    """The content of a result.json or campaign.json; of schema 1, whose verdicts had no codes, as far as it goes."""
    again = "judge the run again: deploydrill judge FOLDER"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise HarnessError(f"read {path}", "no such file", "judge the run first: deploydrill judge FOLDER") from None
    except (OSError, ValueError) as error:
        raise HarnessError(f"read {path}", f"not readable: {error}", again) from error
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema == 1:
        return _from_schema_1(document)
    if schema != SCHEMA:
        raise HarnessError(f"read {path}", f"schema {schema}, and this version reads schema {SCHEMA}", again)
    return document


def _from_schema_1(document: dict[str, Any]) -> dict[str, Any]:
    """A document of before findings had codes: of a result each verdict as a finding without one; of a campaign the
    warnings with the cells they are about. That of a discrimination is as it was."""
    if "flaws" in document:
        return document
    if "runs" in document:
        return _campaign_from_schema_1(document)
    findings = [
        {
            "check": v["about"],
            "code": "",
            "outcome": v["outcome"],
            "subject": {"kind": "run", "id": ""},
            "details": {"measured": v["measured"]},
            "because": [],
            "count": 1,
            "examples": [],
            "matter": "system",
            "title": v["about"],
            "sentence": v["why"],
            "hint": "",
        }
        for v in document.get("verdicts", [])
    ]
    return {**{k: v for k, v in document.items() if k != "verdicts"}, "findings": findings}


def _campaign_from_schema_1(document: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, list[str]] = {}
    for warning in document["warnings"]:
        cells.setdefault(warning["text"], []).append(warning["run"])
    unsaid = {"sentence": "", "code": "", "matter": "system", "attempts": []}
    return {
        **document,
        "runs": [{**unsaid, **run} for run in document["runs"]],
        "warnings": [{"text": text, "cells": names} for text, names in cells.items()],
    }
