"""The table of cells is what the code says."""

from tests.cells import README, written


def test_the_table_of_cells_is_the_one_of_the_code() -> None:
    assert README.read_text() == written(), "run: python -m tests.cells"
