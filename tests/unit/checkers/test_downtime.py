"""Downtime and outages, out of samples written as the two instruments write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.checkers.service.downtime import Downtime, Outages
from harness.checkers.validity.fault_bit import FaultBit
from harness.judge import facts
from harness.judge.claims import claim_rows
from harness.judged.judged_run import JudgedRun
from harness.model import Claim, Finding
from harness.recording.samples import FLAG_KNOWN, SampleWriter
from tests.unit.checkers.build import CHANNELS, Bad, Run, answers, only

NO_BAD = (Claim("requests", "bad", 0, key="bad_requests"),)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run", NO_BAD)


def left_out(found: Finding) -> dict[str, dict[str, Any]]:
    """What is left out, by its reason."""
    return {o["reason"]: o for o in found.details["left_out"]}


def test_zero_is_never_said_bare(run: Run) -> None:
    run.load()
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("requests.answered", "pass", "bad_requests")
    details = found.details
    assert (details["bad"], details["requests"], details["deadline_ms"], details["outages"]) == (0, 4500, 1000, 0)
    assert details["longest_gap_ms"] <= details["resolution_ms"] == pytest.approx(30, abs=1)
    assert 0 < details["bad_rate_upper"] < 0.001


def test_a_freeze_within_the_deadline_is_said_by_the_verdict_and_by_an_outage_claim_that_cannot_see_it(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path / "run", (*NO_BAD, Claim("deploy", "outage_s", 0.1)))
    run.op("deploy", 9, 12)
    run.load((10.0, 10.95, "frozen", 200, ()))
    recording = run.done()
    found = only(answers(Downtime(), recording))
    assert found.code == "requests.answered"
    gap_ms = facts.load(JudgedRun(recording), 1000.0)["probe"]["longest_gap_ms"]
    assert 950 <= gap_ms <= 985
    assert found.details["longest_gap_ms"] == pytest.approx(gap_ms, abs=0.001)
    outage = only(answers(Outages(), recording))
    assert (outage.code, outage.subject.kind, outage.subject.id) == ("claim.kept", "claim", "deploy_outage_s")
    claim, sight = outage.details["claim"], outage.details["outage"]
    assert (claim["values"], claim["n"], claim["resolution"]) == ([0.0], 1, 1.0)
    assert (sight["refusals_from_ms"], sight["waits_from_ms"]) == (pytest.approx(30, abs=1), 1000)
    assert sight["longest_gap_ms"] == pytest.approx(gap_ms, abs=0.001) and sight["gap_channel"].startswith("read_")


def test_a_stall_of_the_writes_alone_is_named_though_reads_are_answered(run: Run) -> None:
    run.load((10.0, 10.9, "frozen", 200, ("write",)))
    recording = run.done()
    details = only(answers(Downtime(), recording)).details
    assert (details["outages"], details["gap_channel"]) == (0, "write") and details["longest_gap_ms"] > 900
    probe = facts.load(JudgedRun(recording), 1000.0)["probe"]
    assert (probe["longest_gap_channel"], probe["interval_ms"]) == ("write", 10.0)
    assert probe["longest_gap_ms"] > 900 and 30 <= probe["resolution_ms"] < 31


def test_what_a_restore_keeps_waiting_and_a_full_disk_refuses_is_no_gap(run: Run) -> None:
    run.op("restore", 9.9, 10.95)
    run.fault(20, 21, disk="data")
    run.load((20.0, 20.8, "http_error", 507, ("writes",)), (10.0, 10.9, "frozen", 200, ()))
    recording = run.done()
    details = only(answers(Downtime(), recording)).details
    assert details["longest_gap_ms"] <= details["resolution_ms"] < 31
    assert facts.load(JudgedRun(recording), 1000.0)["probe"]["longest_gap_ms"] <= 31


def test_an_outage_during_a_rollback_is_a_fail_that_says_when_what_and_how_long(run: Run) -> None:
    run.load((10.0, 10.8, "http_error", 502, ()))
    run.op("rollback", 9.5, 11)
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome) == ("requests.bad", "fail")
    details = found.details
    assert (details["bad"], details["requests"]) == (120, 4500)
    assert details["longest_outage_ms"] == pytest.approx(800, abs=20)
    assert details["kinds"] == [{"kind": "HTTP 502", "status": 502, "other_answer": False, "count": 120}]
    place = {"phase": "", "operation": "rollback-1", "name": "rollback", "count": 120, "kinds": ["HTTP 502"]}
    assert details["due_in"] == [place]


def test_bad_requests_are_laid_to_the_phase_they_were_due_in(run: Run) -> None:
    run.load((10.0, 10.2, "http_error", 503, ("load",)))
    for event, when in (("start", 9.8), ("stop", 10.09)):
        run.event("phase", when, operation="deploy-1", phase="deploy.migrate", event=event, gate_ns=0)
    run.op("deploy", 9.5, 11)
    details = only(answers(Downtime(), run.done())).details
    assert [(k["kind"], k["count"]) for k in details["kinds"]] == [("HTTP 503", 10)]
    places = [(d["phase"], d["operation"], d["count"]) for d in details["due_in"]]
    assert places == [("deploy.migrate", "deploy-1", 5), ("", "deploy-1", 5)]


def test_bad_requests_of_the_load_alone_count(run: Run) -> None:
    run.load((10.0, 10.1, "reset", 0, ("load",)))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.bad"
    assert [(k["kind"], k["count"]) for k in found.details["kinds"]] == [("reset", 5)]
    assert [(d["operation"], d["count"]) for d in found.details["due_in"]] == [("", 5)]


def test_a_claim_may_allow_some_bad_requests(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("requests", "bad", 10),))
    run.load((10.0, 10.1, "reset", 0, ("load",)))
    assert only(answers(Downtime(), run.done())).outcome == "pass"


def test_without_a_claim_none_is_expected_and_that_is_said(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.load()
    claim = only(answers(Downtime(), run.done())).details["claim"]
    assert (claim["key"], claim["limit"], "nothing claimed" in claim["source"]) == ("bad_requests", 0, True)


def test_what_a_restore_keeps_out_is_not_downtime(run: Run) -> None:
    run.op("restore", 9.9, 10.9)
    run.load((10.0, 10.8, "http_error", 503, ()))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.answered"
    assert left_out(found)["during_restore"]["bad"] == 120


@pytest.mark.parametrize(
    ("flags", "status", "exit_", "outcome"),
    [(FLAG_KNOWN, 404, 0, "pass"), (0, 404, 0, "fail"), (FLAG_KNOWN, 500, 0, "fail"), (FLAG_KNOWN, 404, 1, "fail")],
    ids=["taken away", "of no known row", "an error", "the restore failed"],
)
def test_what_a_restore_took_away_is_not_missed_as_downtime(
    run: Run, flags: int, status: int, exit_: int, outcome: str
) -> None:
    run.op("restore", 9, 10, exit_)
    run.load()
    writer = SampleWriter(run.folder / "samples" / "load-2.bin", ["patch"], "load-2")
    for i in range(20):
        due = run.ns(10.1 + i * 0.05)
        writer.add(due, due, due + 3_000_000, "patch", status, "http_error", "load", flags)
    writer.close()
    found = only(answers(Downtime(), run.done()))
    assert found.outcome == outcome
    assert left_out(found).get("removed_by_restore", {}).get("count") == (20 if outcome == "pass" else None)


@pytest.mark.parametrize(
    ("age_s", "outcome"),
    [(0, "pass"), (255, "pass"), (14, "pass"), (12, "pass"), (11, "fail"), (1, "fail")],
    ids=["not told", "older than can be told", "before", "just before", "just after", "new"],
)
def test_what_was_made_after_the_restore_was_not_taken_away_by_it(run: Run, age_s: int, outcome: str) -> None:
    run.op("restore", 5, 8)
    run.op("deploy", 19, 19.5)
    run.load()
    writer = SampleWriter(run.folder / "samples" / "load-2.bin", ["read"], "load-2")
    due = run.ns(20)
    writer.add(due, due, due + 3_000_000, "read", 404, "http_error", "load", FLAG_KNOWN, age_s)
    writer.close()
    found = only(answers(Downtime(), run.done()))
    assert found.outcome == outcome
    assert left_out(found).get("removed_by_restore", {}).get("count") == (1 if outcome == "pass" else None)


def test_a_later_restore_may_have_taken_away_what_the_first_could_not(run: Run) -> None:
    run.op("restore", 5, 8)
    run.op("restore", 14, 16)
    run.load()
    writer = SampleWriter(run.folder / "samples" / "load-2.bin", ["read"], "load-2")
    for at, age_s in ((20, 6), (13, 2)):  # made at 14 s, which the second may have taken; and missed before it began
        due = run.ns(at)
        writer.add(due, due, due + 3_000_000, "read", 404, "http_error", "load", FLAG_KNOWN, age_s)
    writer.close()
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.details["bad"]) == ("requests.bad", 1)


def test_what_was_missing_before_the_restore_is_downtime(run: Run) -> None:
    run.op("restore", 20, 21)
    run.load()
    writer = SampleWriter(run.folder / "samples" / "load-2.bin", ["patch"], "load-2")
    writer.add(run.ns(10), run.ns(10), run.ns(10.01), "patch", 404, "http_error", "load", FLAG_KNOWN)
    writer.close()
    assert only(answers(Downtime(), run.done())).outcome == "fail"


@pytest.mark.parametrize(("outcome", "status"), [("http_error", 507), ("http_error", 500), ("refused", 507)])
def test_writes_refused_while_the_data_disk_is_full_are_not_downtime(run: Run, outcome: str, status: int) -> None:
    """Most services say 500 where their database has no room; a client of one's own says that nothing was stored."""
    run.fault(10, 11, disk="data")
    run.load((10.0, 10.8, outcome, status, ("writes",)))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.answered"
    assert left_out(found)["refused_on_full_disk"]["count"] == 40


