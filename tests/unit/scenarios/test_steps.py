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


OF_LINKS = registry.scenario("network_partition").cells_on(["database", "offsite"])


def test_a_link_of_a_system_of_ones_own_has_cells_of_its_own_and_one_that_has_cells_already_gets_no_more() -> None:
    own = [cell for cell in OF_LINKS if cell.name.startswith("database-")]
    assert own and len(OF_LINKS) == len(registry.scenario("network_partition").cells) + len(own)
    assert {t.fault.aimed_at["link"] for cell in own for t in cell.triggers} == {"database"}
    assert any(cell.tier == "quick" for cell in own)
    for cell in own:  # what the fault did to a backup is seen by a restore after it
        done = [getattr(s, "do", "") for s in cell.steps]
        (trigger,) = cell.triggers
        hit = [i for i, do in enumerate(done) if do == trigger.at.phase][trigger.occurrence - 1]
        assert done[-2:] == ["restore", "read_back"] and hit < len(done) - 2
        assert {type(c).__name__ for c in cell.checkers} >= {"NoPartialLatest", "Restorable"}
