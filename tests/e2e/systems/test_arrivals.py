"""A whole run whose load is open loop in every part: reads arrive at a rate, as the writes do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.judged.downtime import joined, within
from harness.recording.events import LoadSteady, LoadStopped
from harness.recording.recording import Recording
from harness.recording.samples import FLAG_WRITE
from tests.e2e.command import conclusive, deploydrill
from tests.e2e.live_run import SCENARIOS, tiny_copy

READS, WRITES = 60, 30

pytestmark = pytest.mark.island


def test_a_run_with_arrivals_is_sound_and_holds_as_many_requests_as_were_due(tmp_path: Path) -> None:
    folder = tiny_copy(tmp_path / "tiny", ("users = 4\nthink_s = [0.05, 0.15]", f"arrival_rate = {READS}"))
    words = ("quick:both", "--scenarios", SCENARIOS, "--system", folder, "--out", tmp_path / "out")
    done = deploydrill("run", *words, "--no-live")
    assert done.found("fail") == []
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, [])
    (result,) = done.results()
    load = result["load"]
    assert load["profile"] == f"open loop, {READS} requests/s; {WRITES} ledger writes/s open loop"
    assert load["users"] is None
    assert load["started"] == sum(load["outcomes"].values()) == load["outcomes"]["ok"]

    recording = Recording(done.report / result["run"])
    (stopped,) = recording.of(LoadStopped)
    sent = joined(recording.samples.load)
    assert stopped.started == len(sent)
    due = within(sent, recording.measured_ns)
    writes = int(((due["flags"] & FLAG_WRITE) != 0).sum())
    for n, rate in ((writes, WRITES), (len(due) - writes, READS)):
        expected = rate * load["window_s"]
        assert abs(n - expected) < 5 * expected**0.5, f"{n} where {expected:.0f} were due"
    steady = next(recording.of(LoadSteady))
    assert abs(steady.rate_per_s - READS - WRITES) < 5 * (READS + WRITES) ** 0.5
    assert load["profile"] in (done.report / result["run"] / "report.html").read_text()
