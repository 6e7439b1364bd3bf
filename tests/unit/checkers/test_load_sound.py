"""What makes a run's own instruments unbelievable, one by one, and nothing when they are fine."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.core.codes import Details
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.sentences import with_sentence
from harness.checkers.validity import load_codes as codes
from harness.checkers.validity.load_sound import LoadSound, agreement, clock, cpu, lateness, samples, server_count
from harness.model import Instant
from harness.recording.events import LoadSteady, LoadStopped, LoadStopping
from harness.recording.outcomes import ledger_outcome
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS, FLAG_KNOWN, FLAG_WRITE, OUTCOMES, SampleWriter
from tests.unit.checkers.build import Run, answers
from tests.unit.judged.planted import MS, START_NS, as_file, fail, grid, stall

DEADLINE_MS = 1000.0


def said(reasons: Iterable[tuple[str, Details]]) -> list[Details]:
    return [details for _, details in reasons]


def wrong(folder: Path) -> set[str]:
    """The codes of what is wrong; the recording of these tests has no closing event, on purpose."""
    found = answers(LoadSound(), Recording(folder))
    return {f.code for f in found} - {"load.sound", "load.recording_incomplete"}


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


@pytest.mark.usefixtures("clock")
def test_a_clean_recording_gives_no_reason_to_doubt_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.record(LoadSteady(rate_per_s=100.0, seconds=1.0), Instant(START_NS, START_NS))
    recorder.record(LoadStopping(), Instant(START_NS + 4000 * MS, START_NS + 4000 * MS))
    write(tmp_path, "load-1", load())
    write(tmp_path, "probe-2", grid(4))
    row = {"t": START_NS + MS, "load_cpu_percent": 30.0, "prober_cpu_percent": 9.0}
    (tmp_path / "resources.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "run.json").write_text(json.dumps({"deadline_ms": DEADLINE_MS, "claims": []}))
    assert wrong(tmp_path) == set()
    # the same, but Locust says it started one more
    recorder.record(LoadStopped(clean=True, started=401), Instant(START_NS + 4100 * MS, START_NS + 4100 * MS))
    found = [f for f in answers(LoadSound(), Recording(tmp_path)) if f.code == "load.requests_unaccounted"]
    assert [f.details for f in found] == [{"sender": "load", "started": 401, "recorded": 400}]
    recorder.close()


def test_missing_cut_and_dropped_samples_are_reasons() -> None:
    assert said(samples([], "load")) == [codes.NoSamples("load")]
    assert said(samples([as_file(load(), complete=False)], "load")) == [codes.SamplesIncomplete("load-1")]
    assert said(samples([as_file(load(), dropped=3)], "load")) == [codes.RequestsDropped("load", 3)]
    assert said(samples([as_file(load()[:0])], "load")) == [codes.NothingSent("load")]


def test_a_sender_late_by_a_fifth_of_the_deadline_is_a_reason() -> None:
    records = load()
    records["sent_ns"][:20] += 250 * MS
    window = (START_NS, START_NS + 4000 * MS)
    (late,) = said(lateness(records, DEADLINE_MS, "prober", window))
    assert isinstance(late, HarnessLate)
    assert (late.who, round(late.late_s, 2), late.limit_s) == ("prober", 0.25, 0.2)
    assert said(lateness(load(), DEADLINE_MS, "prober", window)) == []
    # Late before the load was steady: nothing of that is counted.
    assert said(lateness(records, DEADLINE_MS, "prober", (START_NS + 300 * MS, window[1]))) == []


def test_a_generator_at_its_limit_is_a_reason_only_within_the_window() -> None:
    rows = [{"t": float(i), "load_cpu_percent": 95.0 if i < 10 else 20.0, "prober_cpu_percent": 9.0} for i in range(20)]
    assert said(cpu(rows, (0, 10))) == [codes.CpuSaturated("load", 95.0, 80.0)]
    assert said(cpu(rows, (10, 20))) == []


@pytest.mark.parametrize("cpu_percent", [30.0, 99.0])
def test_a_load_that_timed_out_on_a_busy_machine_names_that(tmp_path: Path, cpu_percent: float) -> None:
    run = Run(tmp_path / "run")
    bad = [{"request": "look", "outcome": "timeout", "status": 0, "count": 30, "said": ""}]
    run.event("load.unsteady", 0, why="30 requests were not ok", bad_answers=bad, requests=31)
    recording = run.done()
    row = {"t": run.ns(1), "cpu_percent": cpu_percent}
    (run.folder / "resources.jsonl").write_text(json.dumps(row) + "\n")
    (found,) = [f for f in answers(LoadSound(), recording) if f.code == "load.turned_away"]
    assert found.details["cpu_percent"] == cpu_percent
    hint = with_sentence(found).hint
    assert "deadline_ms" in hint and ("try again when it has time" in hint) is (cpu_percent > 95)


def test_of_a_window_between_two_looks_the_later_one_tells() -> None:
    rows = [{"t": 10.0 * i, "load_cpu_percent": 9.0 + 80 * (i == 3), "prober_cpu_percent": 9.0} for i in range(5)]
    assert said(cpu(rows, (22, 28))) == [codes.CpuSaturated("load", 89.0, 80.0)]
    assert said(cpu(rows, (32, 38))) == []
    assert said(cpu(rows, (42, 48))) == [codes.CpuNotKnown("load"), codes.CpuNotKnown("prober")]


def test_a_generator_nobody_watched_is_a_reason() -> None:
    assert said(cpu([{"t": 1.0, "load_cpu_percent": 20.0}], (0, 10))) == [codes.CpuNotKnown("prober")]
    assert said(cpu([], (0, 10))) == [codes.CpuNotKnown("load"), codes.CpuNotKnown("prober")]


def test_a_stepped_wall_clock_is_a_reason() -> None:
    assert said(clock([Instant(0, 0), Instant(10**9, 3 * 10**9)])) == [codes.ClockStepped(2.0)]
    assert said(clock([Instant(0, 0), Instant(10**9, 10**9 + 1000)])) == []


def test_an_outage_only_the_prober_saw_is_a_reason() -> None:
    probes = fail(grid(4), 1000, 2000)
    (found,) = said(agreement(load(), probes, DEADLINE_MS))
    assert isinstance(found, codes.Disagree)
    assert (found.one, found.other, round(found.seconds)) == ("prober", "load", 1)


def test_an_outage_only_the_load_saw_is_a_reason() -> None:
    (found,) = said(agreement(fail(load(), 1000, 2000), grid(4), DEADLINE_MS))
    assert isinstance(found, codes.Disagree) and found.one == "load"


def test_rows_that_a_restore_took_away_are_no_outage_of_the_load() -> None:
    records = fail(load(), 1000, 2000)
    records["status"][records["status"] == 503] = 404
    assert said(agreement(records, grid(4), DEADLINE_MS)) != []
    records["flags"] |= FLAG_KNOWN
    assert said(agreement(records, grid(4), DEADLINE_MS)) == []


def test_an_outage_both_saw_and_a_single_late_answer_are_none() -> None:
    assert said(agreement(fail(load(), 1000, 2000), fail(grid(4), 1000, 2000), DEADLINE_MS)) == []
    assert said(agreement(stall(load(), 1000, 2500), stall(grid(4), 1000, 2500), DEADLINE_MS)) == []
    assert said(agreement(load(), fail(grid(4), 1000, 1020), DEADLINE_MS)) == []
    # new connections refused while kept ones go on: only the prober can see that
    assert said(agreement(load(), fail(grid(4), 1000, 2000, "read_fresh"), DEADLINE_MS)) == []


def test_the_server_may_have_seen_what_was_reset_but_not_less_than_it_answered() -> None:
    files = [as_file(fail(fail(load(), 0, 100, outcome="reset"), 100, 200, outcome="refused"))]
    assert said(server_count(files, 380)) == said(server_count(files, 390)) == []
    assert said(server_count(files, 379)) == [codes.ServerCountDiffers(379, 380, 390)]
    assert said(server_count(files, 391)) == [codes.ServerCountDiffers(391, 380, 390)]


def test_what_was_under_way_at_the_end_makes_no_outage_of_a_single_error(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", deadline_ms=3000)
    slow = (27.52, 28.0, "frozen", 200, ("load",))
    run.load((27.5, 27.52, "http_error", 503, ("load",)), slow, (28.0, 30.0, "unfinished", 0, ("load",)))
    assert "load.instruments_disagree" not in {f.code for f in answers(LoadSound(), run.done())}


def test_an_outage_that_one_instrument_saw_alone_is_told_of_a_whole_run(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.load((10.0, 12.0, "http_error", 503, ("load",)))
    assert "load.instruments_disagree" in {f.code for f in answers(LoadSound(), run.done())}
