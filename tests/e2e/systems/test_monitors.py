"""monitor_crash on real systems: each flaw of monitors in its own cell, and systems that lack what a cell needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import conclusive, deploydrill, refuted, run_tiny

pytestmark = pytest.mark.island


def test_a_flaw_of_monitors_is_told_by_its_own_code(tmp_path: Path) -> None:
    words = ("--system", "hardened", "--flaw", "blind_monitor", "--size", "2MB", "--out", tmp_path, "--no-live")
    done = deploydrill("run", "monitor_crash:both-killed", *words)
    refuted(done)
    (found,) = done.found("fail", "deploy.unseen")
    assert found["subject"] == {"kind": "operation", "id": "deploy-1"}
    assert found["details"]["gone"]["monitors"] == ["primary", "secondary"]
    conclusive(done)
    assert done.found("unknown") == []


@pytest.mark.parametrize(
    ("cell", "lacking"),
    [
        ("all-killed-start-good", "[monitors]"),
        ("both-killed", "[monitors]"),
        ("broken-seen", "[versions] broken"),
    ],
)
def test_a_system_that_lacks_what_a_cell_needs_is_unknown(tmp_path: Path, cell: str, lacking: str) -> None:
    done = run_tiny(tmp_path, f"monitor_crash:{cell}")
    assert done.exit == 3, done.found("fail")
    (found,) = done.found("unknown")
    assert (found["code"], found["details"]) == ("run.system_lacks", {"keys": [lacking]})
