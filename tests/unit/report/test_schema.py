"""The documented shape of result.json is that of real results."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.judge.declared import bundled
from harness.report.documents.result import to_document
from harness.report.documents.schema import FILE, misshapen, schema, text
from tests.unit.report import build

GOLDEN = Path(__file__).parents[2] / "golden"


def real(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((GOLDEN / name / "expected" / "result.json").read_text())
    return document


def test_the_schema_is_as_fresh_as_the_types_and_the_codes() -> None:
    assert FILE.read_text() == text(), "run: make docs"


@pytest.mark.parametrize("name", ["pass", "fail", "unknown"])
def test_a_real_result_is_of_the_shape(name: str) -> None:
    document = real(name)
    assert len(document["findings"]) > 10
    assert {f["code"] for f in document["findings"]} <= set(bundled())
    assert misshapen(document, bundled()) == []


def test_a_run_without_a_load_is_of_the_shape() -> None:
    document = to_document(build.unknown())
    assert document["load"] == {}
    assert misshapen(document, bundled()) == []


def _of_another_type(d: dict[str, Any]) -> None:
    d["operations"][0]["seconds"] = "0.2 s"


def _unknown(d: dict[str, Any]) -> None:
    d["faults"][0]["state"] = "healed"


def _missing(d: dict[str, Any]) -> None:
    del d["findings"][0]["matter"], d["findings"][0]["check"]


def _details(d: dict[str, Any]) -> None:
    d["findings"][0]["details"]["events"] = "36"


@pytest.mark.parametrize("change", [_of_another_type, _unknown, _missing, _details])
def test_what_is_not_of_the_shape_is_noticed(change: Callable[[dict[str, Any]], None]) -> None:
    document = copy.deepcopy(real("fail"))
    change(document)
    assert len(misshapen(document, bundled())) == 1


def test_every_reference_of_the_schema_is_defined_and_each_code_has_its_details() -> None:
    whole = schema(bundled().values())
    known = whole["$defs"]

    def references(value: Any) -> set[str]:
        if isinstance(value, list):
            return {r for item in value for r in references(item)}
        if isinstance(value, dict):
            own = {value["$ref"].removeprefix("#/$defs/")} if "$ref" in value else set()
            return own | {r for item in value.values() for r in references(item)}
        return set()

    assert references(whole) == set(known)
    of_code = {
        case["if"]["properties"]["code"]["const"]: case["then"]["properties"]["details"]["$ref"]
        for case in known["Finding"]["allOf"]
    }
    assert of_code == {name: f"#/$defs/{name}" for name in bundled()}
