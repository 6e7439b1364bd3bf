"""A system in another language (Node), written by somebody who had read the README only, in words of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import TINY, conclusive, deploydrill

NOTES = TINY.with_name("notes")

pytestmark = [pytest.mark.island, pytest.mark.node]


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    done = deploydrill("verify", "--system", NOTES, "--out", tmp_path)
    assert done.why("fail") == ""
    conclusive(done)
    assert (done.exit, done.why("unknown")) == (0, "")
    kept = [line.split()[1] for line in done.out.splitlines() if line.startswith("ok ")]
    assert {"service.start", "seed", "backup", "validate", "deploy", "rollback", "restore", "load.read_back"} <= set(
        kept
    )
    for scenario in ("baseline", "concurrent_deployments", "disk_full", "power_loss"):
        assert any(line.split()[:2] == ["yes", scenario] for line in done.out.splitlines())


@pytest.mark.root
def test_it_is_rehearsed(tmp_path: Path) -> None:
    """A space check in words nobody looks for, a lock that has no lease, and directories it does not make itself."""
    cells = ("disk_full:before-backup", "concurrent_deployments:zombie", "power_loss:in-backup")
    done = deploydrill("run", *cells, "--system", NOTES, "--size", "2MB", "--out", tmp_path, "--no-live")
    assert done.why("fail") == ""
    conclusive(done)
    assert (done.exit, done.why("unknown")) == (0, "")
    passed = done.why("pass")
    assert "backup-2 exited with 1 after" in passed and "with it in place, and backup-1 succeeded without it" in passed
    assert "kept its lock: deploy-2 was refused meanwhile" in passed
