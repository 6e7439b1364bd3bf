"""The harness broken on purpose: whatever was not measured ends as unknown (exit 3), never as a pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.command import Done, run_tiny

SCENARIOS = Path(__file__).with_name("scenarios")
pytestmark = pytest.mark.island

# (cell, flaw of the tiny system) -> what the report must say is unknown; empty: the run passes
SAID = {
    ("sound", ""): "",
    ("not-applied", ""): "did not take effect",
    ("not-felt", ""): "nothing of the system met it",
    ("lost-early", ""): "somebody removed it",
    ("not-healed", ""): "it could not be healed",
    ("never-fired", ""): "it never fired",
    ("raising", ""): "the checker raising crashed: ZeroDivisionError: on purpose",
    ("silent", ""): "the checker silent crashed",
    ("long", "freeze_load"): "the load",
    ("long", "kill_load"): "Locust ended in the middle of the run",
    ("long", "counts_twice"): "the server counted",
    ("long", "freezes_later"): "never answered again",
}
Result = Callable[[str, str], Done]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """All runs, two at a time; a test waits for its own."""
    with ThreadPoolExecutor(2) as pool:
        runs: dict[tuple[str, str], Future[Done]] = {}
        for number, (cell, flaw) in enumerate(SAID):
            words = [f"harmful:{cell}", "--scenarios", SCENARIOS, *(["--flaw", flaw] if flaw else [])]
            runs[cell, flaw] = pool.submit(run_tiny, tmp_path_factory.mktemp(f"run{number}-"), *words)
        yield lambda cell, flaw: runs[cell, flaw].result()


def test_the_same_run_without_sabotage_passes(result: Result) -> None:
    done = result("sound", "")
    assert (done.exit, done.why("unknown"), done.why("fail")) == (0, "", "")


@pytest.mark.parametrize(("cell", "flaw"), [key for key, said in SAID.items() if said])
def test_what_was_not_measured_is_unknown(result: Result, cell: str, flaw: str) -> None:
    done = result(cell, flaw)
    assert (done.exit, done.why("fail")) == (3, "")
    assert SAID[cell, flaw] in done.why("unknown")


def test_nothing_selected_is_a_usage_error(tmp_path: Path) -> None:
    assert run_tiny(tmp_path, "harmful:nothing", "--scenarios", SCENARIOS).exit == 64


def test_a_race_between_operations_that_mark_no_phases_is_unknown(tmp_path: Path) -> None:
    done = run_tiny(tmp_path, "concurrent_deployments:race-2")
    assert (done.exit, done.why("fail")) == (3, "")
    assert "it cannot be told when deploy-1, deploy-2 had the lock" in done.why("unknown")
    assert "`status` does not tell: schema, lock" in done.why("unknown")