@pytest.mark.parametrize(
    ("disk", "outcome", "status", "channels", "until"),
    [
        ("backup", "http_error", 507, ("writes",), 10.8),
        ("data", "http_error", 502, ("writes",), 10.8),
        ("data", "http_error", 503, ("read_fresh",), 10.8),
        ("data", "timeout", 0, ("writes",), 10.8),
        ("data", "http_error", 507, ("writes",), 12.0),
    ],
    ids=["the other disk", "no answer of the service", "a read", "no answer", "after the fault was healed"],
)
def test_anything_else_on_a_full_disk_is_downtime(
    run: Run, disk: str, outcome: str, status: int, channels: tuple[str, ...], until: float
) -> None:
    run.fault(10, 11, disk=disk)
    run.load((10.0, until, outcome, status, channels))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_what_fails_while_we_keep_the_front_from_the_service_is_not_downtime(run: Run) -> None:
    run.link("service_blue", serves=True)
    run.fault(10, 12, link="service_blue")
    run.load((9.9995, 13.9, "http_error", 502, ()))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.answered"
    # 4 s of 100 probes and 50 requests a second, and what was due or under way at either end.
    cut = {"reason": "cut_by_harness", "count": 602, "bad": 585, "seconds": pytest.approx(2.0, abs=0.001)}
    assert left_out(found)["cut_by_harness"] == cut
    assert found.details["grace_s"] == 2


