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
    out(run)
    phase(run, "deploy.check", 9.1, 9.5)
    phase(run, "deploy.migrate", 9.9, 12)
    phase(run, "deploy.switch", 13, 13.1)
    run.op("deploy", 9, 15)
    verdict = only(Monitored().check(run.done()))
    assert (verdict.outcome, verdict.requirement) == ("fail", "R99")
    assert verdict.why == (
        "deploy-1 exited 0 although no monitor could see it: primary and secondary were killed from 1.00 s to 6.00 s "
        "of it, through deploy.migrate, deploy.switch; neither it nor `status` said so"
    )


def test_monitors_that_were_out_before_it_began_count_from_its_start(run: Run) -> None:
    out(run)
    run.op("deploy", 11, 15)
    assert "were killed from before its start to 4.00 s of it" in only(Monitored().check(run.done())).why


def test_saying_so_does_not_excuse_success_with_every_monitor_out(run: Run) -> None:
    out(run)
    run.op("deploy", 9, 15, output="degraded: monitor primary does not answer")
    assert only(Monitored().check(run.done())).outcome == "fail"


@pytest.mark.parametrize(("version", "outcome"), [("1", "pass"), ("2", "fail"), ("", "unknown")])
def test_a_deployment_that_held_is_judged_by_what_serves_after_it(run: Run, version: str, outcome: str) -> None:
    out(run)
    run.op("deploy", 9, 15, 1, output=HELD)
    looked(run, version)
    verdict = only(Monitored().check(run.done()))
    assert verdict.outcome == outcome
    assert verdict.why.startswith("deploy-1 exited with 1 after 6.00 s")


def test_what_serves_after_is_held_against_the_deployment_before(run: Run) -> None:
    run.op("deploy", 2, 4, version_wanted="3", version_at_exit="3")
    out(run)
    run.op("deploy", 9, 15, 1, output=HELD)
    looked(run, "3")
    assert only(Monitored().check(run.done())).why.startswith(
        "deploy-2 exited with 1 after 6.00 s and version 3 serves"
    )


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
    verdict = only(Monitored().check(run.done()))
    assert (verdict.outcome, verdict.requirement) == (outcome, "R101")
    assert ("neither it nor `status` said so" in verdict.why) == (outcome == "fail")


def test_monitors_that_came_back_in_time_may_have_seen_it_but_it_has_to_say_so(run: Run) -> None:
    out(run, healed=12)
    run.op("deploy", 9, 15, output="degraded, monitor primary does not answer")
    assert only(Monitored().check(run.done())).outcome == "pass"


def test_a_fault_that_did_not_last_is_not_held_against_the_kit(run: Run) -> None:
    out(run, applied=False)
    run.op("deploy", 9, 15)
    recording = run.done()
    assert Monitored().check(recording) == []
    assert only(answers(FaultBit(), recording)).outcome == "unknown"


def test_an_operation_while_all_monitors_were_there_has_no_verdict(run: Run) -> None:
    out(run)
    run.op("deploy", 16, 18)
    assert Monitored().check(run.done()) == []


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
    verdict = only(BrokenVersion().check(recording))
    assert verdict.outcome == "fail"
    assert (
        "deploy-1 exited with 0 after 6.00 s although version 2-broken, known to be broken, served for 17.05 s"
        in verdict.why
    )
    assert "s (resolution 0.05 s), to the end; " in verdict.why
    assert " of 2 557 requests due meanwhile were bad" in verdict.why and "; 0 of" not in verdict.why
    (measured,) = broken_version.measurement(recording)
    assert (measured.values, measured.unit, measured.resolution) == ((17.05,), "s", 0.05)


@pytest.mark.parametrize(("version", "outcome"), [("1", "pass"), ("2-broken", "fail"), ("", "unknown")])
def test_a_broken_version_that_failed_must_not_stay(run: Run, version: str, outcome: str) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    looked(run, version)
    verdict = only(BrokenVersion().check(run.done()))
    assert (verdict.outcome, verdict.measured) == (outcome, "2.05 s in service")


def test_what_ended_it_is_said_when_the_deployment_itself_did_not(run: Run) -> None:
    run.op("deploy", 9, 15, broken_version="2-broken")
    run.op("deploy", 17, 20)
    seen(run, (9, "1"), (12, "2-broken"), (18, "2"))
    assert (
        "served for 6.05 s (resolution 0.10 s), until deploy-2 replaced it; "
        in only(BrokenVersion().check(run.done())).why
    )


