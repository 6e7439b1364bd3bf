"""The checkers of the rehearsal itself: was the load a load, did the fault bite, and is every checker well formed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.checkers import CHECKERS
from harness.checkers.core.codes import code_of
from harness.checkers.core.protocol import Checker
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.operations.durations import timed
from harness.checkers.validity.fault_bit import FaultBit
from harness.checkers.validity.load_sound import LoadSound
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, merged
from harness.recording.recording import Recording
from harness.recording.samples import FLAG_WRITE, SampleWriter
from tests.unit.checkers.build import Run, answers, only

ALL = tuple(made() for made in CHECKERS.values())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def sound(run: Run, complete: bool = True) -> list[Finding]:
    """All that is wrong with the load, or that nothing is."""
    return answers(LoadSound(), run.done(complete))


def outcome(run: Run) -> str:
    return merged([f.outcome for f in sound(run)])


def reason(found: list[Finding], code: str) -> dict[str, Any]:
    """The details of the one finding of this code, which is an unknown."""
    of_code = only([f for f in found if f.code == code])
    assert of_code.outcome == "unknown"
    return dict(of_code.details)


# -- load ----------------------------------------------------------------------------------------------------------
def test_a_steady_complete_load_is_sound(run: Run) -> None:
    run.load()
    found = only(sound(run))
    assert (found.code, found.outcome) == ("load.sound", "pass")


def test_a_load_that_never_became_steady_is_unknown(run: Run) -> None:
    run.load(steady=False)
    assert "12 of 50 writes" in reason(sound(run), "load.not_steady")["why"]  # what the load driver itself reported


def test_a_load_that_stalled_is_unknown(run: Run) -> None:
    run.load(silent=(10.0, 14.0))
    assert reason(sound(run), "load.silent") == {"sender": "load", "what": "", "seconds": pytest.approx(4.0, abs=0.1)}


@pytest.mark.parametrize("stream", ["reads", "writes"])
def test_a_load_half_of_which_stopped_is_unknown(run: Run, stream: str) -> None:
    run.load(silent=(10.0, 29.0), only=stream)
    details = reason(sound(run), "load.silent")
    assert (details["sender"], details["what"], int(details["seconds"])) == ("load", stream, 19)


def test_a_write_the_ledger_has_and_the_samples_have_not_is_unknown(run: Run) -> None:
    run.load()
    run.write("w-1", 5)
    details = reason(sound(run), "load.books_differ")
    assert details == {"sender": "load", "outcome": "acknowledged", "ledger": 501, "samples": 500}


@pytest.mark.parametrize(("name", "who"), [("load-1", "load"), ("probe", "prober")])
def test_a_write_the_samples_have_and_the_ledger_has_not_is_unknown(run: Run, name: str, who: str) -> None:
    run.load((10.0, 11.0, "http_error", 507, ("writes",)))
    run.done()
    file = run.folder / "ledger" / f"{name}.jsonl"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if '"refused"' not in line))
    details = reason(answers(LoadSound(), Recording(run.folder)), "load.books_differ")
    assert (details["sender"], details["outcome"], details["ledger"]) == (who, "refused", 0)
    assert details["samples"] > 0


def test_requests_that_are_rare_on_purpose_are_no_load_that_stopped(run: Run) -> None:
    run.load(silent=(0.0, 30.0), only="writes")
    writer = SampleWriter(run.folder / "samples" / "load-2.bin", ["write"], "load-2")
    for i in range(10):
        writer.add(run.ns(3 * i), run.ns(3 * i), run.ns(3 * i + 0.003), "write", 201, "ok", "load", FLAG_WRITE)
        run.write(f"w-{i}", 3 * i)
    writer.close()
    found = only(sound(run))
    assert (found.code, found.outcome) == ("load.sound", "pass")


def test_a_load_that_had_to_be_killed_is_unknown(run: Run) -> None:
    run.load(clean=False)
    assert reason(sound(run), "load.sender_ended_badly")["why"] == "killed"


def test_a_recording_that_was_cut_short_is_unknown(run: Run) -> None:
    run.load()
    assert reason(sound(run, complete=False), "load.recording_incomplete") == {"problems": 1}


def test_samples_without_their_trailer_are_unknown(run: Run) -> None:
    run.load()
    file = run.folder / "samples" / "load-1.bin"
    file.write_bytes(file.read_bytes()[:-32])
    assert outcome(run) == "unknown"


def test_a_service_frozen_in_the_last_moments_is_unknown(run: Run) -> None:
    run.load((29.3, 30.0, "unfinished", 0, ()))
    assert reason(sound(run), "load.unanswered_at_end")["seconds"] == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize(("requests", "expected"), [(1500, "pass"), (1499, "unknown"), (1501, "unknown")])
def test_the_server_must_count_what_the_clients_sent(run: Run, requests: int, expected: str) -> None:
    run.load()
    run.event("server.count", 30.9, marker="deploydrill-load", requests=requests)
    assert outcome(run) == expected


def test_requests_that_may_never_have_arrived_leave_the_count_room(run: Run) -> None:
    run.load((10.0, 10.2, "reset", 0, ("load",)))
    run.event("server.count", 30.9, marker="deploydrill-load", requests=1495)
    assert outcome(run) == "pass"


def test_counts_of_the_prober_are_compared_with_its_own_samples(run: Run) -> None:
    run.load()
    run.event("server.count", 30.9, marker="deploydrill-probe", requests=3000)
    assert outcome(run) == "pass"


def test_a_sender_whose_writes_are_never_found_did_not_write_to_this_system(run: Run) -> None:
    run.load()
    recording = run.done()
    run.observe("end", 29, [w.token for w in recording.writes if w.worker == "probe"])
    again = run.done()
    assert {w.worker for w in again.writes} == {"probe", "load-1"}
    assert only(answers(AcknowledgedWrites(), again)).code == "data.kept"
    assert reason(answers(LoadSound(), again), "load.misrouted")["sender"] == "load-1"


def test_a_sender_of_whose_writes_one_was_found_did(run: Run) -> None:
    run.load()
    recording = run.done()
    found = [w.token for w in recording.writes if w.worker == "probe"]
    found += [w.token for w in recording.writes if w.worker == "load-1"][:1]
    run.observe("end", 29, found)
    again = run.done()
    assert only(answers(AcknowledgedWrites(), again)).code == "data.acknowledged_lost"


def test_a_harness_that_stood_still_is_unknown_and_times_nothing(run: Run) -> None:
    run.load()
    run.op("backup", 10, 14)
    run.done()
    rows = [{"t": run.ns(t), "load_cpu_percent": 20.0, "prober_cpu_percent": 9.0} for t in (9.9, 10.1, 13.6, 13.8)]
    (run.folder / "resources.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recording = Recording(run.folder)
    details = reason(answers(LoadSound(), recording), "harness.late")
    assert (details["who"], details["late_s"]) == ("harness", pytest.approx(3.5))
    assert timed(JudgedRun(recording), "backup") == []


# -- fault ---------------------------------------------------------------------------------------------------------
def test_a_fault_that_was_applied_felt_and_healed_bit(run: Run) -> None:
    run.fault()
    found = only(answers(FaultBit(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("fault.felt", "pass", "fault-1")
    assert "not enough space" in found.details["probe"]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"injected": None}, "fault.never_fired"),
        ({"applied": False}, "fault.not_applied"),
        ({"felt": False}, "fault.not_felt"),
        ({"healed": None}, "fault.not_healed"),
    ],
)
def test_a_fault_that_did_not_bite_is_unknown(run: Run, how: dict[str, bool | None], code: str) -> None:
    run.fault(**how)  # type: ignore[arg-type]
    found = only(answers(FaultBit(), run.done()))
    assert (found.outcome, found.code, found.details["at"]) == ("unknown", code, "backup.start #2")


def test_a_fault_that_was_taken_away_too_early_took_effect_and_did_not_stay(run: Run) -> None:
    run.fault()
    run.event("fault.lost", 11, id="fault-1", said="somebody removed it")
    found = only(answers(FaultBit(), run.done()))
    assert (found.outcome, found.code) == ("unknown", "fault.lost_early")
    assert "somebody removed it" in found.details["probe"]


def wordless(run: Run, *, exit_: int = 1, expect: str = "failure", healed: float = 12, other: float | None = 2) -> str:
    """A backup that failed under a fault and said nothing of it, after (or before, or beside) one that succeeded."""
    run.op("backup", 10, 11.5, exit_, expect=expect, output="backup: 10039296 bytes free, 21000000 needed")
    if other is not None:
        run.op("backup", other, other + 1)
    run.fault(10, healed, felt=False, operation="backup-1")
    found = only(answers(FaultBit(), run.done()))
    if found.outcome == "unknown":
        assert found.code == "fault.not_felt"
        assert found.details["met"]["line"] == "backup: 10039296 bytes free, 21000000 needed"
    else:
        assert (found.code, found.details["without"]) == ("fault.felt", "backup-2")
    return found.outcome


@pytest.mark.parametrize("other", [2.0, 20.0])
def test_an_operation_that_failed_under_the_fault_alone_has_met_it_whatever_it_said(run: Run, other: float) -> None:
    assert wordless(run, other=other) == "pass"


@pytest.mark.parametrize(
    "but", [{"exit_": 0}, {"exit_": -9}, {"expect": "any"}, {"healed": 11.0}, {"other": None}, {"other": 11.0}]
)
def test_without_a_failure_of_its_own_and_a_success_without_the_fault_it_may_not_have_met_it(
    run: Run, but: dict[str, Any]
) -> None:
    assert wordless(run, **but) == "unknown"


def test_a_run_without_faults_has_no_verdict_about_them(run: Run) -> None:
    assert answers(FaultBit(), run.done()) == []


# -- all -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("checker", ALL, ids=lambda c: c.name)
def test_every_checker_has_a_name_and_codes_of_its_own(checker: Checker) -> None:
    assert re.fullmatch(r"[a-z_]+", checker.name)
    codes = [code_of(details) for details in checker.codes]
    assert {c.outcome for c in codes} >= {"pass"} and len(set(codes)) == len(codes)


def test_no_two_checkers_share_a_name() -> None:
    assert len({c.name for c in ALL}) == len(ALL)


@pytest.mark.parametrize("checker", ALL, ids=lambda c: c.name)
def test_no_checker_passes_an_empty_recording(run: Run, checker: Checker) -> None:
    assert all(f.outcome in ("unknown", "note") for f in answers(checker, run.done()))