@pytest.mark.parametrize(
    ("link", "serves", "bad"),
    [
        ("service_blue", True, (14.1, 14.2)),
        ("service_blue", True, (9.8, 9.9)),
        ("offsite", False, (10.5, 11.0)),
    ],
    ids=["after the grace", "before the cut", "on a link no client uses"],
)
def test_what_fails_outside_our_own_cut_of_the_service_is_downtime(
    run: Run, link: str, serves: bool, bad: tuple[float, float]
) -> None:
    run.link(link, serves)
    run.fault(10, 12, link=link)
    run.load((*bad, "http_error", 502, ()))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_a_cut_that_could_not_be_healed_excuses_what_comes_after_it_and_the_run_is_not_a_pass(run: Run) -> None:
    run.link("service_blue", serves=True)
    run.fault(10, None, link="service_blue")
    run.load((11.0, 29.0, "http_error", 502, ()))
    recording = run.done()
    assert only(answers(Downtime(), recording)).outcome == "pass"
    assert only(answers(FaultBit(), recording)).outcome == "unknown"


def test_requests_in_flight_when_the_load_stops_are_neither_good_nor_bad(run: Run) -> None:
    run.load((29.965, 29.995, "unfinished", 0, ()))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.answered"
    assert left_out(found)["in_flight_at_end"]["count"] == 4