def test_one_that_never_got_traffic_served_for_no_time(run: Run) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"))
    looked(run, "1")
    recording = run.done()
    assert "never got traffic" in only(BrokenVersion().check(recording)).why
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
    verdict = only(BrokenVersion().check(recording))
    assert verdict.outcome == outcome
    if outcome == "unknown":
        assert verdict.measured == "not seen"
        assert "was not seen, and nothing said which version serves for" in verdict.why
        assert "never got traffic" not in verdict.why
        assert broken_version.measurement(recording) == []
    else:
        assert "never got traffic" in verdict.why
        assert broken_version.measurement(recording)[0].values == (0.0,)


def test_silence_around_what_was_seen_of_it_is_part_of_its_longest_service(run: Run) -> None:
    run.event("system.up", 0, version="1")
    run.op("deploy", 9, 15, 1, output=HELD, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"))
    silent(run, 12, 14, "1")
    run.event("version.seen", 14, version="1", before_ns=run.ns(11.95))
    looked(run, "1")
    verdict = only(BrokenVersion().check(run.done()))
    assert (verdict.outcome, verdict.measured) == ("pass", "3.05 s in service")


def test_without_a_look_from_outside_it_is_unknown_and_without_a_broken_version_nothing(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    recording = run.done()
    assert only(BrokenVersion().check(recording)).outcome == "unknown"
    assert broken_version.measurement(recording) == []


def test_no_broken_version_no_verdict(run: Run) -> None:
    run.op("deploy", 9, 15)
    assert BrokenVersion().check(run.done()) == []


# -- its bad requests are not downtime of the kit, and are told ----------------------------------------------------
def test_bad_requests_of_a_broken_version_are_told_and_those_before_it_still_count(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.2, 13.5, "http_error", 500, ("writes",)))
    verdict = only(Downtime().check(run.done()))
    assert verdict.outcome == "pass"
    assert "bad requests while a version known to be broken was in service (2.05 s)" in verdict.why


def test_a_request_that_was_cut_is_downtime_whatever_served(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.5, 12.6, "reset", 0, ("writes",)))
    assert only(Downtime().check(run.done())).outcome == "fail"


def test_a_bad_request_outside_its_time_is_downtime(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((15, 15.1, "http_error", 500, ("writes",)))
    verdict = only(Downtime().check(run.done()))
    assert verdict.outcome == "fail"
    assert "not judged by the claim" not in verdict.why


def went_silent(run: Run, since: float, until: float) -> None:
    """The broken version answers from 11 s on and is heard no more from ``since`` on; version 1 answers ``until``."""
    run.op("deploy", 9, 26, 1, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"))
    silent(run, since, until, "1")
    run.event("version.seen", until, version="1", before_ns=run.ns(since - 0.05))


def test_an_outage_on_the_way_back_from_a_broken_version_is_downtime(run: Run) -> None:
    went_silent(run, 12, 25)
    run.load((11.2, 12, "http_error", 500, ("writes",)), (12, 25, "refused", 0, ()))
    verdict = only(Downtime().check(run.done()))
    assert verdict.outcome == "fail"
    assert "refused; due in deploy-1" in verdict.why
    assert "known to be broken was in service (1.25 s)" in verdict.why


def test_nobody_is_refused_by_a_broken_version(run: Run) -> None:
    run.op("deploy", 9, 15, 1, broken_version="2-broken")
    seen(run, (9, "1"), (12, "2-broken"), (14, "1"))
    run.load((12.5, 12.6, "refused", 0, ()))
    assert only(Downtime().check(run.done())).outcome == "fail"


def test_whose_the_bad_requests_are_after_it_was_heard_last_nobody_can_tell(run: Run) -> None:
    went_silent(run, 12, 14)
    run.load((12.5, 13, "http_error", 502, ("writes",)))
    verdict = only(Downtime().check(run.done()))
    assert verdict.outcome == "unknown"
    assert "after a version known to be broken was heard last and before another was" in verdict.why


def test_one_that_is_heard_again_was_there_all_the_time(run: Run) -> None:
    run.op("deploy", 9, 16, 1, broken_version="2-broken")
    seen(run, (9, "1"), (11, "2-broken"), (15, "1"))
    silent(run, 12, 14, "2-broken")
    run.load((12.5, 13, "timeout", 0, ("writes",)))
    assert only(Downtime().check(run.done())).outcome == "pass"
