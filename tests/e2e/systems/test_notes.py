"""A system in another language (Node), written by somebody who had read the README only, in words of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.command import TINY, conclusive, deploydrill

NOTES = TINY.with_name("notes")

pytestmark = [pytest.mark.island, pytest.mark.node]


def test_it_keeps_the_contract(tmp_path: Path) -> None:
    done = deploydrill("verify", "--system", NOTES, "--out", tmp_path)
    assert done.found("fail") == []
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, [])
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
    assert done.found("fail") == []
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, [])
    (felt,) = [f["details"] for f in done.found("pass", "fault.felt") if f["details"]["name"] == "disk_full"]
    assert (felt["met"]["id"], felt["met"]["exit"], felt["without"]) == ("backup-2", 1, "backup-1")
    (kept,) = done.found("pass", "operations.lock_kept")
    assert kept["details"]["refused"]["id"] == "deploy-2"
    cuts = done.cut_states()
    assert [f["code"] for f in cuts] == ["power.survived"] * 3
    assert all(f["details"]["cut"]["hit"] for f in cuts)
    assert [f["details"]["again"] for f in cuts] == ["", "", "backup"]
