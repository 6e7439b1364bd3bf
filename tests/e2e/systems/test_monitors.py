"""monitor_crash on real systems: each flaw of monitors in its own cell, and systems that lack what a cell needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import conclusive, deploydrill, run_tiny

pytestmark = pytest.mark.island


def test_a_flaw_of_monitors_is_told_by_its_own_sentence(tmp_path: Path) -> None:
    words = ("--system", "hardened", "--flaw", "blind_monitor", "--out", tmp_path, "--no-live")
    done = deploydrill("run", "monitor_crash:both-killed", *words)
    assert done.exit == 1
    sentence = "deploy-1 exited 0 although no monitor could see it: primary and secondary were killed from"
    assert sentence in done.why("fail")
    conclusive(done)
    assert done.why("unknown") == ""


@pytest.mark.parametrize(
    ("cell", "lacking"),
    [
        ("all-killed-start-good", "the system.toml has no [monitors], which this cell is about"),
        ("both-killed", "the system.toml has no [monitors], which this cell is about"),
        ("broken-seen", "the system.toml has no [versions] broken, which this cell is about"),
    ],
)
def test_a_system_that_lacks_what_a_cell_needs_is_unknown(tmp_path: Path, cell: str, lacking: str) -> None:
    done = run_tiny(tmp_path, f"monitor_crash:{cell}")
    assert done.exit == 3, done.why("fail")
    assert lacking in done.why("unknown")
