"""Sound kits with habits of others are green, or unknown by a code that names the key (all rows: `make systems`)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import conclusive, deploydrill
from tests.systems.rehearse import commands, wrong
from tests.systems.rows import QUICK, ROWS

pytestmark = pytest.mark.island


@pytest.mark.parametrize("name", QUICK)
def test_a_sound_kit_is_green_or_the_key_is_named(name: str, tmp_path: Path) -> None:
    row = next(r for r in ROWS if r.name == name)
    what, words = next(iter(commands(row, tmp_path)))  # the rest is for `make systems`
    done = deploydrill(*words, "--size", "4MB")
    why = wrong(row, done)
    if why and done.exit == 3:
        conclusive(done)
    assert not why, f"{what}: {why}"
