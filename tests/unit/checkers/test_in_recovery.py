"""Two faults are a pair only while the system has not recovered from the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.checkers.validity.in_recovery import InRecovery
from tests.unit.checkers.build import Run, answers, only


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.fault(10.0, 12.0, id="fault-1", link="offsite")
    return run


@pytest.mark.parametrize(
    ("second_s", "code", "details"),
    [
        (11.0, "fault.pair", {"came": [{"what": "disk_full (fault-2)", "after_s": 1.0}], "again": "backup-2"}),
        (9.0, "fault.second_came_first", {"came": ["disk_full (fault-2)"]}),
        (16.0, "fault.second_came_late", {"came": ["disk_full (fault-2)"], "again": "backup-2"}),
        (None, "fault.second_never_came", {}),
    ],
)
def test_a_second_fault_has_to_come_before_anything_worked_again(
    second_s: float | None, code: str, details: dict[str, Any], run: Run
) -> None:
    run.op("backup", 9.5, 13.0, 1)
    run.op("backup", 14.0, 15.0)
    run.fault(second_s, None if second_s is None else second_s + 1, id="fault-2")
    found = only(answers(InRecovery(), run.done()))
    assert (found.code, found.outcome) == (code, "pass" if code == "fault.pair" else "unknown")
    assert found.details == {"first": "partition (fault-1)", **details}


@pytest.mark.parametrize(("start_s", "outcome"), [(11.0, "pass"), (9.0, "unknown")])
def test_operations_that_come_on_top_are_those_after_the_first_of_the_group(
    start_s: float, outcome: str, run: Run
) -> None:
    run.op("deploy", 8.0, 13.0, 1, group=1)
    run.op("deploy", start_s, 14.0, group=1)
    assert only(answers(InRecovery("together"), run.done())).outcome == outcome


@pytest.mark.parametrize(("cut_s", "outcome"), [(11.0, "pass"), (9.9, "unknown"), (15.5, "unknown")])
def test_a_power_cut_is_dated_by_its_block_write(cut_s: float, outcome: str, run: Run) -> None:
    run.op("backup", 9.5, 13.0, 1)
    run.op("backup", 14.0, 15.0)
    run.event("power.planned", 20, cuts=[{"number": 1, "at_ns": run.ns(cut_s), "during": "backup.copy", "record": 7}])
    assert only(answers(InRecovery("power"), run.done())).outcome == outcome


def test_without_the_first_there_is_no_pair(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.fault(None)
    run.fault(11.0, 12.0, id="fault-2")
    assert only(answers(InRecovery(), run.done())).code == "fault.first_never_came"
