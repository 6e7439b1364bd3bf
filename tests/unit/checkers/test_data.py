"""The checkers of data: what a read-back found, against the ledger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.losses import Losses
from harness.checkers.data.restorable import Restorable
from harness.checkers.data.restore_exact import RestoreExact, recovery_point
from harness.model import Claim, Finding
from harness.recording.recording import Recording
from tests.unit.checkers.build import Run, answers, only


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def judged(recording: Recording, look: int = -1) -> Finding:
    return only(all_judged(recording, look))


def all_judged(recording: Recording, look: int = -1) -> list[Finding]:
    """What is found of one read-back, by the one checker that it is for."""
    label = recording.observations[look].label
    found = [*answers(AcknowledgedWrites(), recording), *answers(RestoreExact(), recording)]
    return [f for f in found if f.subject.id == label]


def of_code(found: list[Finding], code: str) -> dict[str, Any]:
    """The details of the one finding of this code."""
    return dict(only([f for f in found if f.code == code]).details)


# -- deploy, rollback, backup, failed operations -------------------------------------------------------------------
def test_all_acknowledged_writes_found_is_a_pass_that_says_how_many(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens)
    found = judged(run.done())
    assert (found.outcome, found.code) == ("pass", "data.kept")
    assert found.details == {"acknowledged": 50, "indeterminate": 0, "lag_s": 0.0, "payloads": True}


def test_what_an_earlier_run_left_doubled_in_an_attached_system_is_not_found_again(run: Run) -> None:
    old = ["l-1f-2a-7", "l-1f-2a-7"]
    run.observe("before", 0, old)
    tokens = run.writes(1, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [*old, *tokens])
    assert judged(run.done()).outcome == "pass"


def test_one_lost_write_is_a_fail_that_names_it_and_the_operation(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("rollback", 2, 3)
    run.observe("rollback", 5.5, [t for t in tokens if t != "w-002500"])
    found = judged(run.done())
    assert (found.outcome, found.code) == ("fail", "data.acknowledged_lost")
    assert (found.details["writes"], found.details["tokens"]) == (1, ["w-002500"])
    assert (found.details["after"], found.details["within"]) == ("rollback-1", 1)


def test_a_write_acknowledged_while_the_read_back_ran_is_not_asked_for(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.write("w-late", 5.4, 5.6)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens)
    assert judged(run.done()).outcome == "pass"


def test_an_indeterminate_write_may_be_there_or_not(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.write("w-maybe-1", 2.5, 3.5, "indeterminate")
    run.write("w-maybe-2", 2.5, 3.5, "indeterminate")
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [*tokens, "w-maybe-1"])
    found = judged(run.done())
    assert (found.outcome, found.details["indeterminate"]) == ("pass", 2)


@pytest.mark.parametrize(
    ("change", "code", "details"),
    [
        ("twice", "data.duplicated", {"writes": 1, "tokens": ["w-000000"]}),
        ("torn", "data.torn", {"writes": 1, "tokens": ["w-000000"]}),
        ("refused", "data.refused_found", {"writes": 1, "tokens": ["w-refused"]}),
        ("sum", "data.total_wrong", {"total": "/sum", "found": 90.0, "expected": 100.0}),
    ],
)
def test_damage_of_any_kind_is_a_fail(run: Run, change: str, code: str, details: dict[str, Any]) -> None:
    tokens = run.writes(0, 5)
    run.write("w-refused", 4, outcome="refused")
    run.op("deploy", 2, 3)
    extra = {"twice": ["w-000000"], "refused": ["w-refused"]}.get(change, [])
    run.observe(
        "deploy",
        5.5,
        [*tokens, *extra],
        payloads={"w-000000": "another"} if change == "torn" else None,
        totals={"/sum": 90.0} if change == "sum" else None,
    )
    found = judged(run.done())
    assert (found.outcome, found.code, found.details) == ("fail", code, details)


def test_a_loss_is_blamed_on_the_operation_that_caused_it_and_reported_once(run: Run) -> None:
    tokens = run.writes(0, 5)
    kept = tokens[1:]
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, kept)
    run.op("rollback", 6, 7)
    run.observe("rollback", 7.5, kept)
    recording = run.done()
    assert judged(recording, 0).outcome == "fail"
    assert judged(recording, 1).outcome == "pass"


def test_a_write_that_was_gone_and_comes_back_is_a_fail(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens[1:])
    run.op("rollback", 6, 7)
    run.observe("rollback", 7.5, tokens)
    found = judged(run.done())
    assert (found.outcome, found.code) == ("fail", "data.came_back")
    assert found.details == {"writes": 1, "tokens": ["w-000000"]}


def test_data_that_the_system_says_it_cannot_read_is_a_fail(run: Run) -> None:
    run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, None, error="HTTP 500: database disk image is malformed", error_status=500)
    found = judged(run.done())
    assert (found.outcome, found.code) == ("fail", "data.unreadable")
    assert found.details["error"].endswith("malformed")  # the words of the service


@pytest.mark.parametrize("status", [0, 404, 502, 504])
def test_no_answer_of_the_service_says_nothing_about_the_data(run: Run, status: int) -> None:
    run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, None, error="no page", error_status=status)
    found = judged(run.done())
    assert (found.outcome, found.code) == ("unknown", "data.not_read")


def test_without_any_acknowledged_write_nothing_is_proven(run: Run) -> None:
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [])
    found = all_judged(run.done())
    assert {f.outcome for f in found} == {"unknown"}
    assert "data.nothing_acknowledged" in {f.code for f in found}


def test_an_invariant_the_system_does_not_report_is_unknown(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens, totals={})
    found = judged(run.done())
    assert (found.outcome, found.code) == ("unknown", "data.totals_missing")
    assert found.details == {"totals": ["/sum"]}


def test_writes_of_our_own_that_no_ledger_holds_are_unknown(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [*tokens, "l-12ab-34c-5", "seed-000001"])
    found = judged(run.done())
    assert (found.outcome, found.code, found.matter) == ("unknown", "data.unknown_writes", "harness")
    assert found.details == {"writes": 1, "tokens": ["l-12ab-34c-5"]}


def test_what_was_written_before_the_data_are_seeded_is_not_asked_for(run: Run) -> None:
    run.writes(0, 2)
    run.op("seed", 2, 3)
    tokens = run.writes(3.1, 5)
    run.op("deploy", 4, 5)
    run.observe("deploy", 5.5, tokens)
    assert judged(run.done()).outcome == "pass"


# -- restore -------------------------------------------------------------------------------------------------------
def restored(
    run: Run, found: list[str], *, snapshot: tuple[float, float] | None = (3.0, 3.5), to: str = "snapshot"
) -> list[Finding]:
    """Writes for 12 s; a backup that copied from 3.0 to 3.5, restored from 8 to 9; read back at 12.5."""
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, to=to)
    run.observe("restore", 12.5, found, snapshot=snapshot)
    return all_judged(run.done())


def between(tokens: list[str], start: float, stop: float) -> list[str]:
    return [t for t in tokens if 1000 * start <= int(t.removeprefix("w-")) < 1000 * stop]


def test_a_clean_cut_and_all_later_writes_is_a_pass_that_says_what_it_cost(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 12)))
    assert (found.outcome, found.code) == ("pass", "restore.exact")
    # 3.2 to 8.6, one each 0.1 s; the oldest was answered 4.8 s before the restore began.
    assert (found.details["lost"], found.details["lost_s"]) == (54, pytest.approx(4.8, abs=0.01))
    assert not found.details["clients_only"]


def test_without_totals_the_snapshot_is_that_of_our_clients_writes(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 3, 4)
    run.op("restore", 8, 8.5)
    found = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.observe("restore", 12.5, found, snapshot=(3.1, 3.3), totals={}, expected_totals={})
    found_of_it = judged(run.done())
    assert (found_of_it.code, found_of_it.details["clients_only"]) == ("restore.exact", True)


def test_a_write_older_than_the_backup_that_is_missing_is_a_fail(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = restored(run, between(tokens, 0.1, 3.2) + between(tokens, 8.6, 12))
    assert {f.outcome for f in found} == {"fail"}
    older = of_code(found, "restore.older_lost")
    assert older == {"restore": "restore-1", "writes": 1, "tokens": ["w-000000"]}


def test_a_write_younger_than_the_backup_that_survives_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.2) + between(tokens, 7.0, 7.05) + between(tokens, 8.6, 12)))
    assert (found.outcome, found.code) == ("fail", "restore.mixed")
    assert found.details == {"restore": "restore-1", "how": "newer_survived", "writes": 1, "tokens": ["w-007000"]}


def test_a_restore_that_did_nothing_at_all_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, tokens))
    assert (found.code, found.details["how"]) == ("restore.mixed", "newer_survived")
    assert len(found.details["tokens"]) == 20 < found.details["writes"]


def test_a_hole_within_the_snapshot_is_no_clean_cut(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.1) + between(tokens, 3.3, 3.4) + between(tokens, 8.6, 12)))
    assert (found.outcome, found.code) == ("fail", "restore.mixed")
    assert (found.details["how"], found.details["writes"]) == ("hole", 2)


def test_a_hole_within_the_time_of_the_restore_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.2) + between(tokens, 8.2, 8.25) + between(tokens, 8.6, 12)))
    assert (found.outcome, found.code) == ("fail", "restore.mixed")
    assert (found.details["how"], found.details["tokens"]) == ("while_restoring", ["w-008200"])


def test_a_write_acknowledged_after_the_restore_must_stay(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 11.9))
    later = of_code(found, "restore.later_lost")
    assert later == {"restore": "restore-1", "writes": 1, "tokens": ["w-011900"]}


def test_a_write_in_flight_when_the_restore_began_may_be_there_or_not(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.write("w-over", 7.9, 9.5)
    found = only(restored(run, [*between(tokens, 0, 3.2), *between(tokens, 8.6, 12), "w-over"]))
    assert found.outcome == "pass"


def test_a_rollback_that_is_a_restore_is_judged_as_one(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 3, 4)
    run.op("rollback", 8, 8.5, restores=True, backup="b")
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.observe("rollback", 12.5, kept, snapshot=(3, 4))
    found = judged(run.done())
    assert (found.code, found.details["restore"]) == ("restore.exact", "rollback-1")


def test_a_restore_that_had_nothing_to_take_away_proves_nothing(run: Run) -> None:
    tokens = run.writes(0, 3)
    found = only(restored(run, tokens))
    assert (found.outcome, found.code) == ("unknown", "restore.nothing_younger")


def test_without_the_time_of_the_snapshot_a_restore_is_held_against_the_backups_there_were(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 12), snapshot=None))
    assert (found.outcome, found.code, found.details["by_content"]) == ("pass", "restore.exact", "backup-1")


def test_without_any_backup_before_it_a_good_looking_restore_is_unknown(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("restore", 8, 9, to="snapshot")
    run.observe("restore", 12.5, between(tokens, 0, 3.2) + between(tokens, 8.6, 12))
    found = only(all_judged(run.done()))
    assert (found.outcome, found.code) == ("unknown", "restore.backup_unknown")


def test_without_the_time_of_the_snapshot_a_torn_restore_still_fails(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    doubled = only(restored(run, [*found, found[0]], snapshot=None))
    assert (doubled.outcome, doubled.code) == ("fail", "data.duplicated")


def test_a_restore_whose_data_cannot_be_read_is_a_fail(run: Run) -> None:
    run.writes(0, 12)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, None, error="database disk image is malformed", error_status=503)
    found = judged(run.done())
    assert (found.outcome, found.code) == ("fail", "restore.unreadable")
    assert found.details == {"restore": "restore-1", "error": "database disk image is malformed"}


def test_a_failed_restore_must_have_lost_nothing(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, 1, expect="failure")
    run.observe("restore", 12.5, between(tokens, 0, 3.2) + between(tokens, 8.6, 12))
    found = judged(run.done())
    assert (found.outcome, found.code) == ("fail", "data.acknowledged_lost")
    assert (found.details["writes"], found.details["after"]) == (54, "restore-1")


def test_after_a_restore_what_it_took_away_is_not_asked_for_and_must_not_come_back(run: Run) -> None:
    tokens = run.writes(0, 12)
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, kept, snapshot=(3.0, 3.5))
    run.op("deploy", 13, 14)
    run.observe("deploy", 14.5, kept)
    run.op("rollback", 15, 16)
    run.observe("rollback", 16.5, [*kept, "w-005000"])
    recording = run.done()
    assert judged(recording, 0).outcome == "pass"
    assert judged(recording, 1).outcome == "pass"
    back = judged(recording, 2)
    assert (back.code, back.details["tokens"]) == ("data.came_back", ["w-005000"])


def test_a_second_restore_must_not_resurrect_what_the_first_took_away(run: Run) -> None:
    tokens = run.writes(0, 12)
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, kept, snapshot=(3.0, 3.5))
    run.op("backup", 13, 14)
    run.op("restore", 15, 16)
    run.observe("restore", 16.5, [*kept, "w-005000"], snapshot=(13.1, 13.5))
    resurrected = of_code(all_judged(run.done()), "restore.resurrected")
    assert resurrected == {"restore": "restore-2", "writes": 1, "tokens": ["w-005000"]}


def test_a_second_restore_of_the_newer_backup_is_judged_by_that_one(run: Run) -> None:
    tokens = run.writes(0, 20)
    first = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.0, first, snapshot=(3.0, 3.5))
    run.op("backup", 13, 14)
    run.op("restore", 18, 19)
    second = between(tokens, 0, 3.2) + between(tokens, 8.6, 13.3) + between(tokens, 18.5, 20)
    run.observe("restore", 20.5, second, snapshot=(13.1, 13.5))
    recording = run.done()
    assert judged(recording).code == "restore.exact"
    assert recovery_point(recording.observations[-1]).lost == 52


def test_going_back_to_an_older_backup_than_the_last_restore_used_is_fine(run: Run) -> None:
    """What a rollback lost after the backup was taken, that backup brings back: no resurrection."""
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.op("rollback", 6.5, 7)
    run.observe("rollback", 7.5, tokens[1:])
    run.writes(7.6, 7.9)
    run.op("restore", 8, 9)
    run.observe("restore", 9.5, tokens, snapshot=(5.1, 5.5))
    assert judged(run.done()).outcome == "pass"


def test_a_restore_that_was_never_read_back_leaves_later_judgements_open(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.op("deploy", 13, 14)
    run.observe("deploy", 14.5, between(tokens, 0, 3.2) + between(tokens, 8.6, 12))
    found = judged(run.done())
    assert (found.outcome, found.code) == ("unknown", "data.undecidable")
    assert found.details["writes"] == 54  # what had been sent before the restore ended, and is not there


def test_what_was_answered_after_the_read_back_of_a_restore_and_is_there_is_kept(run: Run) -> None:
    """As of a service that takes longer for a write than the restore and its read-back do."""
    tokens = run.writes(0, 12)
    run.write("w-slow", 8.9, 9.6)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 9.3)
    run.observe("restore", 9.3, kept, snapshot=(3.0, 3.5))
    run.observe("end", 12.5, [*between(tokens, 0, 3.2), *between(tokens, 8.6, 12), "w-slow"])
    assert judged(run.done()).code == "data.kept"


# -- totals that count our clients' entries ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rows", "code"), [(40, "data.kept"), (43, "data.kept"), (44, "data.total_wrong"), (39, "data.total_wrong")]
)
def test_a_total_may_count_what_was_written_while_it_was_read_back(run: Run, rows: float, code: str) -> None:
    tokens = run.writes(0, 12)
    for number in range(3):
        run.write(f"w-late-{number}", 12.05, 12.3)
    run.observe(
        "deploy", 12.1, tokens, totals={"rows": rows}, expected_totals={"rows": 40}, counted=["rows"], stop=12.4
    )
    assert judged(run.done()).code == code


def test_a_total_that_counts_no_entries_is_what_it_has_to_be(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.write("w-late", 12.05, 12.3)
    run.observe("deploy", 12.1, tokens, totals={"rows": 41}, expected_totals={"rows": 40}, stop=12.4)
    assert judged(run.done()).code == "data.total_wrong"


# -- where a restore ends, and from which backup ----------------------------------------------------------------------
def test_a_restore_that_ends_later_than_its_backup_is_unknown_where_nobody_says_where_it_ends(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 7.9) + between(tokens, 8.6, 12), to=""))
    assert (found.code, found.outcome) == ("restore.ends_later", "unknown")


def test_a_restore_that_replays_a_log_must_show_one_clean_cut_up_to_its_start(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 7.5) + between(tokens, 8.6, 12), to="latest"))
    assert (found.code, found.outcome) == ("restore.exact", "pass")
    assert found.details["lost"] == 11 and found.details["lost_s"] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("traces", "code"), [(True, "restore.exact"), (None, "restore.exact"), (False, "restore.left_no_traces")]
)
def test_one_that_leaves_all_as_it_was_and_no_trace_may_have_done_nothing(
    run: Run, traces: bool | None, code: str
) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, to="latest", left_traces=traces)
    run.observe("restore", 12.5, tokens, snapshot=(3.0, 3.5))
    recording = run.done()
    assert only(all_judged(recording)).code == code
    is_known = code == "restore.exact"
    assert only(answers(Restorable(), recording)).outcome == ("pass" if is_known else "unknown")


@pytest.mark.parametrize(("down", "code"), [((8.2, 8.6), "restore.exact"), ((9.2, 9.6), "restore.left_no_traces")])
def test_whom_it_turned_away_meanwhile_is_a_trace(run: Run, down: tuple[float, float], code: str) -> None:
    tokens = run.writes(0, 8)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, to="latest", left_traces=False)
    run.load((*down, "refused", 0, ("read_new", "read_reused")))
    written = [json.loads(line)["token"] for lines in run._sampled.values() for line in lines]
    run.observe("restore", 12.5, [*tokens, *written], snapshot=(3.0, 3.5))
    assert {f.code for f in all_judged(run.done())} == {code}


def test_one_that_replays_nothing_of_what_there_was_to_replay_is_unknown(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = only(restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 12), to="latest"))
    assert (found.code, found.outcome) == ("restore.replayed_nothing", "unknown")
    assert found.details["younger"] > 40


@pytest.mark.parametrize("to", ["latest", ""])
def test_a_hole_in_what_was_replayed_is_no_clean_cut(run: Run, to: str) -> None:
    tokens = run.writes(0, 12)
    kept = between(tokens, 0, 5) + between(tokens, 6, 7.5) + between(tokens, 8.6, 12)
    assert {f.code for f in restored(run, kept, to=to)} == {"restore.mixed"}


@pytest.mark.parametrize(("until", "code"), [(6.0, "restore.exact"), (3.2, "restore.backup_unknown")])
def test_a_restore_that_is_not_told_of_is_judged_by_the_newest_backup_alone(run: Run, until: float, code: str) -> None:
    """One that brought back an older one may have been asked to, or taken a stale one."""
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("backup", 5.8, 6.2)
    run.op("backup", 7, 7.2, 1)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, between(tokens, 0, until) + between(tokens, 8.6, 12))
    assert only(all_judged(run.done())).code == code


@pytest.mark.parametrize(
    ("kept", "code", "outcome"),
    [
        (((0, 5), (8.6, 12)), "restore.backup_unknown", "unknown"),  # a cut, and at no backup
        (((0, 3.2), (5, 6), (8.6, 12)), "restore.mixed", "fail"),
    ],
)
def test_what_fits_no_backup_of_the_run_is_unknown_and_what_is_no_cut_fails(
    run: Run, kept: tuple[tuple[float, float], ...], code: str, outcome: str
) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, [t for span in kept for t in between(tokens, *span)])
    found = all_judged(run.done())
    assert {(f.code, f.outcome) for f in found} == {(code, outcome)}


# -- reads that lag ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("settle", "code", "outcome"), [(0, "data.lags", "unknown"), (2, "data.kept", "pass")])
def test_writes_that_show_up_late_are_what_is_said_of_reads(run: Run, settle: float, code: str, outcome: str) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens, lag=0.8, settle=settle)
    found = judged(run.done())
    assert (found.code, found.outcome, found.details["lag_s"]) == (code, outcome, 0.8)


# -- restorable ----------------------------------------------------------------------------------------------------
def restorable(run: Run) -> Finding:
    return only(answers(Restorable(), run.done()))


def test_a_restore_after_the_fault_that_holds_makes_it_restorable(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.writes(6, 7)
    run.fault(7, 8)
    run.op("restore", 9, 10)
    run.observe("restore", 10.5, tokens, snapshot=(5.1, 5.5))
    found = restorable(run)
    assert (found.outcome, found.code) == ("pass", "backup.restorable")
    assert (found.details["restore"], found.details["tried"]) == ("restore-1", 1)
    assert [a["code"] for a in found.details["answers"]] == ["restore.exact"]


def test_a_restore_under_a_fault_that_stays_to_the_end_counts(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.writes(6, 7)
    run.fault(7, 20, link="offsite", to_the_end=True)
    run.op("restore", 9, 10)
    run.observe("restore", 10.5, tokens, snapshot=(5.1, 5.5))
    assert restorable(run).outcome == "pass"


def test_only_failing_restores_after_the_fault_are_a_fail_that_quotes_them(run: Run) -> None:
    run.fault(7, 8)
    run.op("restore", 9, 10, 1, output="starting\nbackup is not a database\n")
    found = restorable(run)
    assert (found.outcome, found.code) == ("fail", "backup.none_restorable")
    end = only(found.details["tries"])["restore"]
    assert (end["id"], end["exit"], end["line"]) == ("restore-1", 1, "backup is not a database")


def test_a_restore_that_says_success_and_does_not_hold_is_a_fail(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.fault(7, 8)
    run.op("restore", 9, 10)
    run.observe("restore", 10.5, tokens[1:], snapshot=(5.1, 5.5))
    found = restorable(run)
    assert (found.outcome, found.code) == ("fail", "backup.none_restorable")
    assert "restore.older_lost" in {a["code"] for a in only(found.details["tries"])["answers"]}


def test_no_restore_tried_after_the_fault_is_unknown(run: Run) -> None:
    run.op("restore", 1, 2)
    run.fault(7, 8)
    found = restorable(run)
    assert (found.outcome, found.code) == ("unknown", "backup.restore_not_tried")


def test_a_restore_nobody_read_back_is_unknown(run: Run) -> None:
    run.fault(7, 8)
    run.op("restore", 9, 10)
    found = restorable(run)
    assert (found.outcome, found.code) == ("unknown", "backup.restorable_undecided")
    assert only(found.details["tries"])["answers"] == []


# -- claims about losses -------------------------------------------------------------------------------------------
def test_losses_are_judged_against_their_claims(tmp_path: Path) -> None:
    claims = (
        Claim("rollback", "lost_writes", 0),
        Claim("restore", "lost_s", 1.0),
        Claim("deploy", "lost_writes", 0),
    )
    run = Run(tmp_path / "run", claims)
    tokens = run.writes(0, 12)
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, kept, snapshot=(3.0, 3.5))
    run.op("rollback", 13, 14)
    run.observe("rollback", 14.5, kept)
    rollback, restore = answers(Losses(), run.done())
    assert (rollback.subject.id, rollback.code) == ("rollback_lost_writes", "claim.kept")
    assert (restore.subject.id, restore.code) == ("restore_lost_s", "claim.refuted")
    assert restore.details["claim"]["values"] == [pytest.approx(4.8, abs=0.05)]


def test_a_claim_about_losses_without_a_read_back_is_unknown(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("rollback", "lost_writes", 0),))
    run.op("rollback", 13, 14)
    found = only(answers(Losses(), run.done()))
    assert (found.code, found.outcome) == ("claim.not_measured", "unknown")
    assert found.details["left_out"] == [{"reason": "not_read_back", "count": 1}]


def test_a_read_back_follows_all_that_ran_together_and_succeeded(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", [Claim("deploy", "lost_writes", 0), Claim("rollback", "lost_writes", 0)])
    tokens = run.writes(1, 5)
    run.op("deploy", 6, 8, group=1)
    run.op("rollback", 6, 10, group=1)
    run.observe("rollback", 11, tokens[1:])
    found = answers(Losses(), run.done())
    assert [(f.subject.id, f.code) for f in found] == [
        ("deploy_lost_writes", "claim.refuted"),
        ("rollback_lost_writes", "claim.refuted"),
    ]
    assert [f.details["claim"]["values"] for f in found] == [[1.0], [1.0]]


@pytest.mark.parametrize("status", [500, 503])
def test_a_write_answered_with_the_services_own_trouble_may_be_there(run: Run, status: int) -> None:
    run.load((10, 11, "http_error", status, ("write",)))
    recording = run.done()
    stored = [w.token for w in recording.writes]
    run.op("deploy", 12, 13)
    run.observe("deploy", 31, stored)
    assert judged(run.done()).code == "data.kept"
