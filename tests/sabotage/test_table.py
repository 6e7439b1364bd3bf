"""The table of README.md and the tests are one: each row has its test, each sabotage its row."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.command import ROOT
from tests.sabotage.test_live import LIVE, UNBITTEN
from tests.sabotage.test_recorded import BROKEN, JUDGES

README = Path(__file__).with_name("README.md")
# Sabotages that a test of another kind makes, or one with a name of its own.
ELSEWHERE = {
    "nothing-selected": "tests/sabotage/test_live.py::test_nothing_selected_is_a_usage_error",
    "outside-paused": "tests/sabotage/test_live.py::test_an_outside_half_that_stands_still_changes_nothing",
    "no-checker": "tests/sabotage/test_recorded.py::test_a_scenario_without_a_checker_is_unknown",
    "checker-hangs": "tests/sabotage/test_recorded.py::test_a_checker_that_hangs_is_unknown",
    "idle-deploy": "tests/unit/checkers/test_operations.py::test_a_kit_that_exits_0_without_doing_anything_is_told",
    "block-log-lost-a-write": "tests/unit/crash/test_states.py::test_a_write_the_log_lost_is_seen_on_the_disk",
    "client-resends": "tests/integration/load/test_load_driver.py::"
    "test_every_request_the_server_drops_after_reading_is_reported",
}
TESTS = {*LIVE, *UNBITTEN, *BROKEN, *JUDGES, *ELSEWHERE}


def rows() -> list[str]:
    return re.findall(r"^\| `([a-z0-9-]+)` \|", README.read_text(), re.MULTILINE)


def test_every_row_has_a_test_and_every_test_a_row() -> None:
    assert sorted(rows()) == sorted(TESTS)


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_tests_named_are_there(place: str) -> None:
    file, _, name = place.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text()
