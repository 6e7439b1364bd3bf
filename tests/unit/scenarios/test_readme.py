"""The tables of cells are what the code says, and the quick tier fits its time."""

from harness import registry
from harness.campaign.selection import wall_s
from harness.host.checkout import ROOT
from harness.model import Edge
from harness.scenario import Cell, Together
from tests.cells import PAGE, page

# `make chaos` on two cores, set-up apart. The budgets of the cells are held by the runs themselves.
QUICK_TIER_S = 8 * 60


def test_the_tables_of_cells_are_those_of_the_code() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_quick_tier_fits_its_time_two_side_by_side() -> None:
    quick = [c for s in registry.scenarios().values() for c in s.cells if c.tier == "quick"]
    assert wall_s(quick, 2) <= QUICK_TIER_S


def test_timing_cells_take_their_time_alone_and_the_others_share_the_lanes() -> None:
    cells = [Cell("t", "", (), timing=True, budget_s=100), *(Cell(str(s), "", (), budget_s=s) for s in (30, 20, 10, 5))]
    assert wall_s(cells, 1) == 165
    assert wall_s(cells, 2) == 100 + 35  # 30 + 5 beside 20 + 10
    assert wall_s([], 2) == 0


def test_the_page_of_phases_names_every_phase_that_a_scenario_waits_for() -> None:
    cells = [cell for scenario in registry.scenarios().values() for cell in scenario.cells]
    edges = [t.at for cell in cells for t in cell.triggers]
    edges += [edge for cell in cells for step in cell.steps if isinstance(step, Together) for edge in step.barrier]
    edges += [step.after for cell in cells for step in cell.single_steps if isinstance(step.after, Edge)]
    phases = {edge.phase for edge in edges if "." in edge.phase}
    phases |= {phase for cell in cells if cell.power for phase in cell.power.during if "." in phase}
    page = (ROOT / "harness" / "docs" / "phases.md").read_text()
    assert phases
    assert [phase for phase in sorted(phases) if f"`{phase}`" not in page] == []
