"""The checkers of data: what a read-back found, against the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.losses import Losses
from harness.checkers.data.restorable import Restorable
from harness.checkers.data.restore_exact import RestoreExact, recovery_point
from harness.model import Claim, Verdict
from harness.recording.recording import Recording
from tests.unit.checkers.build import Run, only


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def judged(recording: Recording, look: int = -1) -> Verdict:
    observation = recording.observations[look]
    return only([*AcknowledgedWrites().check(observation), *RestoreExact().check(observation)])


# -- deploy, rollback, backup, failed operations -------------------------------------------------------------------
def test_all_acknowledged_writes_found_is_a_pass_that_says_how_many(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens)
    verdict = judged(run.done())
    assert verdict.outcome == "pass"
    assert verdict.why == "all 50 acknowledged writes were found, none twice, none torn"
    assert "50 acknowledged, 50 found, 0 lost" in verdict.measured


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
    verdict = judged(run.done())
    assert verdict.outcome == "fail"
    assert verdict.why.startswith("1 acknowledged write lost after rollback-1")
    assert "(first: w-002500)" in verdict.why


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
    verdict = judged(run.done())
    assert verdict.outcome == "pass"
    assert "2 indeterminate" in verdict.measured


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("twice", "1 write found more than once (first: w-000000)"),
        ("torn", "1 write found with another payload than was sent (first: w-000000)"),
        ("refused", "1 write refused and yet found (first: w-refused)"),
        ("sum", "/sum is 90, not 100"),
    ],
)
def test_damage_of_any_kind_is_a_fail(run: Run, change: str, sentence: str) -> None:
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
    verdict = judged(run.done())
    assert verdict.outcome == "fail"
    assert sentence in verdict.why


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
    assert "1 write came back that an earlier read-back had shown to be gone" in judged(run.done()).why


def test_data_that_the_system_says_it_cannot_read_is_a_fail(run: Run) -> None:
    run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, None, error="read-back of /readback: HTTP 500: database disk image is malformed")
    verdict = judged(run.done())
    assert verdict.outcome == "fail"
    assert "malformed" in verdict.why
    assert verdict.measured.endswith("50 acknowledged, and the data could not be read")


@pytest.mark.parametrize(
    "error", ["read-back of /readback: TimeoutError: timed out", "read-back of /readback: HTTP 502: ", "not done after"]
)
def test_no_answer_at_all_says_nothing_about_the_data(run: Run, error: str) -> None:
    run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, None, error=error)
    assert judged(run.done()).outcome == "unknown"


def test_without_any_acknowledged_write_nothing_is_proven(run: Run) -> None:
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [])
    verdict = judged(run.done())
    assert verdict.outcome == "unknown"
    assert "no acknowledged write" in verdict.why


def test_an_invariant_the_system_does_not_report_is_unknown(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, tokens, totals={})
    verdict = judged(run.done())
    assert verdict.outcome == "unknown"
    assert "did not report /sum" in verdict.why


def test_writes_of_our_own_that_no_ledger_holds_are_unknown(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("deploy", 2, 3)
    run.observe("deploy", 5.5, [*tokens, "l-12ab-34c-5", "seed-000001"])
    verdict = judged(run.done())
    assert verdict.outcome == "unknown"
    assert verdict.why.startswith("1 write of our own clients were found")


def test_what_was_written_before_the_data_are_seeded_is_not_asked_for(run: Run) -> None:
    run.writes(0, 2)
    run.op("seed", 2, 3)
    tokens = run.writes(3.1, 5)
    run.op("deploy", 4, 5)
    run.observe("deploy", 5.5, tokens)
    assert judged(run.done()).outcome == "pass"


# -- restore -------------------------------------------------------------------------------------------------------
def restored(run: Run, found: list[str], *, snapshot: tuple[float, float] | None = (3.0, 3.5)) -> Verdict:
    """Writes for 12 s; a backup that copied from 3.0 to 3.5, restored from 8 to 9; read back at 12.5."""
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, found, snapshot=snapshot)
    return judged(run.done())


def between(tokens: list[str], start: float, stop: float) -> list[str]:
    return [t for t in tokens if 1000 * start <= int(t.removeprefix("w-")) < 1000 * stop]


def test_a_clean_cut_and_all_later_writes_is_a_pass_that_says_what_it_cost(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 12))
    assert verdict.outcome == "pass", verdict.why
    # 3.2 to 8.6, one each 0.1 s; the oldest was answered 4.8 s before the restore began.
    assert verdict.why == "exactly the snapshot: 54 writes after it lost, 4.80 s of work"


def test_without_totals_the_snapshot_is_that_of_our_clients_writes(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 3, 4)
    run.op("restore", 8, 8.5)
    found = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.observe("restore", 12.5, found, snapshot=(3.1, 3.3), totals={}, expected_totals={})
    verdict = judged(run.done())
    assert verdict.outcome == "pass", verdict.why
    assert verdict.why.startswith("exactly the snapshot of our clients' writes: ")


def test_a_write_older_than_the_backup_that_is_missing_is_a_fail(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0.1, 3.2) + between(tokens, 8.6, 12))
    assert verdict.outcome == "fail"
    assert "1 write older than the backup missing (first: w-000000)" in verdict.why


def test_a_write_younger_than_the_backup_that_survives_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.2) + between(tokens, 7.0, 7.05) + between(tokens, 8.6, 12))
    assert verdict.outcome == "fail"
    assert "mixed: 1 write sent after the backup was taken" in verdict.why
    assert "(first: w-007000)" in verdict.why


def test_a_restore_that_did_nothing_at_all_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    assert "survived it" in restored(run, tokens).why


def test_a_hole_within_the_snapshot_is_no_clean_cut(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.1) + between(tokens, 3.3, 3.4) + between(tokens, 8.6, 12))
    assert verdict.outcome == "fail"
    assert "no clean cut: 2 writes missing though a later one of the snapshot is there" in verdict.why


def test_a_hole_within_the_time_of_the_restore_is_mixed(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.2) + between(tokens, 8.2, 8.25) + between(tokens, 8.6, 12))
    assert verdict.outcome == "fail"
    assert "of the time restore-1 ran kept while later ones are gone" in verdict.why


def test_a_write_acknowledged_after_the_restore_must_stay(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 11.9))
    assert verdict.outcome == "fail"
    assert "1 write acknowledged after restore-1 had ended lost (first: w-011900)" in verdict.why


def test_a_write_in_flight_when_the_restore_began_may_be_there_or_not(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.write("w-over", 7.9, 9.5)
    assert restored(run, [*between(tokens, 0, 3.2), *between(tokens, 8.6, 12), "w-over"]).outcome == "pass"


def test_a_rollback_that_is_a_restore_is_judged_as_one(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 3, 4)
    run.op("rollback", 8, 8.5, restores=True, backup="b")
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.observe("rollback", 12.5, kept, snapshot=(3, 4))
    verdict = judged(run.done())
    assert verdict.outcome == "pass", verdict.why


def test_a_restore_that_had_nothing_to_take_away_proves_nothing(run: Run) -> None:
    tokens = run.writes(0, 3)
    verdict = restored(run, tokens)
    assert verdict.outcome == "unknown"
    assert "one that did nothing looks the same" in verdict.why


def test_without_the_time_of_the_snapshot_a_good_looking_restore_is_unknown(run: Run) -> None:
    tokens = run.writes(0, 12)
    verdict = restored(run, between(tokens, 0, 3.2) + between(tokens, 8.6, 12), snapshot=None)
    assert verdict.outcome == "unknown"
    assert "not known which backup" in verdict.why


def test_without_the_time_of_the_snapshot_a_torn_restore_still_fails(run: Run) -> None:
    tokens = run.writes(0, 12)
    found = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    assert restored(run, [*found, found[0]], snapshot=None).outcome == "fail"


def test_a_restore_whose_data_cannot_be_read_is_a_fail(run: Run) -> None:
    run.writes(0, 12)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, None, error="read-back of /x: HTTP 503: database disk image is malformed")
    assert judged(run.done()).why.startswith("restore-1 exited 0, and the data cannot be read")


def test_a_failed_restore_must_have_lost_nothing(run: Run) -> None:
    tokens = run.writes(0, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9, 1, expect="failure")
    run.observe("restore", 12.5, between(tokens, 0, 3.2) + between(tokens, 8.6, 12))
    verdict = judged(run.done())
    assert verdict.outcome == "fail"
    assert verdict.why.startswith("54 acknowledged writes lost after restore-1")


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
    assert "1 write came back" in judged(recording, 2).why


def test_a_second_restore_must_not_resurrect_what_the_first_took_away(run: Run) -> None:
    tokens = run.writes(0, 12)
    kept = between(tokens, 0, 3.2) + between(tokens, 8.6, 12)
    run.op("backup", 2.8, 3.8)
    run.op("restore", 8, 9)
    run.observe("restore", 12.5, kept, snapshot=(3.0, 3.5))
    run.op("backup", 13, 14)
    run.op("restore", 15, 16)
    run.observe("restore", 16.5, [*kept, "w-005000"], snapshot=(13.1, 13.5))
    assert "1 write resurrected that an earlier restore had taken away" in judged(run.done()).why


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
    assert judged(recording).outcome == "pass", judged(recording).why
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
    verdict = judged(run.done())
    assert verdict.outcome == "unknown"
    assert "was never read back" in verdict.why


# -- restorable ----------------------------------------------------------------------------------------------------
def restorable(run: Run) -> Verdict:
    return only(Restorable().check(run.done()))


def test_a_restore_after_the_fault_that_holds_makes_it_restorable(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.writes(6, 7)
    run.fault(7, 8)
    run.op("restore", 9, 10)
    run.observe("restore", 10.5, tokens, snapshot=(5.1, 5.5))
    assert restorable(run).outcome == "pass"


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
    verdict = restorable(run)
    assert verdict.outcome == "fail"
    assert "restore-1 exited with 1 after 1.00 s; it said: backup is not a database" in verdict.why


def test_a_restore_that_says_success_and_does_not_hold_is_a_fail(run: Run) -> None:
    tokens = run.writes(0, 5)
    run.op("backup", 5, 6)
    run.fault(7, 8)
    run.op("restore", 9, 10)
    run.observe("restore", 10.5, tokens[1:], snapshot=(5.1, 5.5))
    assert restorable(run).outcome == "fail"


def test_no_restore_tried_after_the_fault_is_unknown(run: Run) -> None:
    run.op("restore", 1, 2)
    run.fault(7, 8)
    assert restorable(run).outcome == "unknown"


def test_a_restore_nobody_read_back_is_unknown(run: Run) -> None:
    run.fault(7, 8)
    run.op("restore", 9, 10)
    assert restorable(run).outcome == "unknown"


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
    rollback, restore = Losses().check(run.done())
    assert (rollback.about, rollback.outcome) == ("lost by rollback", "pass")
    assert (restore.about, restore.outcome) == ("lost by restore", "fail")
    assert restore.measured == "4.8 s"


def test_a_claim_about_losses_without_a_read_back_is_unknown(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("rollback", "lost_writes", 0),))
    run.op("rollback", 13, 14)
    assert only(Losses().check(run.done())).outcome == "unknown"


def test_a_read_back_follows_all_that_ran_together_and_succeeded(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", [Claim("deploy", "lost_writes", 0), Claim("rollback", "lost_writes", 0)])
    tokens = run.writes(1, 5)
    run.op("deploy", 6, 8, group=1)
    run.op("rollback", 6, 10, group=1)
    run.observe("rollback", 11, tokens[1:])
    deploy, rollback = Losses().check(run.done())
    assert (deploy.outcome, deploy.measured) == (rollback.outcome, rollback.measured) == ("fail", "1 writes")


@pytest.mark.parametrize("status", [500, 503])
def test_a_write_answered_with_the_services_own_trouble_may_be_there(run: Run, status: int) -> None:
    run.load((10, 11, "http_error", status, ("write",)))
    recording = run.done()
    stored = [w.token for w in recording.writes]
    run.op("deploy", 12, 13)
    run.observe("deploy", 31, stored)
    verdict = judged(run.done())
    assert "refused and yet found" not in verdict.why
    assert verdict.outcome == "pass"