def test_a_prober_that_was_held_up_itself_does_not_blame_the_service(run: Run) -> None:
    run.load(held_up=(10.0, 11.3))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome, found.matter) == ("harness.late", "unknown", "harness")
    details = found.details
    assert (details["who"], details["requests"], details["claim"]["values"]) == ("prober", 31, [0.0])
    assert (details["late_s"], details["limit_s"]) == (pytest.approx(1.3, abs=0.01), 0.2)


def test_what_a_stalled_prober_had_no_answer_to_when_the_load_stopped_is_not_laid_to_the_service(run: Run) -> None:
    run.load((28.0, 28.5, "unfinished", 0, CHANNELS), held_up=(28.0, 28.9))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.details["who"]) == ("harness.late", "prober")
    assert found.details["requests"] >= 50


def test_an_outage_is_a_fail_although_the_prober_was_held_up_as_well(run: Run) -> None:
    run.load((20.0, 20.8, "http_error", 502, ()), held_up=(10.0, 11.3))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_an_outage_the_prober_may_have_made_up_does_not_break_a_claim(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0.5),))
    run.op("deploy", 9, 12)
    run.load(held_up=(10.0, 11.3))
    found = only(answers(Outages(), run.done()))
    assert (found.code, found.details["who"], found.details["claim"]["n"]) == ("harness.late", "prober", 0)
    assert found.details["late_s"] == pytest.approx(1.3, abs=0.01)


@pytest.mark.parametrize(
    ("limit", "held_up", "outcome"),
    [(0.5, 0.9, "unknown"), (0.1, 0.29, "unknown"), (0.1, 0.15, "unknown"), (0.5, 0.15, "pass"), (0.1, 0.04, "pass")],
)
def test_an_operation_the_prober_was_blind_in_for_as_long_as_its_claim_keeps_none(
    tmp_path: Path, limit: float, held_up: float, outcome: str
) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", limit),))
    run.op("deploy", 9, 12)
    run.load(held_up=(10.0, 10.0 + held_up))  # all it sent late was answered well
    found = only(answers(Outages(), run.done()))
    assert (found.outcome, found.code) == (outcome, "harness.late" if outcome == "unknown" else "claim.kept")


def test_what_was_seen_and_what_may_have_been_missed_count_together_against_a_claim(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0.5),))
    run.op("deploy", 9, 12)
    run.load((11.0, 11.4, "refused", 0, ()), held_up=(10.0, 10.15))
    assert only(answers(Outages(), run.done())).code == "harness.late"


def test_an_outage_that_was_seen_breaks_a_claim_although_the_prober_was_blind_elsewhere(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0.5),))
    run.op("deploy", 9, 12)
    run.load((11.0, 11.8, "refused", 0, ()), held_up=(9.5, 10.8))
    assert only(answers(Outages(), run.done())).outcome == "fail"


def test_a_service_frozen_to_the_end_between_operations_is_unknown(run: Run) -> None:
    run.op("rollback", 5, 6)
    run.load((25.0, 29.0, "timeout", 0, ()), (29.0, 30.0, "unfinished", 0, ()))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome) == ("requests.never_recovered", "unknown")
    assert found.details["seconds"] == pytest.approx(5, abs=0.3)


def test_a_service_that_an_operation_took_away_for_good_is_a_fail(run: Run) -> None:
    run.op("rollback", 24, 26)
    run.load((25.0, 29.0, "timeout", 0, ()), (29.0, 30.0, "unfinished", 0, ()))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_without_steady_load_downtime_is_unknown(run: Run) -> None:
    run.load(steady=False)
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome, found.details["steady"]) == ("requests.not_measured", "unknown", False)


def test_without_probes_downtime_is_unknown(run: Run) -> None:
    run.load()
    (run.folder / "samples" / "probe-2.bin").unlink()
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome) == ("requests.not_measured", "unknown")
    assert (found.details["steady"], found.details["sender"]) == (True, "prober")


