"""The bundled scenarios ask of a kit nothing that a sound one cannot do."""

from __future__ import annotations

import pytest

from harness import registry
from harness.scenario import Cell

CELLS = [(f"{s.name}:{c.name}", c) for s in registry.scenarios().values() for c in s.cells]


@pytest.mark.parametrize(("name", "cell"), CELLS, ids=[name for name, _ in CELLS])
def test_a_sound_backup_is_made_after_the_latest_was_damaged(name: str, cell: Cell) -> None:
    """A kit may strike off a backup it saw damaged, also for good: it must have another to go back to."""
    if "validate_damaged" in (done := [getattr(s, "do", "") for s in cell.steps]):
        following = done[done.index("validate_damaged") + 1 :]
        assert "backup" in following
        assert not {"rollback", "restore"} & set(following[: following.index("backup")])
