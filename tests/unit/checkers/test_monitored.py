"""The checkers of monitors: a deployment that succeeds unseen, and a broken version that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkers.service import broken_version
from harness.checkers.service.broken_version import BrokenVersion
from harness.checkers.service.downtime import Downtime
from harness.checkers.service.monitored import Monitored
from harness.checkers.validity.fault_bit import FaultBit
from tests.unit.checkers.build import Run, answers, only

HELD = "deploy: failed: no monitor sees the service; going on would be blind"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def out(
    run: Run,
    names: tuple[str, ...] = ("primary", "secondary"),
    *,
    healed: float = 15.2,
    applied: bool = True,
    status: tuple[str, ...] = (),
) -> None:
    """A fault that takes monitors away from 10 s on, in an operation from 9 to 15 s."""
    run.event("system.up", 0, version="1")
    run.event("fault.planned", 0, id="fault-1", name="monitor_killed", parameters={"which": "all"}, at="deploy.migrate")
    run.event("fault.injected", 10, id="fault-1")
    run.event(
        "monitors.out",
        10.1,
        since_ns=run.ns(10),
        operation="deploy-1",
        names=names,
        declared=("primary", "secondary"),
        how="killed",
        status=status,
    )
    run.event("fault.confirmed", 10.2, id="fault-1", applied=applied, felt=False, said="primary gives no answer")
    run.event("fault.healed", healed, id="fault-1", ok=True, felt=True, felt_said="it went on")


def phase(run: Run, name: str, start: float, stop: float) -> None:
    for event, when in (("start", start), ("stop", stop)):
        run.event("phase", when, operation="deploy-1", phase=name, event=event, gate_ns=0)


def looked(run: Run, version: str, at: float = 16) -> None:
    run.observe("deploy", at, [])
    # The builder always says version 1; the content is what counts.
    path = next((run.folder / "observations").glob("*.json"))
    path.write_text(path.read_text().replace('"version": "1"', f'"version": "{version}"'))


# -- monitored -----------------------------------------------------------------------------------------------------
def test_success_with_every_monitor_out_is_a_fail_that_names_them_and_the_phases(run: Run) -> None:
    run.says(asks_monitors={"deploy": "throughout"})
    out(run)
    phase(run, "deploy.check", 9.1, 9.5)
    phase(run, "deploy.migrate", 9.9, 12)
    phase(run, "deploy.switch", 13, 13.1)
    run.op("deploy", 9, 15)
    found = only(answers(Monitored(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("deploy.unseen", "fail", "deploy-1")
    assert found.because == ("fault-1",)
    assert found.details["gone"] == {
        "monitors": ["primary", "secondary"],
        "every": True,
        "how": "killed",
        "from_s": 1.0,
        "to_s": 6.0,
        "phases": ["deploy.migrate", "deploy.switch"],
        "said": "",
    }


def test_monitors_that_were_out_before_it_began_count_from_its_start(run: Run) -> None:
    out(run)
    run.op("deploy", 11, 15)
    gone = only(answers(Monitored(), run.done())).details["gone"]
    assert (gone["from_s"], gone["to_s"]) == (None, 4.0)


def test_saying_so_does_not_excuse_success_with_every_monitor_out(run: Run) -> None:
    run.says(asks_monitors={"deploy": "throughout"})
    out(run)
    run.op("deploy", 9, 15, output="degraded: monitor primary does not answer")
    found = only(answers(Monitored(), run.done()))
    assert (found.code, found.details["gone"]["said"] != "") == ("deploy.unseen", True)


@pytest.mark.parametrize(
    ("version", "outcome", "code"),
    [
        ("1", "pass", "deploy.held_blind"),
        ("2", "fail", "deploy.blind_left_new"),
        ("", "unknown", "deploy.version_after_unknown"),
    ],
)
def test_a_deployment_that_held_is_judged_by_what_serves_after_it(
    run: Run, version: str, outcome: str, code: str
) -> None:
    out(run)
    run.op("deploy", 9, 15, 1, output=HELD)
    looked(run, version)
    found = only(answers(Monitored(), run.done()))
    assert (found.outcome, found.code) == (outcome, code)
    assert (found.details["end"]["id"], found.details["end"]["exit"]) == ("deploy-1", 1)
    assert found.details["version"] == {"before": "1", "after": version}


def test_what_serves_after_is_held_against_the_deployment_before(run: Run) -> None:
    run.op("deploy", 2, 4, version_wanted="3", version_at_exit="3")
    out(run)
    run.op("deploy", 9, 15, 1, output=HELD)
    looked(run, "3")
    found = only(answers(Monitored(), run.done()))
    assert (found.code, found.details["version"]) == ("deploy.held_blind", {"before": "3", "after": "3"})


@pytest.mark.parametrize(
    ("output", "status", "outcome"),
    [
        ("degraded, monitor primary does not answer", (), "pass"),
        ("deployed", ("monitor primary does not answer",), "pass"),
        ("degraded, monitor primary does not answer\n" + "batch done\n" * 500, (), "pass"),
        ("deployed", ("primary",), "pass"),  # what stands there is degraded, whatever its words
        ("monitors: 2 asked, 0 down", (), "fail"),
        ("monitor primary ok, cooldown 3 s", (), "fail"),
        ("deployed", (), "fail"),
    ],
)
def test_with_one_monitor_of_two_out_it_may_go_on_when_it_says_so(
    run: Run, output: str, status: tuple[str, ...], outcome: str
) -> None:
    out(run, ("primary",), status=status)
    run.op("deploy", 9, 15, output=output)
    found = only(answers(Monitored(), run.done()))
    code = "deploy.degraded_said" if outcome == "pass" else "deploy.monitors_out_unsaid"
    assert (found.outcome, found.code, found.details["gone"]["every"]) == (outcome, code, False)
    assert (found.details["gone"]["said"] == "") == (outcome == "fail")


def test_monitors_that_came_back_in_time_may_have_seen_it_but_it_has_to_say_so(run: Run) -> None:
    out(run, healed=12)
    run.op("deploy", 9, 15, output="degraded, monitor primary does not answer")
    found = only(answers(Monitored(), run.done()))
    assert (found.code, found.details["gone"]["every"]) == ("deploy.degraded_said", True)


def test_a_fault_that_did_not_last_is_not_held_against_the_kit(run: Run) -> None:
    out(run, applied=False)
    run.op("deploy", 9, 15)
    recording = run.done()
    assert answers(Monitored(), recording) == []
    assert only(answers(FaultBit(), recording)).outcome == "unknown"


def test_an_operation_while_all_monitors_were_there_has_no_verdict(run: Run) -> None:
    out(run)
    run.op("deploy", 16, 18)
    assert answers(Monitored(), run.done()) == []


# -- broken version ------------------------------------------------------------------------------------------------
def seen(run: Run, *changes: tuple[float, str]) -> None:
    for at, version in changes:
        run.event("version.seen", at, version=version, before_ns=run.ns(at - 0.05))
    run.event("version.watched", 29, interval_s=0.05)


def silent(run: Run, since: float, until: float, version: str, *, questions: int = 10, refused: int = 0) -> None:
    """Nobody said which version serves, until ``version`` was said."""
    fields = {"questions": questions, "refused": refused, "said": "TimeoutError: timed out"}
    run.event("version.silent", until, since_ns=run.ns(since), version=version, **fields)


def test_a_broken_version_that_is_promoted_is_a_fail_with_its_seconds_and_bad_requests(run: Run) -> None:
    run.op("deploy", 9, 15, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"))
    run.load((12, 29, "http_error", 500, ("writes",)))
    recording = run.done()
    found = only(answers(BrokenVersion(), recording))
    assert (found.code, found.outcome, found.details["end"]["exit"]) == ("version.broken_promoted", "fail", 0)
    served = found.details["served"]
    assert (served["version"], served["got_traffic"], served["until"]) == ("2-broken", True, "end")
    assert (served["seconds"], served["resolution_s"]) == (pytest.approx(17.05), pytest.approx(0.05))
    assert served["requests"] == 2557 and served["bad"] > 0
    (measured,) = broken_version.measurement(recording)
    assert (measured.values, measured.unit, measured.resolution) == ((17.05,), "s", 0.05)


@pytest.mark.parametrize(
    ("version", "outcome", "code"),
    [
        ("1", "pass", "version.broken_withdrawn"),
        ("2-broken", "fail", "version.broken_left"),
        ("", "unknown", "version.broken_unseen"),
    ],
)
def test_a_broken_version_that_failed_must_not_stay(run: Run, version: str, outcome: str, code: str) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    looked(run, version)
    found = only(answers(BrokenVersion(), run.done()))
    assert (found.outcome, found.code) == (outcome, code)
    assert found.details["served"]["seconds"] == pytest.approx(2.05)


def test_what_ended_it_is_said_when_the_deployment_itself_did_not(run: Run) -> None:
    run.op("deploy", 9, 15, broken_version="2-broken")
    run.op("deploy", 17, 20)
    seen(run, (9, "1"), (12, "2-broken"), (18, "2"))
    served = only(answers(BrokenVersion(), run.done())).details["served"]
    assert (served["until"], served["replaced_by"]) == ("replaced", "deploy-2")
    assert (served["seconds"], served["resolution_s"]) == (pytest.approx(6.05), pytest.approx(0.1))


def test_one_that_never_got_traffic_served_for_no_time(run: Run) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"))
    looked(run, "1")
    recording = run.done()
    found = only(answers(BrokenVersion(), recording))
    assert (found.code, found.details["served"]["got_traffic"]) == ("version.broken_withdrawn", False)
    assert broken_version.measurement(recording)[0].values == (0.0,)


@pytest.mark.parametrize(
    ("since", "until", "questions", "refused", "outcome"),
    [
        (10, 14, 10, 0, "unknown"),  # a version that hangs is not heard either
        (10, 14, 10, 9, "unknown"),
        (10, 29, 0, 0, "unknown"),  # the watch died
        (10, 14, 10, 10, "pass"),  # nobody took a connection: no version served
        (10, 10.06, 1, 0, "pass"),  # no longer than between any two questions
        (2, 8.9, 10, 0, "pass"),  # before the deployment
    ],
)
def test_a_deployment_in_which_nobody_said_what_serves_does_not_show_that_it_got_no_traffic(
    run: Run, since: float, until: float, questions: int, refused: int, outcome: str
) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    silent(run, since, until, "1", questions=questions, refused=refused)
    seen(run, (1, "1"))
    looked(run, "1")
    recording = run.done()
    found = only(answers(BrokenVersion(), recording))
    served = found.details["served"]
    assert (found.outcome, served["got_traffic"]) == (outcome, False)
    if outcome == "unknown":
        assert found.code == "version.broken_unseen" and served["unseen_s"] >= 4
        assert broken_version.measurement(recording) == []
    else:
        assert (found.code, served["unseen_s"]) == ("version.broken_withdrawn", 0)
        assert broken_version.measurement(recording)[0].values == (0.0,)


def test_silence_around_what_was_seen_of_it_is_part_of_its_longest_service(run: Run) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"))
    silent(run, 12, 14, "1")
    run.event("version.seen", 14, version="1", before_ns=run.ns(11.95))
    looked(run, "1")
    found = only(answers(BrokenVersion(), run.done()))
    assert (found.code, found.details["served"]["seconds"]) == ("version.broken_withdrawn", pytest.approx(3.05))


def test_without_a_look_from_outside_it_is_unknown_and_without_a_broken_version_nothing(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    recording = run.done()
    found = only(answers(BrokenVersion(), recording))
    assert (found.code, found.outcome) == ("version.not_watched", "unknown")
    assert broken_version.measurement(recording) == []


def test_no_broken_version_no_verdict(run: Run) -> None:
    run.op("deploy", 9, 15)
    assert answers(BrokenVersion(), run.done()) == []


# -- its bad requests are not downtime of the kit, and are told ----------------------------------------------------
def test_bad_requests_of_a_broken_version_are_told_and_those_before_it_still_count(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.2, 13.5, "http_error", 500, ("writes",)))
    found = only(answers(Downtime(), run.done()))
    assert found.code == "requests.answered"
    (left,) = found.details["left_out"]
    assert (left["reason"], left["seconds"]) == ("known_broken_version", pytest.approx(2.05))
    assert left["count"] == left["bad"] > 0


def test_a_request_that_was_cut_is_downtime_whatever_served(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.5, 12.6, "reset", 0, ("writes",)))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_a_bad_request_outside_its_time_is_downtime(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((15, 15.1, "http_error", 500, ("writes",)))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.details["left_out"]) == ("requests.bad", [])


def went_silent(run: Run, since: float, until: float) -> None:
    """The broken version answers from 11 s on and is heard no more from ``since`` on; version 1 answers ``until``."""
    run.op("deploy", 9, 26, 1, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"))
    silent(run, since, until, "1")
    run.event("version.seen", until, version="1", before_ns=run.ns(since - 0.05))


def test_an_outage_on_the_way_back_from_a_broken_version_is_downtime(run: Run) -> None:
    went_silent(run, 12, 25)
    run.load((11.2, 12, "http_error", 500, ("writes",)), (12, 25, "refused", 0, ()))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.details["due_in"][0]["kinds"]) == ("requests.bad", ["refused"])
    assert found.details["due_in"][0]["operation"] == "deploy-1"
    seconds = {o["reason"]: o["seconds"] for o in found.details["left_out"]}
    assert seconds["known_broken_version"] == pytest.approx(1.25)


def test_nobody_is_refused_by_a_broken_version(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.5, 12.6, "refused", 0, ()))
    assert only(answers(Downtime(), run.done())).outcome == "fail"


def test_whose_the_bad_requests_are_after_it_was_heard_last_nobody_can_tell(run: Run) -> None:
    went_silent(run, 12, 14)
    run.load((12.5, 13, "http_error", 502, ("writes",)))
    found = only(answers(Downtime(), run.done()))
    assert (found.code, found.outcome) == ("requests.version_unknown", "unknown")
    counts = {o["reason"]: o["count"] for o in found.details["left_out"]}
    assert counts["version_unknown"] > 0


def test_one_that_is_heard_again_was_there_all_the_time(run: Run) -> None:
    run.op("deploy", 9, 16, 1, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"), (15, "1"))
    silent(run, 12, 14, "2-broken")
    run.load((12.5, 13, "timeout", 0, ("writes",)))
    assert only(answers(Downtime(), run.done())).outcome == "pass"
