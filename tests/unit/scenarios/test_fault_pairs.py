"""The ten pairs: each of the five faults meets each other, the second on an edge of the recovery from the first."""

from __future__ import annotations

from itertools import combinations

import pytest

from harness import registry
from harness.campaign.compile import planned_faults, planned_triggers
from harness.checkers.validity.in_recovery import InRecovery
from harness.scenario import Cell, Together

SCENARIO = registry.scenario("fault_pairs", ())
FIVE = ("partition", "disk_full", "power", "concurrent", "monitor_killed")
# Edges of the recovery: on the way back, in the try after, in what waits for the lock of one that died.
EXPECTED = {
    "partition-disk-full": [
        "partition at backup.upload.start #2 until another operation ends",
        "disk_full at backup.copy.start #3",
    ],
    "partition-concurrent": ["partition at deploy.switch.start #1"],
    "partition-monitors": [
        "partition at deploy.switch.start #1",
        "monitor_killed at deploy.back.start #1 until another operation ends",
    ],
    "disk-full-concurrent": ["disk_full at deploy.migrate.start #1"],
    "monitors-disk-full": [
        "monitor_killed at deploy.switch.start #1",
        "disk_full at deploy.back.start #1 until another operation ends",
    ],
    "concurrent-monitors": ["process_kill at deploy.switch.stop #1", "monitor_killed at deploy.check.start #2"],
    "partition-power": ["partition at backup.upload.start #2 until another operation ends"],
    "disk-full-power": ["disk_full at backup.copy.start #2"],
    "monitors-power": ["monitor_killed at deploy.switch.start #1"],
    "concurrent-power": ["process_kill at deploy.switch.stop #1"],
}
POWER = {
    "partition-power": ("backup", 3, ("backup.copy", "backup.encrypt", "backup.verify")),
    "disk-full-power": ("backup", 2, ("backup.copy",)),
    "monitors-power": ("deploy", 1, ("deploy.back",)),
    "concurrent-power": ("deploy", 2, ("deploy.check", "deploy.start")),
}


def faults_of(cell: Cell) -> frozenset[str]:
    """Which of the five meet in it. A holder that is killed is deployments at once."""
    names = {t.fault.name for t in cell.triggers} - {"process_kill"}
    names |= {"power"} if cell.power else set()
    names |= {"concurrent"} if any(isinstance(s, Together) for s in cell.steps) else set()
    return frozenset(names)


def test_every_pair_of_the_five_meets_in_exactly_one_cell() -> None:
    pairs = [faults_of(cell) for cell in SCENARIO.cells]
    assert sorted(map(sorted, pairs)) == sorted(sorted(pair) for pair in combinations(FIVE, 2))


@pytest.mark.parametrize("cell", SCENARIO.cells, ids=lambda cell: cell.name)
def test_faults_and_edges_of_each_pair_are_as_planned(cell: Cell) -> None:
    planned = [f.described() for f in planned_faults(planned_triggers(SCENARIO, cell, seed=1))]
    assert [f"{f['name']} at {f['at']}" for f in planned] == EXPECTED[cell.name]
    power = cell.power
    assert (power and (power.operation, power.occurrence, power.during)) == POWER.get(cell.name)
    assert cell.tier == "full"


@pytest.mark.parametrize("cell", SCENARIO.cells, ids=lambda cell: cell.name)
def test_that_the_two_met_is_asked_of_every_pair(cell: Cell) -> None:
    (asked,) = [c for c in cell.checkers if isinstance(c, InRecovery)]
    second = "power" if cell.power else "fault" if len(cell.triggers) == 2 else "together"
    assert asked.second == second


@pytest.mark.parametrize("seed", range(20))
def test_where_a_backup_fills_its_disk_is_drawn_from_the_seed(seed: int) -> None:
    for cell in (SCENARIO.cell("partition-disk-full"), SCENARIO.cell("disk-full-power")):
        (full,) = [t.fault for t in planned_triggers(SCENARIO, cell, seed) if t.fault.name == "disk_full"]
        assert 0.15 <= full.parameters["leave"] <= 0.85
