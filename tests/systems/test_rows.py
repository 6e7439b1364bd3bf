"""Each row of `make systems` is a system that can be read, under a name of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.registry import BUNDLED
from tests.systems.rows import QUICK, ROWS, Row

REFUSED_AS_READ = ("relative",)


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert set(QUICK) <= {row.name for row in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_read(row: Row, tmp_path: Path) -> None:
    folder = row.folder(tmp_path)
    if row.name in REFUSED_AS_READ:
        with pytest.raises(HarnessError) as refused:
            load_system(str(folder), BUNDLED, variants=row.flaws)
        assert refused.value.code == ExitCode.USAGE
        assert row.said in refused.value.hint
    else:
        assert load_system(str(folder), BUNDLED, variants=row.flaws).active == row.flaws
