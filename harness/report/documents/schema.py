"""The shape of result.json, and its JSON Schema in harness/docs: ``python -m harness.report.documents.schema``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from harness.checkers.core.codes import Code
from harness.host.checkout import DOCS
from harness.judge.declared import bundled
from harness.model import Finding, FindingOutcome, Measurement, Outcome
from harness.report.documents.result import SCHEMA

FILE = DOCS / "result.schema.json"
_REFERENCE = "#/$defs/{name}"


class Claim(msgspec.Struct):
    """A claim with what was measured."""

    key: str
    subject: str
    measure: str
    limit: float
    level: str
    source: str
    outcome: FindingOutcome
    code: str
    sentence: str
    n: int
    median: float | None
    min: float | None
    max: float | None
    unit: str
    resolution: float
    supports: str


class PhaseSpan(msgspec.Struct):
    """A phase that the kit marked, or that was detected."""

    operation: str
    repeat: int
    warmup: bool
    name: str
    start_s: float
    stop_s: float
    gate_s: float


class OperationRun(msgspec.Struct):
    """One run of a command of the kit."""

    id: str
    name: str
    repeat: int
    warmup: bool
    expect: Literal["success", "failure", "any"]
    exit: int | None
    start_s: float
    seconds: float
    gate_s: float
    blocked_on: str
    attributes: dict[str, str]
    output: str


class FaultRow(msgspec.Struct):
    """A planned fault and what became of it."""

    id: str
    name: str
    parameters: dict[str, Any]
    at: str
    injected_s: float | None
    confirmed_s: float | None
    healed_s: float | None
    applied: bool
    felt: bool
    said: str


class ReadBack(msgspec.Struct):
    """The system's data as they were found, counted."""

    label: str
    cause: str
    at_s: float
    version: str
    error: str
    acknowledged: int
    indeterminate: int
    found: int | None
    lost: int | None
    resurrected: int | None
    duplicated: int | None
    torn: int | None


class Outage(msgspec.Struct):
    """A stretch in which a channel was bad."""

    channel: str
    start_s: float
    stop_s: float
    seconds: float
    failed: int
    kinds: dict[str, int]
    phase: str


class Counted(msgspec.Struct):
    """The requests that downtime is judged by."""

    n: int
    bad: int


class Probe(msgspec.Struct):
    """What the open-loop prober saw."""

    n: int
    bad: int
    interval_ms: float
    lateness_p99_ms: float
    resolution_ms: float
    longest_outage_ms: float
    total_bad_ms: float
    longest_gap_ms: float | None
    longest_gap_channel: str | None
    bad_rate_upper: float | None
    deadline_ms: float | None


class Series(msgspec.Struct):
    """Second by second, lists of equal length."""

    second: list[float]
    p50_ms: list[float | None]
    p99_ms: list[float | None]
    errors_pct: list[float | None]
    rps: list[float]


class Load(msgspec.Struct):
    """What the clients did and saw; without a field where there was no load."""

    profile: str | UnsetType = UNSET
    users: int | UnsetType | None = UNSET
    started: int | UnsetType = UNSET
    outcomes: dict[str, int] | UnsetType = UNSET
    rate_per_s: float | UnsetType | None = UNSET
    window_s: float | UnsetType = UNSET
    counted: Counted | UnsetType = UNSET
    probe: Probe | UnsetType = UNSET
    series: Series | UnsetType = UNSET
    server_requests: int | UnsetType | None = UNSET


class Host(msgspec.Struct):
    """What the run was made on."""

    cpus: int
    memory_bytes: int
    kernel: str
    python: str
    island: str
    disks: dict[str, str]


class Provenance(msgspec.Struct):
    """What was run, by what."""

    deploydrill: str
    commit: str
    system_hash: str
    files: dict[str, str]
    started_utc: str
    command: str
    seconds: float | UnsetType = UNSET


class Waive(msgspec.Struct):
    """An accepted unknown, which is still no pass."""

    name: str
    reason: str
    until: str
    expired: bool


class ResultDocument(msgspec.Struct):
    """result.json: one run, judged. reports/README.md says what the fields mean."""

    schema: Literal[2]
    run: str
    system: str
    scenario: str
    cell: str
    seed: int
    outcome: Outcome
    findings: list[Finding]
    measurements: list[Measurement]
    claims: list[Claim]
    spans: list[PhaseSpan]
    operations: list[OperationRun]
    faults: list[FaultRow]
    observations: list[ReadBack]
    outages: list[Outage]
    load: Load
    host: Host
    provenance: Provenance
    warnings: list[str]
    waived: list[Waive]
    title: str
    reproduce: str
    review: dict[str, Any]


def misshapen(document: Mapping[str, Any], codes: Mapping[str, Code]) -> list[str]:
    """What of a result.json is not of the shape that is documented: a field of another type, missing or not known. The
    details of a code that is not among ``codes`` may be anything."""
    parts: list[tuple[str, Any, Any]] = [("result.json", document, ResultDocument)]
    for i, finding in enumerate(document["findings"]):
        if finding["code"] in codes:
            parts.append((f"findings.{i}.details", finding["details"], codes[finding["code"]].details))
    return [why for name, value, kind in parts if (why := _misshapen(name, value, kind))]


def _misshapen(name: str, value: Any, kind: Any) -> str:
    try:
        back = msgspec.json.decode(msgspec.json.encode(msgspec.convert(value, kind)))
    except msgspec.ValidationError as error:
        return f"{name}: {error}"
    return "" if back == value else f"{name}: it has fields that are not known"


def schema(codes: Iterable[Code]) -> dict[str, Any]:
    """The JSON Schema of result.json; below ``details`` each code has its own."""
    codes = list(codes)
    (whole, *details), known = msgspec.json.schema_components(
        [ResultDocument, *(code.details for code in codes)], ref_template=_REFERENCE
    )
    # Classes of one name in two modules are told apart by the modules; a code is a name that stays.
    names = {shape["$ref"].removeprefix(_REFERENCE.format(name="")): code.name for code, shape in zip(codes, details)}
    finding = known["Finding"]
    finding["allOf"] = [
        {"if": {"properties": {"code": {"const": code.name}}}, "then": {"properties": {"details": shape}}}
        for code, shape in zip(codes, details, strict=True)
    ]
    # Each field is written, also where it has a default in the code that makes it.
    for made_here in ("Finding", "Measurement"):
        known[made_here]["required"] = list(known[made_here]["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"result.json of Deploydrill, schema {SCHEMA}",
        **whole,
        "$defs": {name: _renamed(known[of], names) for name, of in sorted((names.get(k, k), k) for k in known)},
    }


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same with its references to other names."""
    if isinstance(value, dict):
        return {
            k: _REFERENCE.format(name=names.get(v.rpartition("/")[2], v.rpartition("/")[2]))
            if k == "$ref"
            else _renamed(v, names)
            for k, v in value.items()
        }
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def text() -> str:
    """The file, a line a definition: a change of one is one line."""
    whole = schema(bundled().values())
    definitions = whole.pop("$defs")
    head = json.dumps(whole, indent=1).removesuffix("\n}")
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(shape)}" for name, shape in definitions.items())
    return f'{head},\n "$defs": {{\n{lines}\n }}\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text())
