"""What continuous integration takes for green: a pass, and an unknown of a busy machine alone, in few cells."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import ci_outcome

LATE, OTHER = "harness.late", "fault.not_felt"
SAID = "the load was late by 0.21 s (limit 0.20 s)"
Cells = dict[str, tuple[str, str]]  # outcome and the code of its one finding, by cell


def campaign(folder: Path, cells: Cells, outcome: str, not_run: tuple[str, ...] = ()) -> Path:
    for name, (of_cell, code) in cells.items():
        (folder / name).mkdir()
        findings = [{"outcome": of_cell, "code": code, "sentence": SAID}]
        (folder / name / "result.json").write_text(json.dumps({"outcome": of_cell, "findings": findings}))
    document = {"outcome": outcome, "not_run": not_run, "runs": [{"path": name} for name in cells]}
    (folder / "campaign.json").write_text(json.dumps(document))
    return folder


def late(number: int) -> Cells:
    return {f"cell-{n}": ("unknown", LATE) for n in range(number)}


@pytest.mark.parametrize(
    ("cells", "outcome", "code"),
    [
        ({"a": ("pass", "")}, "pass", 0),
        ({"a": ("pass", ""), **late(1)}, "unknown", 0),
        (late(ci_outcome.MOST), "unknown", 0),
        (late(ci_outcome.MOST + 1), "unknown", 3),
        ({"a": ("unknown", OTHER), **late(1)}, "unknown", 3),
        ({"a": ("fail", "data.lost"), **late(1)}, "fail", 1),
        ({"a": ("pass", "")}, "unknown", 3),  # worse than its runs: something went wrong beside them
        ({}, "unknown", 3),
    ],
)
def test_late_is_green_where_it_is_the_sole_cause_and_rare(
    tmp_path: Path, cells: Cells, outcome: str, code: int
) -> None:
    assert ci_outcome.judged(campaign(tmp_path, cells, outcome))[0] == code


def test_a_cell_that_was_never_begun_is_no_matter_of_lateness(tmp_path: Path) -> None:
    code, lines = ci_outcome.judged(campaign(tmp_path, late(1), "unknown", ("baseline:once",)))
    assert (code, "ci: never begun: baseline:once" in lines) == (3, True)


def test_the_late_cells_are_named_with_their_reason(tmp_path: Path) -> None:
    _, lines = ci_outcome.judged(campaign(tmp_path, late(2), "unknown"))
    assert lines[:2] == [f"ci: late: cell-0: {SAID}", f"ci: late: cell-1: {SAID}"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"outcome": "pass"}'])
def test_a_campaign_that_cannot_be_read_is_never_green(tmp_path: Path, text: str) -> None:
    assert ci_outcome.judged(tmp_path)[0] == 3
    (tmp_path / "campaign.json").write_text(text)
    assert ci_outcome.judged(tmp_path)[0] == 3


def test_a_run_without_its_result_is_never_green(tmp_path: Path) -> None:
    folder = campaign(tmp_path, {"a": ("pass", "")}, "pass")
    (folder / "a" / "result.json").unlink()
    assert ci_outcome.judged(folder)[0] == 3
