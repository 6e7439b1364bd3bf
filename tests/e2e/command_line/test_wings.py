"""A run with a fault and a checker of one's own: each half loads its own alone, and what was recorded is judged by what
its folder says, whatever becomes of the scenario."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.command import Done, conclusive, deploydrill
from tests.e2e.live_run import tiny_copy

pytestmark = pytest.mark.island

FAULT = '''
import sys
from dataclasses import dataclass
from harness import Evidence, Fault, Injection


@dataclass(frozen=True)
class Listing(Fault):
    """Changes nothing, and tells what is loaded where it is injected."""

    name = "listing"

    def inject(self, system, operation, undo):
        return Loaded()


class Loaded(Injection):
    def confirm(self):
        return Evidence(True, False, " ".join(sorted(m for m in sys.modules if m.startswith("harness."))))

    def lost_early(self):
        return ""

    def observed_by(self, said):
        return "it was there"

    def reverted(self):
        return True
'''
CHECKER = """
from dataclasses import dataclass
from harness import Checker, Details, Subject, code, finding


@code(
    "own.counted",
    "pass",
    title="Operations were counted",
    sentence="{{ n }} ended",
    meaning="They were counted.",
    hint="count them yourself",
)
class Counted(Details):
    n: int


@dataclass(frozen=True)
class Counting(Checker):
    least: int = 1
    name = "counting"
    codes = (Counted,)

    def needs(self, kit, steps):
        if not kit.config.versions.schemas:
            yield "[versions] schemas"
        yield from kit.missing_phase("backup.snapshot")

    def check(self, run):
        yield finding("own.count", Subject("run", ""), Counted(n=len(run.recording.operations)))
"""
SCENARIO = """
from _counting import Counting
from _listing import Listing
from harness import Cell, Edge, Scenario, Step, Trigger, checkers

scenario = Scenario(
    name="mine",
    title="a fault and a checker of my own",
    requirements=(),
    checkers=(*checkers.standard(), Counting(least=2)),
    cells=(
        Cell(
            "a",
            "two backups, the first one looked at",
            (Step("backup"), Step("backup"), Step("read_back")),
            (Trigger(Listing(), Edge("backup", "start")),),
        ),
    ),
)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wings")
    (folder / "drills").mkdir()
    for name, text in (("_listing", FAULT), ("_counting", CHECKER), ("mine", SCENARIO)):
        (folder / "drills" / f"{name}.py").write_text(text)
    return folder


@pytest.fixture(scope="module")
def finished(base: Path) -> Done:
    system = tiny_copy(base / "tiny")
    words = ("run", "mine", "--scenarios", base / "drills", "--system", system, "--out", base / "out", "--no-live")
    return deploydrill(*words)


@pytest.fixture
def copy(finished: Done, tmp_path: Path) -> Path:
    conclusive(finished)
    assert finished.exit == 0, finished
    return shutil.copytree(finished.report / "mine-a", tmp_path / "mine-a")


def test_a_running_inside_half_holds_nothing_of_the_judging_wing_and_no_scenario(copy: Path) -> None:
    events = [json.loads(line) for line in (copy / "events.jsonl").read_text().splitlines()]
    (confirmed,) = [e for e in events if e["kind"] == "fault.confirmed"]
    loaded = {module.split(".")[1] for module in confirmed["said"].split()}
    assert {"rehearsal", "faults", "system", "load"} <= loaded
    assert loaded & {"judge", "checkers", "judged", "report", "scenario", "registry", "campaign", "cli"} == set()


def test_deleting_the_scenario_changes_nothing_in_what_an_old_run_is_judged_as(copy: Path, base: Path) -> None:
    scenario = base / "drills" / "mine.py"
    first = (copy / "result.json").read_bytes()
    assert b'"own.counted"' in first
    scenario.rename(base / "away")
    try:
        assert deploydrill("judge", copy).exit == 0
    finally:
        (base / "away").rename(scenario)
    assert (copy / "result.json").read_bytes() == first


def test_a_checker_of_ones_own_that_was_edited_since_is_an_unknown_that_names_it(copy: Path, base: Path) -> None:
    own, kept = base / "drills" / "_counting.py", base / "kept"
    kept.mkdir()
    shutil.copy(own, kept)
    own.write_text(CHECKER.replace("were counted", "are counted"))
    try:
        done = deploydrill("judge", copy)
        document = json.loads((copy / "result.json").read_text())
        (missing,) = [f for f in document["findings"] if f["outcome"] == "unknown"]
        assert (done.exit, missing["code"], missing["subject"]["id"]) == (3, "checker.missing", "counting")
        assert str(own) in missing["details"]["why"]
        assert deploydrill("judge", copy, "--scenarios", kept).exit == 0  # as it was, in another place
    finally:
        own.write_text(CHECKER)


def test_a_checker_of_ones_own_judges_by_a_code_of_ones_own(copy: Path) -> None:
    document = json.loads((copy / "result.json").read_text())
    (counted,) = [f for f in document["findings"] if f["check"] == "own.count"]
    told = {name: counted[name] for name in ("code", "outcome", "details", "title", "sentence", "hint")}
    assert told == {
        "code": "own.counted",
        "outcome": "pass",
        "details": {"n": 2},
        "title": "Operations were counted",
        "sentence": "2 ended",
        "hint": "count them yourself",
    }


def test_what_a_checker_of_ones_own_needs_is_printed_before_a_run_and_by_verify(base: Path) -> None:
    system = tiny_copy(base / "asked")
    words = ("--scenarios", base / "drills", "--system", system)
    planned = deploydrill("run", "mine", *words, "--dry-run")
    assert [line.strip() for line in planned.out.splitlines() if "needs" in line] == ["needs [versions] schemas"]
    verified = deploydrill("verify", *words, "--out", base / "asked-out", "--json").out
    document = json.loads(verified[: verified.rindex("\noutcome=")])
    (mine,) = [s for s in document["scenarios"] if s["name"] == "mine"]
    assert mine["cells"] == [{"name": "a", "tier": "quick", "needs": ["[versions] schemas", "phase backup.snapshot"]}]