@pytest.mark.parametrize("lacking", ["probe-2.bin", "load-1.bin", "steady", "ours", "stranded"])
def test_the_row_of_the_claim_is_never_better_than_its_verdict(run: Run, lacking: str) -> None:
    frozen: tuple[Bad, ...] = ((25.0, 29.0, "timeout", 0, ()), (29.0, 30.0, "unfinished", 0, ()))
    held_up = (10.0, 11.3) if lacking == "ours" else None
    run.load(*frozen * (lacking == "stranded"), held_up=held_up, steady=lacking != "steady")
    (run.folder / "samples" / lacking).unlink(missing_ok=True)
    recording = run.done()
    found = only(answers(Downtime(), recording))
    assert found.outcome == "unknown"
    row = only([*claim_rows([found])])
    assert (row["outcome"], row["code"], row["supports"]) == ("unknown", found.code, ""), row["sentence"]


def test_the_longest_outage_of_an_operation_is_judged_against_its_claim(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0.5), Claim("rollback", "outage_s", 0.5)))
    run.load((10.0, 10.8, "refused", 0, ()))
    run.op("deploy", 5, 6)
    run.op("rollback", 9.5, 11)
    deploy, rollback = answers(Outages(), run.done())
    assert (deploy.code, deploy.subject.id) == ("claim.kept", "deploy_outage_s")
    assert (rollback.code, rollback.subject.id) == ("claim.refuted", "rollback_outage_s")
    claim = rollback.details["claim"]
    assert claim["values"] == [pytest.approx(0.803, abs=0.0005)]
    assert (claim["broken"], claim["broken_runs"], claim["resolution"]) == (1, [1], 1.0)


def test_an_outage_of_the_first_deployment_breaks_its_claim_though_that_was_a_warm_up(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0.5),))
    run.load((10.0, 16.0, "refused", 0, ()))
    run.op("deploy", 9.5, 17, warmup=True)
    run.op("deploy", 20, 21)
    (deploy,) = answers(Outages(), run.done())
    assert deploy.outcome == "fail"


# -- an outage that begins right after the exit ---------------------------------------------------------------------
DEPLOY = (Claim("deploy", "outage_s", 1.0), Claim("requests", "bad", 10_000))


@pytest.fixture
def claimed(tmp_path: Path) -> Run:
    return Run(tmp_path / "run", DEPLOY)


def test_an_outage_that_begins_before_anything_else_is_done_is_the_operations(claimed: Run) -> None:
    claimed.op("deploy", 9, 12)
    claimed.load((12.2, 17.2, "refused", 0, ()))
    claimed.op("backup", 20, 21)
    found = only(answers(Outages(), claimed.done()))
    assert (found.code, found.details["claim"]["values"]) == ("claim.refuted", [pytest.approx(5, abs=0.05)])


def test_an_outage_after_the_next_operation_began_is_not_the_one_befores(claimed: Run) -> None:
    claimed.op("deploy", 9, 12)
    claimed.load((13.1, 17.2, "refused", 0, ()))
    claimed.op("backup", 13, 14)
    assert only(answers(Outages(), claimed.done())).outcome == "pass"


def test_an_outage_while_another_operation_was_under_way_is_not_laid_to_the_one_that_ended(claimed: Run) -> None:
    claimed.op("deploy", 9, 12)
    claimed.load((13.1, 17.2, "refused", 0, ()))
    claimed.op("rollback", 11, 18)
    assert only(answers(Outages(), claimed.done())).outcome == "pass"


def test_what_a_fault_of_ours_explains_is_not_laid_to_the_operation_before_it(claimed: Run) -> None:
    claimed.op("deploy", 9, 12)
    claimed.fault(13, 15)
    claimed.load((13.1, 17.2, "refused", 0, ()))
    assert only(answers(Outages(), claimed.done())).outcome == "pass"


def test_what_was_in_flight_when_the_load_stopped_is_no_outage_of_the_last_operation(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("deploy", "outage_s", 0),))
    run.op("deploy", 9, 12)
    run.load((29.965, 30.0, "unfinished", 0, ()))
    assert only(answers(Outages(), run.done())).outcome == "pass"


@pytest.mark.parametrize("held_up", [(13.0, 13.9), (21.0, 21.9)], ids=["before the next operation", "after it"])
def test_a_prober_that_was_blind_after_the_exit_keeps_no_claim(claimed: Run, held_up: tuple[float, float]) -> None:
    claimed.op("deploy", 9, 12)
    claimed.op("backup", 20, 23)
    claimed.load(held_up=held_up)
    outcome = "unknown" if held_up[0] < 20 else "pass"
    assert only(answers(Outages(), claimed.done())).outcome == outcome
