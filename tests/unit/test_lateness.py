"""That the harness was late excuses an unknown only where nothing else is unknown beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.command import Done, conclusive
from tests.inconclusive import Inconclusive
from tests.lateness import late_alone

LATE, SAID = "harness.late", "the load was late by 0.21 s (limit 0.20 s)"


def result(*unknown: str) -> dict[str, Any]:
    """Of a run with findings of these codes."""
    findings = [{"outcome": "unknown", "code": code, "sentence": SAID} for code in unknown]
    return {"findings": [{"outcome": "pass", "code": "load.sound", "sentence": "all is well"}, *findings]}


@pytest.mark.parametrize("codes", [(LATE,), (LATE, LATE)])
def test_lateness_is_told_once_in_its_words(codes: tuple[str, ...]) -> None:
    assert late_alone(result(*codes)) == SAID


@pytest.mark.parametrize("codes", [(), ("load.silent",), (LATE, "fault.not_felt")])
def test_where_nothing_is_unknown_or_anything_else_is_it_is_no_excuse(codes: tuple[str, ...]) -> None:
    assert late_alone(result(*codes)) == ""


@pytest.mark.parametrize("codes", [(LATE,), (LATE, "fault.not_felt"), ()])
def test_a_test_whose_run_was_late_is_inconclusive_and_any_other_goes_on(
    tmp_path: Path, codes: tuple[str, ...]
) -> None:
    (tmp_path / "quick-both").mkdir()
    document = {"scenario": "quick", "cell": "both", **result(*codes)}
    (tmp_path / "quick-both" / "result.json").write_text(json.dumps(document))
    done = Done(3, f"outcome=unknown report={tmp_path}/report.html\n", "")
    if codes == (LATE,):
        with pytest.raises(Inconclusive, match=re.escape(f"quick:both: {SAID}")):
            conclusive(done)
    else:
        assert conclusive(done) is done
