"""What makes a run's own instruments unbelievable, one by one, and nothing when they are fine."""

import json
from pathlib import Path
from typing import Any

from harness.judged.soundness import (
    agreement_reasons,
    clock_reasons,
    count_reasons,
    cpu_reasons,
    lateness_reasons,
    reasons,
    sample_reasons,
)
from harness.model import Instant
from harness.recording.outcomes import ledger_outcome
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS, FLAG_WRITE, OUTCOMES, SampleWriter
from tests.unit.judged.planted import MS, START_NS, as_file, fail, grid, stall

DEADLINE_MS = 1000.0


def load(seconds: float = 4) -> Any:
    return grid(seconds, 10, ("load",))


def write(folder: Path, name: str, records: Any) -> None:
    file = SampleWriter(folder / "samples" / f"{name}.bin", ["read"], name)
    for r in records:
        file.add(
            int(r["intended_ns"]),
            int(r["sent_ns"]),
            int(r["end_ns"]),
            "read",
            int(r["status"]),
            OUTCOMES[int(r["outcome"])],
            CHANNELS[int(r["channel"])],
            int(r["flags"]),
        )
    file.close()
    # The ledger that goes with it: one line a write.
    (folder / "ledger").mkdir(exist_ok=True)
    lines = [
        {
            "token": f"{name}-{i}",
            "operation": "read",
            "payload": "",
            "sent_ns": int(r["sent_ns"]),
            "end_ns": int(r["end_ns"]),
            "outcome": ledger_outcome(OUTCOMES[r["outcome"]], int(r["status"])),
            "status": int(r["status"]),
        }
        for i, r in enumerate(records)
        if r["flags"] & FLAG_WRITE
    ]
    ledger = folder / "ledger" / f"{'probe' if name.startswith('probe') else name}.jsonl"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_clean_recording_gives_no_reason_to_doubt_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.event("load.steady", when=Instant(START_NS, START_NS))
    recorder.event("load.stopping", when=Instant(START_NS + 4000 * MS, START_NS + 4000 * MS))
    write(tmp_path, "load-1", load())
    write(tmp_path, "probe-2", grid(4))
    row = {"t": START_NS + MS, "load_cpu_percent": 30.0, "prober_cpu_percent": 9.0}
    (tmp_path / "resources.jsonl").write_text(json.dumps(row) + "\n")
    assert reasons(Recording(tmp_path), DEADLINE_MS) == ()
    # the same, but Locust says it started one more
    recorder.event("load.stopped", when=Instant(START_NS + 4100 * MS, START_NS + 4100 * MS), started=401)
    (reason,) = reasons(Recording(tmp_path), DEADLINE_MS)
    assert reason == "the load started 401 requests, but what became of 400 is recorded"
    recorder.close()


def test_missing_cut_and_dropped_samples_are_reasons() -> None:
    assert sample_reasons([], "load") == ["there are no samples of the load"]
    assert sample_reasons([as_file(load(), complete=False)], "load") == ["the samples of load-1 are incomplete"]
    assert sample_reasons([as_file(load(), dropped=3)], "load") == ["the load could not start 3 requests that were due"]
    assert sample_reasons([as_file(load()[:0])], "load") == ["the load sent nothing"]


def test_a_sender_late_by_a_fifth_of_the_deadline_is_a_reason() -> None:
    records = load()
    records["sent_ns"][:20] += 250 * MS
    assert lateness_reasons(records, DEADLINE_MS, "prober") == ["the prober sent 250 ms late (p99; limit 200 ms)"]
    assert lateness_reasons(load(), DEADLINE_MS, "prober") == []


def test_a_generator_at_its_limit_is_a_reason_only_within_the_window() -> None:
    rows = [{"t": float(i), "load_cpu_percent": 95.0 if i < 10 else 20.0, "prober_cpu_percent": 9.0} for i in range(20)]
    assert cpu_reasons(rows, (0, 10)) == ["the load generator used 95 % of a core (limit 80 %)"]
    assert cpu_reasons(rows, (10, 20)) == []


def test_a_generator_nobody_watched_is_a_reason() -> None:
    assert cpu_reasons([{"t": 1.0, "load_cpu_percent": 20.0}], (0, 10)) == [
        "it is not known how much of a core the prober used"
    ]
    assert len(cpu_reasons([], (0, 10))) == 2


def test_a_stepped_wall_clock_is_a_reason() -> None:
    assert clock_reasons([Instant(0, 0), Instant(10**9, 3 * 10**9)]) == [
        "the wall clock was stepped by 2.00 s during the run"
    ]
    assert clock_reasons([Instant(0, 0), Instant(10**9, 10**9 + 1000)]) == []


def test_an_outage_only_the_prober_saw_is_a_reason() -> None:
    probes = fail(grid(4), 1000, 2000)
    found = agreement_reasons(load(), probes, DEADLINE_MS)
    assert len(found) == 1
    assert "the prober saw an outage of 1.0" in found[0] and "requests of the load were good" in found[0]


def test_an_outage_only_the_load_saw_is_a_reason() -> None:
    found = agreement_reasons(fail(load(), 1000, 2000), grid(4), DEADLINE_MS)
    assert len(found) == 1
    assert "the load saw an outage" in found[0]


def test_an_outage_both_saw_and_a_single_late_answer_are_none() -> None:
    assert agreement_reasons(fail(load(), 1000, 2000), fail(grid(4), 1000, 2000), DEADLINE_MS) == []
    assert agreement_reasons(stall(load(), 1000, 2500), stall(grid(4), 1000, 2500), DEADLINE_MS) == []
    assert agreement_reasons(load(), fail(grid(4), 1000, 1020), DEADLINE_MS) == []
    # new connections refused while kept ones go on: only the prober can see that
    assert agreement_reasons(load(), fail(grid(4), 1000, 2000, "read_fresh"), DEADLINE_MS) == []


def test_the_server_may_have_seen_what_was_reset_but_not_less_than_it_answered() -> None:
    files = [as_file(fail(fail(load(), 0, 100, outcome="reset"), 100, 200, outcome="refused"))]
    assert count_reasons(files, 380) == count_reasons(files, 390) == []
    assert count_reasons(files, 379) == ["the server counted 379 requests, the clients sent 380 to 390"]
    assert len(count_reasons(files, 391)) == 1
