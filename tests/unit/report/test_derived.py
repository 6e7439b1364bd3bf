"""Numbers that are computed from result.json, against those computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

from harness.report.documents.derived import DERIVATIONS, derive


def operation(name: str, repeat: int, start_s: float, seconds: float, **more: Any) -> dict[str, Any]:
    usual = {"warmup": False, "exit": 0, "gate_s": 0.0, "attributes": {}}
    return {"name": name, "repeat": repeat, "start_s": start_s, "seconds": seconds, **usual, **more}


DOCUMENT: dict[str, Any] = {
    "operations": [
        *(operation(name, 0, 0, 5, warmup=True) for name in ("backup", "validate", "deploy", "rollback")),
        *(operation(name, 1, 10, 2) for name in ("backup", "validate", "deploy", "rollback")),
        operation("validate", 1, 12, 50, attributes={"mutation": "truncate"}),
        *(operation(name, 2, 20, 3) for name in ("backup", "validate", "deploy")),
        operation("rollback", 2, 20, 3, exit=1),
        *(operation(name, 3, 30, 4) for name in ("backup", "validate", "deploy")),
        operation("rollback", 3, 61, 4.5, gate_s=1.5),
    ],
    "claims": [
        {"measure": "duration_s", "n": 4},
        {"measure": "outage_s", "n": 2},
        {"measure": "bad", "n": 1},
    ],
    "findings": [{"outcome": o} for o in ("pass", "fail", "pass", "unknown", "fail", "pass", "fail")],
    "provenance": {},
    "load": {"probe": {"deadline_ms": 250}, "outcomes": {"ok": 5, "reset": 2}},
    "runs": [{"outcome": o} for o in ("pass", "fail", "unknown", "unknown", "pass", "pass")],
}
BY_HAND: dict[str, float] = {
    "claims_least_n": 2,
    "claims_most_n": 4,
    "findings": 7,
    "findings_pass": 3,
    "findings_fail": 3,
    "findings_unknown": 1,
    "findings_fail_more": 2,
    "findings_unknown_more": 0,
    "total_n": 2,
    "total_median_s": 12.25,
    "total_min_s": 8,
    "total_max_s": 16.5,
    "run_seconds": 67,
    "deadline_s": 0.25,
    "outcomes_sum": 7,
    "runs": 6,
    "runs_pass": 3,
    "runs_fail": 1,
    "runs_unknown": 2,
}


@pytest.mark.parametrize("name", DERIVATIONS)
def test_a_derived_number_is_what_it_is_by_hand(name: str) -> None:
    assert derive(DOCUMENT, name) == pytest.approx(BY_HAND[name])


def test_the_time_a_run_took_ends_with_its_last_event_where_the_result_says_when_that_was() -> None:
    assert derive({**DOCUMENT, "provenance": {"seconds": 95.5}}, "run_seconds") == 95.5
