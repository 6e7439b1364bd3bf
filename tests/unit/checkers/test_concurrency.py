"""The checkers of operations that run together: who was inside, who won, who was fenced, and what was left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.checkers.concurrency.end_state import EndState
from harness.checkers.concurrency.exclusive import Exclusive
from harness.checkers.concurrency.fenced import Fenced
from harness.checkers.concurrency.winners import Winners
from harness.checkers.core.protocol import Checker
from harness.checkers.service.versions import Versions
from harness.model import Finding, merged
from tests.unit.checkers.build import Run, answers, only

LOSES = "[deploy.lock]\ndeploy: failed: locked by deploy (pid 7, fence 3); waited 3 s\n"
SOUND: dict[str, Any] = {"version": "2", "schema": 2, "lock": None}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def winner(run: Run, start: float, locked: float, stop: float, exit_: int = 0) -> str:
    """A deployment that had the lock from ``locked`` on."""
    run.phase(id_ := f"deploy-{run.next('deploy')}", "deploy.lock", start, locked)
    run.phase(id_, "deploy.migrate", locked, (locked + stop) / 2)
    run.phase(id_, "deploy.switch", (locked + stop) / 2, stop if exit_ == 0 else None)
    return run.op("deploy", start, stop, exit_, group=1, expect="any", output="deployed: version 2\n")


def loser(run: Run, start: float, stop: float, output: str = LOSES) -> str:
    run.phase(f"deploy-{run.next('deploy')}", "deploy.lock", start, None)
    return run.op("deploy", start, stop, 1, group=1, expect="any", output=output)


# -- exclusive -----------------------------------------------------------------------------------------------------
def test_one_inside_while_another_waits_and_leaves_is_a_pass(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    loser(run, 1, 4)
    found = only(answers(Exclusive(), run.done()))
    assert (found.code, found.outcome) == ("operations.one_at_a_time", "pass")
    contender = {"operation": "deploy-2", "inside": "deploy-1", "phase": "deploy.migrate", "stalled": False}
    assert found.details["contenders"] == [contender]


def test_one_that_is_refused_before_the_winner_marks_what_it_does_has_met_it(run: Run) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.phase("deploy-1", "deploy.migrate", 4, 6)  # it stops the service first
    run.op("deploy", 1, 8, group=1, expect="any")
    loser(run, 1.2, 1.4)
    found = only(answers(Exclusive(), run.done()))
    assert found.details["contenders"] == [
        {"operation": "deploy-2", "inside": "deploy-1", "phase": "deploy.lock", "stalled": False}
    ]


def test_two_that_win_one_after_the_other_are_a_pass(run: Run) -> None:
    winner(run, 1, 1.1, 4)
    winner(run, 1, 4.01, 7)
    assert only(answers(Exclusive(), run.done())).outcome == "pass"


def test_two_inside_at_once_are_named_with_phase_and_time(run: Run) -> None:
    winner(run, 1, 1.5, 7.5)
    winner(run, 1, 2.0, 8.0)
    found = only(answers(Exclusive(), run.done()))
    assert found.code == "operations.overlapped"
    (overlap,) = found.details["overlaps"]
    assert (overlap["first"], overlap["first_phase"]) == ("deploy-1", "deploy.migrate")
    assert (overlap["second"], overlap["second_phase"]) == ("deploy-2", "deploy.migrate")
    assert overlap["seconds"] == pytest.approx(5.0) and overlap["both_succeeded"] is True


def test_who_had_given_up_before_is_told(run: Run) -> None:
    winner(run, 1, 1.5, 9, 1)
    loser(run, 1, 4)
    winner(run, 4.1, 4.2, 8)
    (overlap,) = only(answers(Exclusive(), run.done())).details["overlaps"]
    assert (overlap["given_up"], overlap["both_succeeded"]) == (["deploy-2"], False)


def test_the_tail_of_a_phase_that_was_cut_off_does_not_count(run: Run) -> None:
    winner(run, 1, 1.1, 4, exit_=1)
    winner(run, 1, 3.7, 7)
    assert only(answers(Exclusive(), run.done())).outcome == "pass"


@pytest.mark.parametrize(("exit_", "outcome"), [(1, "fail"), (-9, "pass")])  # killed it may have been free at once
def test_what_it_was_held_of_a_phase_that_was_cut_off_counts(run: Run, exit_: int, outcome: str) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.phase("deploy-1", "deploy.migrate", 1.2, None, held=3)
    run.op("deploy", 1, 4.24, exit_, group=1, expect="any", output="deploy: failed: fenced out\n")
    run.phase("deploy-2", "deploy.lock", 4.0, 4.05)
    run.phase("deploy-2", "deploy.check", 4.1, 4.18)
    run.op("deploy", 3, 8, group=1, expect="any")
    found = only(answers(Exclusive(), run.done()))
    assert found.outcome == outcome
    both = [(o["first"], o["second"], round(o["seconds"], 2)) for o in found.details.get("overlaps", ())]
    assert both == ([("deploy-1", "deploy-2", 0.08)] if outcome == "fail" else [])


def test_the_time_in_which_we_had_stopped_it_does_not_count(run: Run) -> None:
    winner(run, 1, 1.1, 9, exit_=1)
    winner(run, 3, 6, 8)
    run.fault(2, 8.5, name="process_pause", operation="deploy-1")
    assert only(answers(Exclusive(), run.done())).outcome == "pass"


def test_one_that_waits_for_a_holder_that_stands_still_and_is_killed_has_tried(run: Run) -> None:
    winner(run, 1, 1.1, 6, exit_=-9)
    winner(run, 3, 6.5, 9)
    run.fault(3, 8, name="process_pause", operation="deploy-1")
    found = only(answers(Exclusive(), run.done()))
    assert found.code == "operations.one_at_a_time"
    assert found.details["contenders"][0]["stalled"] is True


def test_one_that_came_while_another_stood_still_outside_has_not_tried(run: Run) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.phase("deploy-1", "deploy.migrate", 1.1, 2)
    run.op("deploy", 1, 8, -9, group=1, expect="any")
    winner(run, 3, 8.2, 9.5)
    run.fault(4, 8.5, name="process_pause", operation="deploy-1")
    assert only(answers(Exclusive(), run.done())).outcome == "unknown"


def test_one_that_came_after_the_holder_had_been_killed_has_not_tried(run: Run) -> None:
    winner(run, 1, 1.1, 6, exit_=-9)
    winner(run, 6.2, 6.5, 9)
    run.fault(3, 8, name="process_pause", operation="deploy-1")
    assert only(answers(Exclusive(), run.done())).outcome == "unknown"


def test_a_race_that_nobody_ran_proves_nothing(run: Run) -> None:
    winner(run, 1, 1.1, 4)
    winner(run, 5, 5.1, 8)
    assert only(answers(Exclusive(), run.done())).code == "operations.no_contention"


def test_a_race_that_was_to_be_held_and_was_not_proves_nothing(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    loser(run, 1, 4)
    assert only(answers(Exclusive(held=True), run.done())).code == "operations.race_by_chance"


def test_a_race_that_was_held_says_where_and_how_long(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    loser(run, 1, 4)
    run.event("barrier", 4, operation="deploy-1", at="deploy.migrate.start", complete=True, seconds=2.9)
    found = only(answers(Exclusive(held=True), run.done()))
    held = [found.details[key] for key in ("held_operation", "held_at", "held_s")]
    assert (found.outcome, held) == ("pass", ["deploy-1", "deploy.migrate.start", 2.9])


def test_without_a_lock_phase_it_cannot_be_told(run: Run) -> None:
    for _ in range(2):
        run.phase(f"deploy-{run.next('deploy')}", "deploy.migrate", 2, 4)
        run.op("deploy", 1, 5, group=1)
    found = only(answers(Exclusive(), run.done()))
    assert (found.code, found.details) == ("operations.lock_not_marked", {"operations": ["deploy-1", "deploy-2"]})


def seen(run: Run, start: float, locked: float, stop: float, **after: Any) -> None:
    """A deployment of a kit whose phases are seen up to 60 ms late; it goes on for a second after the last of them."""
    how = {"by": "log", "held": False, "late_ns": 60_000_000, "ended": False}
    id_ = f"deploy-{run.next('deploy')}"
    run.phase(id_, "deploy.lock", start, locked, **how)
    run.phase(id_, "deploy.migrate", locked, stop, **how | after)
    run.op("deploy", start, stop + 1, 0, group=1, expect="any")


def test_phases_that_were_seen_late_do_not_overlap_by_that_alone(run: Run) -> None:
    seen(run, 1, 1.1, 4)
    seen(run, 1, 3.95, 7)  # the first was seen to end up to 60 ms after it did
    found = only(answers(Exclusive(), run.done()))
    assert (found.code, found.details["late_ms"]) == ("operations.one_at_a_time", 60.0)


def test_phases_that_were_seen_late_and_overlap_by_more_do(run: Run) -> None:
    seen(run, 1, 1.1, 4)
    seen(run, 1, 3.9, 7)
    assert only(answers(Exclusive(), run.done())).outcome == "fail"


def test_a_lock_that_was_seen_in_time_does_not_help_where_the_rest_was_not(run: Run) -> None:
    seen(run, 1, 1.1, 8)
    seen(run, 1, 2.0, 7, ended=True)
    assert only(answers(Exclusive(), run.done())).outcome == "unknown"


def test_phases_that_came_to_light_only_after_the_end_prove_nothing(run: Run) -> None:
    """A log that was buffered: all of it at once, so that never two seem to be inside."""
    for start, stop in ((1.0, 8.0), (2.0, 7.0)):
        id_ = run.op("deploy", start, stop, 0, group=1, expect="any")
        for name in ("deploy.lock", "deploy.migrate"):
            run.phase(id_, name, stop, stop, by="log", held=False, late_ns=5_000_000, ended=True)
    recording = run.done()
    assert recording.phases == ()
    assert only(answers(Exclusive(), recording)).code == "operations.lock_not_marked"


def test_what_a_zombie_was_seen_in_late_is_no_step_after_it_was_continued(run: Run) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.5)
    run.phase("deploy-1", "deploy.migrate", 1.5, 8.005, by="log", held=False, late_ns=20_000_000, ended=False)
    run.phase("deploy-1", "deploy.switch", 8.3, 8.3, by="end", held=True, late_ns=0, ended=False)
    run.op("deploy", 1, 8.3, 1, group=1, expect="any", output="failed: no longer mine\n")
    winner(run, 3, 3.1, 6)
    run.fault(2, 8, name="process_pause", operation="deploy-1")
    assert only(answers(Fenced(), run.done())).outcome == "pass"


@pytest.mark.parametrize(
    ("checker", "code"),
    [
        (Exclusive(), "operations.none_together"),
        (Winners(), "operations.none_together"),
        (Fenced(), "operations.none_stopped"),
    ],
)
def test_a_run_without_a_group_is_unknown(run: Run, checker: Checker, code: str) -> None:
    run.op("deploy", 1, 2)
    found = only(answers(checker, run.done()))
    assert (found.outcome, found.code) == ("unknown", code)


# -- the version at exit -------------------------------------------------------------------------------------------
def overtaken(run: Run, locked: float, promised: str) -> str:
    run.op("deploy", 1, 4, group=1, version_wanted="2", version_at_exit="1")
    run.phase("rollback-1", "rollback.lock", 1, locked)
    run.phase("rollback-1", "rollback.start", locked, 6)
    run.op("rollback", 1, 7, group=1, version_wanted=promised, version_at_exit="1")
    return merged([f.outcome for f in answers(Versions(), run.done())])


def test_the_version_of_one_that_got_in_after_it_is_no_lie(run: Run) -> None:
    assert overtaken(run, 4.01, "1") == "pass"


def test_a_version_nobody_that_got_in_after_it_promised_is_a_lie(run: Run) -> None:
    assert overtaken(run, 4.01, "3") == "fail"


def test_one_that_was_inside_at_the_same_time_is_no_excuse(run: Run) -> None:
    assert overtaken(run, 3, "1") == "fail"


# -- winners -------------------------------------------------------------------------------------------------------
def won(run: Run) -> Finding:
    return only(answers(Winners(), run.done()))


def test_a_winner_and_a_loser_with_a_reason_are_a_pass(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    loser(run, 1, 4)
    found = won(run)
    assert (found.code, found.details["won"], found.details["lost"]) == (
        "operations.losers_left",
        ["deploy-1"],
        ["deploy-2"],
    )
    assert (found.details["slowest"]["id"], found.details["slowest"]["seconds"]) == ("deploy-2", 3.0)


def test_no_winner_at_all_is_a_fail(run: Run) -> None:
    loser(run, 1, 4)
    loser(run, 1, 4)
    found = won(run)
    assert found.code == "operations.none_won"
    assert [(m["id"], m["exit"]) for m in found.details["members"]] == [("deploy-1", 1), ("deploy-2", 1)]


def test_a_loser_that_was_inside_is_a_fail(run: Run) -> None:
    winner(run, 1, 1.1, 4)
    winner(run, 1, 4.1, 8, exit_=1)
    found = won(run)
    assert (found.code, found.subject.id) == ("operations.loser_was_inside", "deploy-2")
    assert found.details["phase"] == "deploy.switch"


@pytest.mark.parametrize(
    ("stop", "output", "code", "said"),
    [
        (15, LOSES, "operations.loser_stayed", "deploy: failed: locked by deploy (pid 7, fence 3); waited 3 s"),
        (
            4,
            "Traceback (most recent call last)\nKeyError: 'blue'\n",
            "operations.loser_gave_no_reason",
            "KeyError: 'blue'",
        ),
    ],
)
def test_a_loser_that_is_slow_or_breaks_is_a_fail(run: Run, stop: float, output: str, code: str, said: str) -> None:
    run.says(locks=[{"operations": ["deploy"], "waits_s": 0}])
    winner(run, 1, 1.1, 16)
    loser(run, 1, stop, output)
    found = won(run)
    assert (found.outcome, found.code, found.details["loser"]["line"]) == ("fail", code, said)


def test_a_loser_that_says_nothing_but_its_exit_code_is_noted(run: Run) -> None:
    winner(run, 1, 1.1, 16)
    loser(run, 1, 4, "")
    found = answers(Winners(), run.done())
    assert {(f.code, f.outcome) for f in found} == {
        ("operations.loser_silent", "note"),
        ("operations.losers_left", "pass"),
    }


def test_a_loser_that_is_slow_while_we_stood_still_is_unknown(run: Run) -> None:
    winner(run, 1, 1.1, 16)
    loser(run, 1, 15)
    run.stood_still(2, 14)
    found = won(run)
    assert (found.outcome, found.code, found.subject.id) == ("unknown", "harness.late", "deploy-2")
    assert (found.matter, found.details["late_s"]) == ("harness", pytest.approx(12.0))


def test_of_a_loser_that_marks_no_lock_it_is_not_said_that_it_was_never_inside(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    run.op("deploy", 1, 4, 1, group=1, expect="any", output=LOSES)
    found = won(run)
    assert (found.outcome, found.code) == ("unknown", "operations.loser_lock_not_marked")
    assert found.details == {"operation": "deploy-2"}


def test_the_time_a_loser_was_held_by_us_is_not_its_own(run: Run) -> None:
    winner(run, 1, 1.1, 8)
    run.phase("deploy-2", "deploy.lock", 2, None)
    run.op("deploy", 1, 15, 1, gate=12, group=1, expect="any", output=LOSES)
    assert won(run).outcome == "pass"


def test_one_that_we_killed_is_no_loser(run: Run) -> None:
    winner(run, 1, 1.1, 3, exit_=-9)
    winner(run, 1, 3.1, 8)
    run.fault(2.9, 3, name="process_kill", operation="deploy-1")
    assert won(run).outcome == "pass"


# -- fenced --------------------------------------------------------------------------------------------------------
def fenced(
    run: Run,
    exit_: int,
    *,
    later: bool = False,
    other: bool = True,
    output: str = "fenced out: 4",
    healed: float = 9,
    stop: float = 9.5,
) -> Finding:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.phase("deploy-1", "deploy.switch", 2, 9.1 if later else None)
    if later:
        run.phase("deploy-1", "deploy.drain", 9.2, None)
    if other:
        run.phase("deploy-2", "deploy.lock", 3, 6)
        run.phase("deploy-2", "deploy.migrate", 6, 8)
    run.op("deploy", 1, stop, exit_, group=1, output=output)
    run.op("deploy", 3, 8.5, group=1)
    run.fault(2.1, healed, released=9, name="process_pause", operation="deploy-1")
    return only(answers(Fenced(), run.done()))


def test_a_zombie_that_changes_nothing_is_a_pass(run: Run) -> None:
    found = fenced(run, 1)
    assert (found.outcome, found.code, found.because) == ("pass", "operations.zombie_refused", ("fault-1",))
    assert found.details == {
        "holder": {"id": "deploy-1", "exit": 1, "seconds": 8.5, "line": "fenced out: 4", "blocked_on": ""},
        "paused_s": pytest.approx(6.9),
        "others": ["deploy-2"],
        "after_s": pytest.approx(0.5),
    }


def test_a_zombie_that_had_given_up_before_we_saw_it_go_on_is_a_pass(run: Run) -> None:
    found = fenced(run, 1, healed=9.6)
    assert (found.code, found.details["after_s"]) == ("operations.zombie_refused", pytest.approx(0.5))


def test_a_zombie_that_goes_on_and_reports_success_is_a_fail(run: Run) -> None:
    found = fenced(run, 0, later=True, output="deployed: version 2")
    assert (found.outcome, found.code) == ("fail", "operations.zombie_succeeded")
    assert (found.details["phase"], found.details["holder"]["line"]) == ("deploy.drain", "deployed: version 2")


def test_a_zombie_that_reports_success_without_doing_more_is_a_fail(run: Run) -> None:
    assert fenced(run, 0).outcome == "fail"


def test_a_zombie_that_goes_on_and_fails_later_is_a_fail(run: Run) -> None:
    found = fenced(run, 1, later=True)
    assert (found.outcome, found.code) == ("fail", "operations.zombie_went_on")
    assert (found.details["phase"], found.details["killed"]) == ("deploy.drain", False)


def test_a_zombie_that_is_killed_where_it_stands_is_a_pass(run: Run) -> None:
    found = fenced(run, -9, stop=5.9)
    assert (found.outcome, found.code) == ("pass", "operations.zombie_killed")
    assert found.details["after_s"] == pytest.approx(3.8)


def test_a_zombie_of_which_something_goes_on_after_it_was_killed_is_a_fail(run: Run) -> None:
    found = fenced(run, -9, stop=5.9, later=True)
    assert (found.outcome, found.code) == ("fail", "operations.zombie_went_on")
    assert (found.details["phase"], found.details["killed"]) == ("deploy.drain", True)


def test_a_zombie_of_which_something_goes_on_while_it_would_still_stand_is_a_fail(run: Run) -> None:
    run.phase("deploy-1", "deploy.drain", 6.5, 6.6)  # a child in a session of its own, which was not stopped
    found = fenced(run, -9, stop=5.9)
    assert (found.outcome, found.code, found.details["phase"]) == ("fail", "operations.zombie_went_on", "deploy.drain")


def test_a_zombie_that_we_killed_ourselves_was_fenced_by_nobody(run: Run) -> None:
    run.fault(5.9, 5.95, id="fault-2", name="process_kill", operation="deploy-1")
    assert fenced(run, -9, stop=5.9).outcome == "unknown"


def test_a_zombie_that_is_killed_long_after_another_was_inside_was_not_kept_from_anything(run: Run) -> None:
    found = fenced(run, -9, stop=7)
    assert (found.outcome, found.code) == ("unknown", "operations.zombie_killed_late")
    assert found.details["late_s"] == pytest.approx(1.0)


def test_a_zombie_that_ended_otherwise_before_it_was_continued_is_unknown(run: Run) -> None:
    assert fenced(run, 1, stop=5.9).outcome == "unknown"


def test_a_holder_that_kept_its_lock_has_nothing_to_be_fenced_from(run: Run) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.phase("deploy-1", "deploy.switch", 2, 9.1)
    run.phase("deploy-2", "deploy.lock", 3, None)
    run.op("deploy", 1, 9.5, 0, group=1, output="deployed")
    run.op("deploy", 3, 6, 75, group=1, output="locked by 7")
    run.fault(2.1, 9, released=9, name="process_pause", operation="deploy-1")
    found = only(answers(Fenced(), run.done()))
    assert (found.outcome, found.code) == ("pass", "operations.lock_kept")
    refused = found.details["refused"]
    assert (refused["id"], refused["line"], found.details["waited_s"]) == ("deploy-2", "locked by 7", 3.0)


@pytest.mark.parametrize(("exit_", "stop"), [(0, 6), (75, 9.2), (-9, 6)])
def test_one_that_was_not_refused_while_it_stood_shows_no_lock(run: Run, exit_: int, stop: float) -> None:
    run.phase("deploy-1", "deploy.lock", 1, 1.1)
    run.op("deploy", 1, 9.5, 0, group=1)
    run.op("deploy", 3, stop, exit_, group=1)
    run.fault(2.1, 9, released=9, name="process_pause", operation="deploy-1")
    assert only(answers(Fenced(), run.done())).outcome == "unknown"


def test_a_pause_in_which_nobody_took_the_lock_proves_nothing(run: Run) -> None:
    found = fenced(run, 1, other=False)
    assert (found.outcome, found.code) == ("unknown", "operations.lock_not_taken")


# -- end state -----------------------------------------------------------------------------------------------------
def ends(run: Run, version: str = "2", schemas: tuple[str, ...] = ("2",), **said: Any) -> list[Finding]:
    run.op("deploy", 1, 4, version_wanted="2", version_at_exit="2")
    run.op("rollback", 1, 3, version_wanted="1", version_at_exit="1")
    told = {key: value for key, value in {**SOUND, **said}.items() if value != "untold"}
    run.observe("deploy", 10, [], version=version, said=told, schemas=schemas)
    return answers(EndState(), run.done())


def ended(run: Run, **what: Any) -> Finding:
    return only(ends(run, **what))


def test_the_version_that_was_promised_last_on_its_schema_with_the_lock_free_is_a_pass(run: Run) -> None:
    found = ended(run)
    assert (found.outcome, found.code) == ("pass", "service.end_state_sound")
    assert found.details == {"version": "2", "schema": "2", "operation": "deploy-1", "lock_told": True}


@pytest.mark.parametrize(
    ("what", "code", "details"),
    [
        (
            {"version": "1", "schemas": ("1", "2")},
            "service.wrong_version_serves",
            {"version": "1", "promised": "2", "operation": "deploy-1"},
        ),
        ({"schema": 1}, "service.on_foreign_schema", {"version": "2", "schema": "1", "runs_on": ["2"]}),
        ({"lock": {"pid": 7}}, "service.lock_left_behind", {"lock": "{'pid': 7}"}),
    ],
)
def test_a_corrupt_end_state_is_a_fail(run: Run, what: dict[str, Any], code: str, details: dict[str, Any]) -> None:
    found = [f for f in ends(run, **what) if f.code == code]
    assert [(f.outcome, f.details) for f in found] == [("fail", details)]


def test_a_kit_that_is_wrong_about_what_serves_is_a_fail(run: Run) -> None:
    run.op("deploy", 1, 4, version_wanted="2", version_at_exit="2")
    run.observe("deploy", 10, [], version="2", said={**SOUND, "version": "1"}, schemas=("2",))
    found = only(answers(EndState(), run.done()))
    assert (found.outcome, found.code) == ("fail", "service.kit_is_wrong_about_version")
    assert found.details == {"version": "2", "told": "1"}


@pytest.mark.parametrize(
    ("what", "code", "details", "sound"),
    [
        ({"schema": "untold"}, "service.status_incomplete", {"keys": ["schema"]}, ("", True)),
        ({"lock": "untold"}, "service.status_incomplete", {"keys": ["lock"]}, ("2", False)),
        ({"schemas": ()}, "service.schemas_not_declared", {"version": "2"}, ("", True)),
    ],
)
def test_what_is_not_told_is_noted_and_not_claimed(
    run: Run, what: dict[str, Any], code: str, details: dict[str, Any], sound: tuple[str, bool]
) -> None:
    passed, noted = ends(run, **what)
    assert (noted.outcome, noted.code, noted.details) == ("note", code, details)
    assert (passed.outcome, passed.details["schema"], passed.details["lock_told"]) == ("pass", *sound)


def test_what_serves_is_unknown_where_no_version_is_answered(run: Run) -> None:
    found = ended(run, version="")
    assert (found.outcome, found.code, found.details) == ("unknown", "service.version_not_answered", {})
