"""The tables of cells are what the code says, and the quick tier fits its time."""

from harness import registry
from harness.run.campaign import wall_s
from harness.scenario import Cell
from tests.cells import README, written

# `make chaos` on two cores, set-up apart. The budgets of the cells are held by the runs themselves.
QUICK_TIER_S = 8 * 60


def test_the_tables_of_cells_are_those_of_the_code() -> None:
    assert README.read_text() == written(), "run: python -m tests.cells"


def test_the_quick_tier_fits_its_time_two_side_by_side() -> None:
    quick = [c for s in registry.scenarios().values() for c in s.cells if c.tier == "quick"]
    assert wall_s(quick, 2) <= QUICK_TIER_S


def test_timing_cells_take_their_time_alone_and_the_others_share_the_lanes() -> None:
    cells = [Cell("t", "", (), timing=True, budget_s=100), *(Cell(str(s), "", (), budget_s=s) for s in (30, 20, 10, 5))]
    assert wall_s(cells, 1) == 165
    assert wall_s(cells, 2) == 100 + 35  # 30 + 5 beside 20 + 10
    assert wall_s([], 2) == 0
