"""A system that knows nothing of the harness: no phase marks, no JSON, its own daemon, its own user, no SQLite."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording
from tests.e2e.command import TINY, Done, conclusive, deploydrill
from tests.e2e.live_run import SCENARIOS

MUTE = TINY.with_name("mute")

pytestmark = [pytest.mark.island, pytest.mark.root]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Two runs side by side; what is asked of them is asked below. The system is copied to where its user can read it,
    whoever's the checkout is: an island shows what it keeps below temporary directories in fresh ones."""
    base = tmp_path_factory.mktemp("mute")
    system = shutil.copytree(MUTE, base / "system")
    words = ("--scenarios", SCENARIOS, "--system", system, "--out", base / "out", "--no-live")
    done = deploydrill("run", "seen:line", "seen:call", *words)
    assert done.found("fail") == []
    return conclusive(done)


def run_of(done: Done, cell: str) -> tuple[dict[str, Any], Recording]:
    result = next(r for r in done.results() if r["cell"] == cell)
    return result, Recording(next(p for p in done.report.glob("*") if p.name.startswith(f"seen-{cell}")))


def test_it_is_rehearsed_like_any_other(done: Done) -> None:
    assert (done.exit, done.found("unknown")) == (0, [])
    for cell in ("line", "call"):
        result, recording = run_of(done, cell)
        found = {(f["code"], f["subject"]["id"]) for f in result["findings"]}
        assert {("restore.exact", "restore-1"), ("fault.felt", "fault-1")} <= found
        (backup, *_), restored = recording.observations, recording.observations[1]
        assert backup.found and len(backup.found) > 40
        assert restored.found and {w.outcome for w in recording.writes} <= {"acknowledged", "indeterminate"}
        assert recording.observations[-1].version == "2"


def test_a_fault_at_a_line_says_how_late_it_came(done: Done) -> None:
    result, recording = run_of(done, "line")
    (felt,) = (f["details"] for f in result["findings"] if f["code"] == "fault.felt")
    # What the fault's own probe says of where it landed.
    seen = re.search(r"seen in a line of a log, at most (\d+\.\d) ms late; the kit went on \(it took", felt["probe"])
    assert seen and 0 < float(seen[1]) < 1000
    assert "edges of phases were seen, not marked" in "".join(result["warnings"])
    (phase,) = (m for m in result["measurements"] if m["name"] == "backup.copy")
    assert phase["resolution"] >= max(recording.log.late_ns.values()) / 1e9
    # Its snapshot may be as old as the operation: the line came some time after the copy had begun, for all we know.
    backup = next(o for o in recording.operations if o.id == "backup-1")
    snapshot_ns = recording.observations[1].snapshot_ns
    assert snapshot_ns and snapshot_ns[0] == backup.start_ns < snapshot_ns[1]


def test_a_fault_at_a_system_call_is_in_before_the_call_is(done: Done) -> None:
    result, recording = run_of(done, "call")
    (felt,) = (f["details"] for f in result["findings"] if f["code"] == "fault.felt")
    assert "seen" not in felt["probe"]
    backup = next(o for o in recording.operations if o.id == "backup-2")
    (fault,) = recording.faults
    mark = next(e for e in recording.of(PhaseEdge) if e.phase == "backup.write" and e.operation == "backup-2")
    assert mark.t <= (fault.injected_ns or 0) < (fault.confirmed_ns or 0) <= mark.t + mark.gate_ns
    assert 0 < mark.gate_ns <= backup.gate_ns < backup.stop_ns - backup.start_ns


def test_its_daemon_ran_as_its_user_and_is_measured(done: Done) -> None:
    _, recording = run_of(done, "line")
    # It refuses to start as root, and it left the process that was started: what is measured is the daemon.
    assert max(row["sut_rss"] for row in recording.samples.resources) > 5 * 2**20
    assert (done.report / "campaign.json").exists()
    running = [p.read_bytes() for p in Path("/proc").glob("[0-9]*/cmdline") if p.parent.exists()]
    assert not [c for c in running if str(done.report.parents[1]).encode() in c]


def test_a_user_who_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    folder = tmp_path / "mute"
    folder.mkdir()
    text = (MUTE / "system.toml").read_text().replace('user = "nobody"', 'user = "nobody-of-that-name"')
    (folder / "system.toml").write_text(text.replace("{system}", str(MUTE)))
    failed = deploydrill("run", "seen:line", "--scenarios", SCENARIOS, "--system", folder, "--out", tmp_path / "out")
    assert failed.exit == 64
    assert "run commands as the user nobody-of-that-name: there is no such user here" in failed.err
    assert failed.out == ""
