"""What is sound practice one way and another is judged as the team says it, and unknown where nothing is said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.backups.partial_latest import NoPartialLatest
from harness.checkers.concurrency.exclusive import Exclusive
from harness.checkers.concurrency.winners import Winners
from harness.checkers.data.restorable import Restorable
from harness.checkers.operations.expectations import Expectations
from harness.checkers.service.downtime import Downtime
from harness.checkers.service.monitored import Monitored
from harness.checkers.service.recovery import Recovery
from harness.model import Artefact, Finding
from tests.unit.checkers.build import Run, answers, only


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def marked(run: Run, name: str, start: float, locked: float, stop: float, exit_: int = 0, gate: float = 0) -> str:
    """An operation of a group that had the lock from ``locked`` on, held ``gate`` seconds when it got it."""
    id_ = f"{name}-{run.next(name)}"
    run.phase(id_, f"{name}.lock", start, locked)
    run.phase(id_, f"{name}.copy", locked, stop, held=gate)
    return run.op(name, start, stop, exit_, group=1, expect="any", output="done\n", gate=gate)


def waits(run: Run, start: float, stop: float) -> str:
    run.phase(f"deploy-{run.next('deploy')}", "deploy.lock", start, None)
    return run.op("deploy", start, stop, 1, group=1, expect="any", output="deploy-1 has the lock\n")


def locks(*operations: str, waits_s: float = 0) -> dict[str, Any]:
    return {"locks": [{"operations": list(operations), "waits_s": waits_s}]}


# -- locks ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "code", "outcome"),
    [
        ({}, "operations.overlap_not_said", "unknown"),
        (locks("deploy", "backup"), "operations.overlapped", "fail"),
        (locks("deploy", "rollback"), "operations.share_no_lock", "note"),
    ],
)
def test_a_backup_beside_a_deployment_is_what_the_team_says_it_is(
    run: Run, said: Mapping[str, Any], code: str, outcome: str
) -> None:
    run.says(**said)
    marked(run, "deploy", 1, 1.1, 6)
    marked(run, "backup", 2, 2.1, 5)
    found = only(answers(Exclusive(), run.done()))
    assert (found.code, found.outcome) == (code, outcome)


@pytest.mark.parametrize("said", [{}, locks("backup"), locks("deploy")])
def test_two_deployments_at_once_fail_whatever_is_said(run: Run, said: Mapping[str, Any]) -> None:
    run.says(**said)
    marked(run, "deploy", 1, 1.1, 6)
    marked(run, "deploy", 2, 2.1, 5)
    assert only(answers(Exclusive(), run.done())).code == "operations.overlapped"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "operations.loser_waited"),
        (locks("deploy", waits_s=10), "operations.losers_left"),
        (locks("deploy", waits_s=2), "operations.loser_stayed"),
    ],
)
def test_how_long_a_loser_may_wait_is_said(run: Run, said: Mapping[str, Any], code: str) -> None:
    run.says(**said)
    marked(run, "deploy", 1, 1.1, 20)
    waits(run, 1, 16)
    assert only(answers(Winners(), run.done())).code == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (locks("deploy", "backup"), "operations.loser_was_inside"),
        (locks("deploy", "rollback"), "operations.losers_left"),
    ],
)
def test_who_shares_no_lock_with_another_is_no_loser_of_theirs(run: Run, said: Mapping[str, Any], code: str) -> None:
    run.says(**said)
    marked(run, "deploy", 1, 1.1, 6)
    marked(run, "backup", 2, 2.1, 5, exit_=1)
    assert only(answers(Winners(), run.done())).code == code


def test_a_loser_that_waits_for_one_that_the_harness_holds_waits_for_the_harness(run: Run) -> None:
    marked(run, "deploy", 1, 1.1, 20, gate=12)
    waits(run, 1, 16)
    assert only(answers(Winners(), run.done())).code == "operations.losers_left"


# -- links ---------------------------------------------------------------------------------------------------------
LINK: list[tuple[dict[str, Any], str, str]] = [
    ({}, "operation.may_need_link", "unknown"),
    ({"needs_links": {"deploy": []}}, "operation.failed", "fail"),
    ({"needs_links": {"deploy": ["offsite"]}}, "operations.as_expected", "pass"),
]


@pytest.mark.parametrize(("said", "code", "outcome"), LINK)
def test_an_operation_that_fails_under_a_cut_link_may_need_it(
    run: Run, said: Mapping[str, Any], code: str, outcome: str
) -> None:
    run.says(**said)
    run.fault(5, 25, link="offsite", to_the_end=True)
    run.op("backup", 1, 2)
    run.op("deploy", 10, 12, 1, output="upload: timed out")
    found = next(
        f for f in answers(Expectations(), run.done()) if f.code != "operations.as_expected" or outcome == "pass"
    )
    assert (found.code, found.outcome) == (code, outcome)


def test_an_operation_that_fails_beside_no_fault_fails(run: Run) -> None:
    run.says(needs_links={"deploy": ["offsite"]})
    run.fault(5, 8, link="offsite")
    run.op("deploy", 10, 12, 1)
    assert only(answers(Expectations(), run.done())).code == "operation.failed"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "kit.excused_after_fault"),
        ({"needs_links": {"deploy": []}}, "kit.broken_after_fault"),
        ({"needs_links": {"deploy": ["offsite"]}}, "kit.not_tried_after_fault"),
    ],
)
def test_what_works_under_a_link_that_stays_cut_is_said(run: Run, said: Mapping[str, Any], code: str) -> None:
    run.says(**said)
    run.fault(5, 25, link="offsite", to_the_end=True)
    run.op("deploy", 10, 12, 1)
    run.recovered(25.4, "the last faults were healed")
    assert code in {f.code for f in answers(Recovery(), run.done())}


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({}, "unknown"),
        ({"needs_links": {"restore": []}}, "fail"),
        ({"needs_links": {"restore": ["offsite"]}}, "unknown"),
    ],
)
def test_a_restore_that_fails_under_a_cut_link_says_nothing_of_its_backup_where_it_may_need_it(
    run: Run, said: Mapping[str, Any], outcome: str
) -> None:
    run.says(**said)
    large = Artefact("one", "/backup/one", 20_000_000, True)
    small = Artefact("two", "/backup/two", 2_000_000, True)
    run.op("backup", 1, 2)
    run.observe("backup", 3, [], artefacts=[large, small], latest=small.path)
    run.fault(5, 25, link="offsite", to_the_end=True)
    run.op("restore", 10, 12, 1, restores=True, backup=small.path, output="fetch: timed out")
    recording = run.done()
    assert only(answers(Restorable(), recording)).outcome == outcome
    assert only(answers(NoPartialLatest(), recording)).outcome == outcome


def test_of_several_unsaid_links_that_one_is_named_which_was_cut(run: Run) -> None:
    run.link("database", None)
    run.link("queue", None)
    run.fault(10, 12, link="database")
    run.load((10.5, 11.5, "http_error", 503, ()))
    assert only(answers(Downtime(), run.done())).details["links"] == ["database"]


@pytest.mark.parametrize(
    ("serves", "code"), [(None, "requests.link_may_serve"), (True, "requests.answered"), (False, "requests.bad")]
)
def test_whether_requests_need_a_cut_link_is_said(run: Run, serves: bool | None, code: str) -> None:
    run.link("database", serves)
    run.fault(10, 12, link="database")
    run.load((10.5, 11.5, "http_error", 503, ()))
    assert only(answers(Downtime(), run.done())).code == code


# -- monitors ------------------------------------------------------------------------------------------------------
def lost(run: Run, at: float = 10, healed: float = 15.2) -> None:
    run.event("system.up", 0, version="1")
    run.event(
        "fault.planned",
        0,
        id="fault-1",
        name="monitor_killed",
        parameters={"which": "all"},
        at="deploy.switch",
        effects=["blinds"],
    )
    run.event("fault.injected", at, id="fault-1")
    names = ("primary", "secondary")
    run.event(
        "monitors.out", at + 0.1, since_ns=run.ns(at), operation="deploy-1", names=names, declared=names, how="killed"
    )
    run.event("fault.confirmed", at + 0.2, id="fault-1", applied=True, felt=False, said="no answer")
    run.event("fault.healed", healed, id="fault-1", ok=True, felt=True, felt_said="it went on")


def judged(run: Run) -> tuple[Finding, Finding]:
    recording = run.done()
    return only(answers(Monitored(), recording)), only(answers(Expectations(), recording))


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        ({}, ("deploy.unseen_not_said", "operation.succeeded_unseen")),
        ({"asks_monitors": {"deploy": "throughout"}}, ("deploy.unseen", "operation.succeeded_under_fault")),
        ({"asks_monitors": {"deploy": "before"}}, ("deploy.asked_before", "operations.as_expected")),
    ],
)
def test_when_a_deployment_asks_its_monitors_is_said(run: Run, said: Mapping[str, Any], codes: tuple[str, str]) -> None:
    run.says(**said)
    lost(run)
    run.op("deploy", 9, 15, expect="failure")
    found = judged(run)
    assert (found[0].code, found[1].code) == codes


def test_monitors_that_were_gone_before_it_began_are_missed_by_any_kit_that_asks(run: Run) -> None:
    run.says(asks_monitors={"deploy": "before"})
    lost(run, at=8)
    run.op("deploy", 9, 15, expect="failure")
    assert judged(run)[0].code == "deploy.unseen"
