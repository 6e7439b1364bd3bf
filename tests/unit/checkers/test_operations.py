"""The checkers of operations: how they ended, how long they took, what they left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.backups.made_backup import MadeBackup
from harness.checkers.backups.partial_latest import NoPartialLatest
from harness.checkers.backups.space_check import RefusesBeforeWriting
from harness.checkers.backups.validation import RejectsDamage
from harness.checkers.data.restorable import Restorable
from harness.checkers.operations.durations import Durations
from harness.checkers.operations.expectations import Expectations
from harness.checkers.operations.no_hang import NoHang
from harness.checkers.service.recovery import Recovery
from harness.checkers.service.versions import Versions
from harness.judge.claims import claim_rows
from harness.model import Artefact, Claim, Finding, OffsiteCopy
from harness.recording.recording import Recording
from tests.unit.checkers.build import Run, answers, only


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


# -- expectations --------------------------------------------------------------------------------------------------
def test_operations_that_end_as_expected_pass_together(run: Run) -> None:
    run.op("backup", 1, 2)
    run.op("deploy", 3, 4, 1, expect="failure")
    run.op("validate", 5, 6, 1, expect="any")
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.details) == ("operations.as_expected", {"operations": 2})


def test_a_failed_operation_is_quoted(run: Run) -> None:
    run.op("backup", 1, 2)
    run.op("deploy", 3, 4.5, 2, output="migrating\nno such column: amount\n\n")
    failed, rest = answers(Expectations(), run.done())
    assert (failed.code, failed.outcome, failed.subject.id) == ("operation.failed", "fail", "deploy-1")
    end = {"id": "deploy-1", "exit": 2, "seconds": 1.5, "line": "no such column: amount", "blocked_on": ""}
    assert failed.details == {"name": "deploy", "end": end}
    assert (rest.code, rest.details["operations"]) == ("operations.as_expected", 1)


def test_an_operation_that_failed_after_a_fault_that_could_not_be_reverted_is_unknown(run: Run) -> None:
    run.fault(10, None, id="fault-1", name="mine", released=12)
    run.op("backup", 8, 9, 1)  # before it: a fail
    run.op("backup", 13, 14, 1)
    before, after = answers(Expectations(), run.done())
    assert (before.code, before.outcome, before.subject.id) == ("operation.failed", "fail", "backup-1")
    assert (after.code, after.outcome, after.subject.id) == ("operation.failed_under_left_fault", "unknown", "backup-2")
    assert after.details["fault_id"] == "fault-1"


@pytest.mark.parametrize("operation", ["validate", "restore"])
def test_an_operation_that_could_not_be_told_its_backup_is_unknown(run: Run, operation: str) -> None:
    run.op(operation, 1, 2, 1, output="no such file: ''")
    run.observe("end", 28, [], status_error="the system declares no `status` operation")
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.outcome) == ("operation.backup_unknown", "unknown")
    assert found.details["status_error"] == "the system declares no `status` operation"


def test_a_restore_that_fails_for_want_of_any_backup_is_a_fail(run: Run) -> None:
    run.op("backup", 1, 2)
    run.op("restore", 3, 4, 1, output="there is no backup")
    run.observe("end", 28, [])
    assert [f.code for f in answers(Expectations(), run.done())] == ["operation.failed", "operations.as_expected"]


def test_success_in_the_face_of_a_fault_it_met_is_a_fail(run: Run) -> None:
    run.fault(1, 2)
    run.op("backup", 1, 2, 0, expect="failure")
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.outcome, found.details["fault"]) == (
        "operation.succeeded_under_fault",
        "fail",
        "disk_full",
    )
    assert found.because == ("fault-1",)


@pytest.mark.parametrize(
    ("output", "outcome"), [("nothing to write\n", "unknown"), ("not enough space: needs 20 MB\ndone\n", "fail")]
)
def test_a_full_data_disk_that_only_the_service_met_is_not_laid_to_the_kit(run: Run, output: str, outcome: str) -> None:
    run.fault(1, 2, disk="data")  # felt: somebody said "not enough space: needs 20 MB"
    run.op("deploy", 1, 2, 0, expect="failure", output=output)
    found = only(answers(Expectations(), run.done()))
    code = "operation.succeeded_under_fault" if outcome == "fail" else "operation.fault_not_met"
    assert (found.outcome, found.code) == (outcome, code)


@pytest.mark.parametrize("name", ["cut_at", "slow_drip"])
@pytest.mark.parametrize(
    ("counts", "stored", "code", "copy"),
    [
        (True, {"two.backup": 2000}, "operations.as_expected", ""),
        (False, {"two.backup": 2000}, "operation.copy_missing", "offsite.no_copy_counts"),
        (True, {"two.backup": 1000}, "operation.copy_missing", "offsite.copy_partial"),
        (True, {}, "operation.copy_missing", "offsite.copy_missing"),
        (True, None, "operation.copy_unknown", "offsite.store_unknown"),
    ],
)
def test_an_upload_that_a_fault_lets_through_may_succeed_when_its_copy_is_really_there(
    run: Run, name: str, counts: bool, stored: dict[str, int] | None, code: str, copy: str
) -> None:
    run.fault(10, 12, link="offsite", name=name, operation="backup-1")
    run.op("backup", 9, 12, expect="failure")
    copies = [OffsiteCopy("two", "two.backup", counts, 2000)]
    artefacts = [Artefact("two", "/backup/two.backup", 2000, True)]
    run.observe("backup", 13, [], artefacts=artefacts, latest="/backup/two.backup", offsite=copies, stored=stored)
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.details.get("fault", name)) == (code, name)
    assert [c["code"] for c in found.details.get("copy", [])] == [copy] * bool(copy)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, "operation.link_not_said"),
        ({"needs_links": {"backup": ["offsite"]}}, "operation.succeeded_under_fault"),
        ({"needs_links": {"backup": []}}, "operations.as_expected"),
    ],
)
def test_where_nothing_gets_through_success_is_what_the_team_says_of_it(
    run: Run, said: dict[str, Any], code: str
) -> None:
    run.says(**said)
    run.fault(10, 12, link="offsite", operation="backup-1")
    run.op("backup", 9, 12, expect="failure")
    artefacts = [Artefact("two", "/backup/two.backup", 2000, True)]
    run.observe("backup", 13, [], artefacts=artefacts, latest="/backup/two.backup", stored={"two.backup": 2000})
    assert only(answers(Expectations(), run.done())).code == code


def test_an_upload_under_a_slow_link_that_nobody_looked_for_is_unknown(run: Run) -> None:
    run.fault(10, 12, link="offsite", name="slow_drip", operation="backup-1")
    run.op("backup", 9, 12, expect="failure")
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.outcome) == ("operation.copy_unknown", "unknown")
    assert found.details["copy"] == [{"code": "offsite.not_looked", "details": {}}]


def test_success_where_the_fault_was_not_felt_is_unknown(run: Run) -> None:
    run.fault(1, 2, felt=False)
    run.op("backup", 1, 2, 0, expect="failure")
    found = only(answers(Expectations(), run.done()))
    assert (found.code, found.outcome) == ("operation.fault_not_met", "unknown")


def test_a_run_without_operations_is_unknown_not_fine(run: Run) -> None:
    recording = run.done()
    for checker in (Expectations(), NoHang()):
        found = only(answers(checker, recording))
        assert (found.code, found.outcome) == ("operations.none", "unknown")


# -- no hang -------------------------------------------------------------------------------------------------------
def test_operations_that_end_are_no_hang(run: Run) -> None:
    run.op("backup", 1, 2)
    run.op("deploy", 3, 9, 1)
    found = only(answers(NoHang(), run.done()))
    assert (found.code, found.details["operations"]) == ("operations.ended", 2)
    assert (found.details["longest"]["id"], found.details["longest"]["seconds"]) == ("deploy-1", 6.0)


def test_a_hang_says_on_what_it_was_blocked(run: Run) -> None:
    run.op("backup", 1, 21, None, blocked_on="connect to 10.1.0.2:9000 (no answer)")
    found = only(answers(NoHang(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("operation.hung", "fail", "backup-1")
    assert (found.details["name"], found.details["last"]) == ("backup", None)
    end = found.details["end"]
    assert (end["seconds"], end["blocked_on"]) == (20.0, "connect to 10.1.0.2:9000 (no answer)")


@pytest.mark.parametrize(
    ("cpu_s", "written", "going_on"),
    [(0.0, 0, False), (0.05, 812, False), (0.1, 9_000_000, True), (4.1, None, True)],
)
def test_one_that_had_to_be_killed_is_told_with_what_it_did_at_last(
    run: Run, cpu_s: float, written: int | None, going_on: bool
) -> None:
    last = {"last_s": 5.0, "last_cpu_s": cpu_s, "last_written_bytes": written}
    run.op("backup", 1, 21, None, blocked_on="sh (pid 7) sleeping", **last)
    found = only(answers(NoHang(), run.done()))
    last = {"seconds": 5.0, "cpu_s": cpu_s, "written_bytes": written, "going_on": going_on}
    assert (found.code, found.details["last"]) == ("operation.hung", last)


def test_a_hang_while_we_stood_still_ourselves_is_unknown(run: Run) -> None:
    run.op("backup", 1, 21, None, blocked_on="connect to 10.1.0.2:9000 (no answer)")
    run.stood_still(2, 20)
    found = only(answers(NoHang(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("harness.late", "unknown", "backup-1")
    assert (found.details["who"], found.details["late_s"]) == ("harness", 18.0)


def test_a_hang_before_we_stood_still_is_a_fail_all_the_same(run: Run) -> None:
    run.op("backup", 1, 21, None)
    run.op("deploy", 22, 28, None)
    run.stood_still(23, 27)
    found = [(f.code, f.subject.id) for f in answers(NoHang(), run.done())]
    assert found == [("operation.hung", "backup-1"), ("harness.late", "deploy-1")]


# -- versions ------------------------------------------------------------------------------------------------------
def test_the_promised_version_at_exit_is_a_pass(run: Run) -> None:
    run.op("deploy", 1, 2, version_wanted="2", version_at_exit="2")
    run.op("backup", 3, 4)
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.outcome, found.details["operations"]) == ("version.as_promised", "pass", 1)


def test_a_rollback_that_exits_too_early_is_told_with_its_times(run: Run) -> None:
    run.op("rollback", 1, 1.21, version_wanted="1", version_at_exit="2", version_after_s=0.90)
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("version.not_served_at_exit", "fail", "rollback-1")
    assert (found.details["name"], found.details["end"]["seconds"]) == ("rollback", pytest.approx(0.21))
    assert [found.details[k] for k in ("version", "wanted", "later_s")] == ["2", "1", 0.9]


def test_a_kit_that_exits_0_without_doing_anything_is_told(run: Run) -> None:
    run.op("deploy", 1, 1.1, version_wanted="2", version_at_exit="1")
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.details["later_s"]) == ("version.not_served_at_exit", None)


def test_a_version_that_did_not_answer_is_unknown(run: Run) -> None:
    run.op("deploy", 1, 2, version_wanted="2", version_at_exit="")
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.outcome, found.details["operations"]) == ("version.unanswered", "unknown", ["deploy-1"])


@pytest.mark.parametrize(
    ("exit_", "version", "code", "kept"),
    [
        (1, "2", "version.changed_by_failure", 0),
        (1, "1", "version.as_promised", 2),
        (1, "", "version.unanswered", 0),
        (-9, "2", "version.as_promised", 1),
        (None, "2", "version.as_promised", 1),
    ],
    ids=["new left behind", "old kept", "did not answer", "killed: it said nothing", "hung: it said nothing"],
)
def test_a_deploy_that_says_it_failed_must_leave_the_old_version(
    run: Run, exit_: int | None, version: str, code: str, kept: int
) -> None:
    run.op("backup", 1, 2, version_wanted="1", version_at_exit="1")
    failed = run.op("deploy", 3, 4, exit_, expect="failure")
    run.recovered(4.1, failed, version=version, version_owed="1")
    found = only(answers(Versions(), run.done()))
    assert found.code == code
    if kept:
        assert (found.details["operations"], found.details["after_failures"]) == (kept, kept - 1)
    if found.outcome == "fail":
        assert found.subject.id == "deploy-1"
        assert [found.details[k] for k in ("name", "version", "before")] == ["deploy", "2", "1"]


def test_a_deployment_that_does_not_stay_is_a_fail(run: Run) -> None:
    done = run.op("deploy", 3, 4, version_wanted="2", version_at_exit="2")
    run.recovered(4.2, done, version="1", version_owed="1")
    run.observe("deploy", 5, [], version="1")
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("version.did_not_stay", "fail", "deploy-1")
    told = [found.details[k] for k in ("name", "version", "wanted", "later_s")]
    assert told == ["deploy", "1", "2", pytest.approx(0.2)]


def test_a_deployment_that_is_gone_at_the_next_read_back_is_a_fail(run: Run) -> None:
    done = run.op("deploy", 3, 4, version_wanted="2", version_at_exit="2")
    run.recovered(4.2, done, version="2", version_owed="1")
    run.observe("deploy", 5, [], version="1")
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.details["later_s"]) == ("version.did_not_stay", pytest.approx(1.2))


def test_looks_that_had_an_answer_are_counted_and_those_without_are_not(run: Run) -> None:
    done = run.op("deploy", 3, 4, version_wanted="2", version_at_exit="2")
    run.recovered(4.2, done, version="2", version_owed="1")
    run.observe("deploy", 5, [], version="")
    found = only(answers(Versions(), run.done()))
    assert (found.code, found.details["looks_after"]) == ("version.as_promised", 1)


@pytest.mark.parametrize("exit_", [0, 1, -9, None])
def test_what_another_operation_may_have_changed_is_not_laid_to_the_one_before(run: Run, exit_: int | None) -> None:
    done = run.op("deploy", 3, 4, version_wanted="2", version_at_exit="2", group=1)
    run.op("rollback", 3.5, 4.1, exit_, version_wanted="1", version_at_exit="1", group=1)
    run.recovered(4.2, done, version="1", version_owed="")
    run.observe("rollback", 5, [], version="1")
    assert only(answers(Versions(), run.done())).code == "version.as_promised"


@pytest.mark.parametrize("healed", [4.1, None])
def test_what_a_fault_of_ours_may_have_changed_is_not_laid_to_the_operation(run: Run, healed: float | None) -> None:
    run.fault(3.5, healed, link="service_green")
    done = run.op("deploy", 3, 4, version_wanted="2", version_at_exit="2")
    run.recovered(4.2, done, version="1", version_owed="1")
    assert only(answers(Versions(), run.done())).outcome == "pass"


# -- validation ----------------------------------------------------------------------------------------------------
def validated(run: Run, clean: int | None, *damaged: int | None) -> Finding:
    run.op("validate", 1, 2, clean, output="ok")
    for exit_ in damaged:
        run.op("validate", 3, 4, exit_, expect="any", warmup=True, output="ok", damaged_how="truncated")
    return only(answers(RejectsDamage(), run.done()))


def test_rejecting_the_damaged_and_accepting_the_good_is_a_pass(run: Run) -> None:
    found = validated(run, 0, 1, 2)
    assert (found.outcome, found.code) == ("pass", "validation.sound")
    assert found.details == {"damages": ["truncated"], "rejected": 2, "accepted": 1}


def test_accepting_a_damaged_backup_is_a_fail_that_names_the_damage(run: Run) -> None:
    found = validated(run, 0, 1, 0)
    assert (found.outcome, found.code, found.subject.id) == ("fail", "validation.accepted_damage", "validate-3")
    assert (found.details["damage"], found.details["end"]["line"]) == ("truncated", "ok")


def test_rejecting_an_empty_name_because_status_named_no_backup_is_unknown(run: Run) -> None:
    run.op("validate", 1, 2, 1)
    run.observe("end", 28, [], status_error="the system declares no `status` operation")
    found = only(answers(RejectsDamage(), run.done()))
    assert (found.outcome, found.code, found.details["good"]) == ("unknown", "validation.not_tried", 0)


def test_rejecting_everything_is_a_fail(run: Run) -> None:
    found = validated(run, 1, 1)
    assert (found.outcome, found.code, found.subject.id) == ("fail", "validation.rejected_good", "validate-1")


@pytest.mark.parametrize("exits", [(0,), (0, None), (None, 1)])
def test_a_validation_never_put_to_the_test_is_unknown(run: Run, exits: tuple[int | None, ...]) -> None:
    found = validated(run, *exits)
    assert (found.outcome, found.code) == ("unknown", "validation.not_tried")


def test_a_validation_that_goes_by_the_name_of_a_backup_is_unknown(run: Run) -> None:
    run.op("validate", 1, 2)
    run.op("validate", 3, 4, 1, expect="any", warmup=True, damaged_how="flipped")
    run.op("validate", 5, 6, 1, expect="any", warmup=True, put_back="flipped")
    found = only(answers(RejectsDamage(), recording := run.done()))
    assert (found.outcome, found.code, found.subject.id) == ("unknown", "validation.by_name", "validate-3")
    assert found.details["damage"] == "flipped"
    assert answers(Recovery(), recording) == []


# -- space check ---------------------------------------------------------------------------------------------------
def full(run: Run, written: int, *, injected: float = 9.9, disk: str = "backup", exit_: int = 1) -> Finding:
    run.fault(injected, 12, disk=disk)
    free = {"fault_disk": disk, "free_bytes": 9_000_000, "disk_written_bytes": written}
    run.op("backup", 10, 11, exit_, expect="failure", **free)
    return only(answers(RefusesBeforeWriting(), run.done()))


def test_refusing_before_writing_is_a_pass(run: Run) -> None:
    found = full(run, 4096)
    assert (found.outcome, found.code, found.subject.id) == ("pass", "space.refused_first", "backup-1")


@pytest.mark.parametrize(
    ("said", "code", "outcome"),
    [
        ({}, "space.check_not_said", "unknown"),
        ({"checks_space": {"backup": False}}, "space.ran_out", "note"),
        ({"checks_space": {"backup": True}}, "space.not_checked", "fail"),
    ],
)
def test_eating_the_disk_first_is_what_the_team_says_it_is(
    run: Run, said: dict[str, dict[str, bool]], code: str, outcome: str
) -> None:
    run.says(**said)
    found = full(run, 8_900_000)
    assert (found.outcome, found.code, found.subject.id) == (outcome, code, "backup-1")
    assert (found.details["written_bytes"], found.details["free_bytes"]) == (8_900_000, 9_000_000)
    assert found.details["disk"] == "backup"


def test_a_disk_that_filled_only_later_says_nothing_about_a_space_check(run: Run) -> None:
    found = full(run, 8_900_000, injected=10.5)
    assert (found.outcome, found.code) == ("unknown", "space.not_tried")


def test_the_data_disk_says_nothing_for_the_service_writes_there_too(run: Run) -> None:
    found = full(run, 8_900_000, disk="data")
    assert (found.outcome, found.code) == ("unknown", "space.not_tried")


# -- the backup a restore would use --------------------------------------------------------------------------------
GOOD = Artefact("20251123T1010", "/b/20251123T1010", 20_000_000, True, "full")
GOOD_TOO = Artefact("20251123T1014", "/b/20251123T1014", 20_300_000, True, "full")
PARTIAL = Artefact("20251123T1012", "/b/20251123T1012", 6_200_000, True, "full")


def looked_at(run: Run, *looks: tuple[list[Artefact], str]) -> Finding:
    for i, (artefacts, latest) in enumerate(looks):
        run.observe("backup", 5 + i, [], artefacts=artefacts, latest=latest)
    return only(answers(NoPartialLatest(), run.done()))


def test_backups_of_before_the_run_are_no_measure_for_those_of_the_run(run: Run) -> None:
    """The system may have held more then."""
    old = Artefact("20250101T0000", "/b/20250101T0000", 90_000_000, True, "full")
    run.observe("before", 1, [], artefacts=[old], latest=old.path)
    found = looked_at(run, ([old], old.path), ([old, GOOD], GOOD.path), ([old, GOOD, GOOD_TOO], GOOD_TOO.path))
    assert (found.outcome, found.code) == ("pass", "backup.whole_is_latest")
    assert (found.details["comparisons"], found.details["least_share"]) == (1, 0.9)


def test_a_backup_of_before_the_run_that_a_restore_would_use_is_compared_with_none(run: Run) -> None:
    run.observe("before", 1, [], artefacts=[PARTIAL], latest=PARTIAL.path)
    found = looked_at(run, ([PARTIAL, GOOD], PARTIAL.path))
    assert (found.outcome, found.code) == ("unknown", "backup.nothing_to_compare")
    look = {"read_back": "backup-look-2", "why": "from_before", "backup": "20251123T1012", "error": ""}
    assert found.details["looks"] == [look]


def test_a_partial_backup_that_is_latest_is_named_with_its_share(run: Run) -> None:
    look = ([GOOD, PARTIAL], PARTIAL.path)
    found = looked_at(run, look, look)
    assert (found.outcome, found.code, found.subject.id) == ("fail", "backup.partial_is_latest", "20251123T1012")
    assert (found.details["size_bytes"], found.details["reference"]) == (6_200_000, "20251123T1010")
    assert (found.details["reference_bytes"], found.details["share"]) == (20_000_000, 0.31)
    assert found.details["read_backs"] == ["backup-look-1", "backup-look-2"]


def test_a_partial_that_is_lying_about_but_not_latest_is_fine(run: Run) -> None:
    assert looked_at(run, ([GOOD, PARTIAL, GOOD_TOO], GOOD_TOO.path)).outcome == "pass"


def test_a_good_backup_seen_earlier_is_compared_even_when_it_is_gone(run: Run) -> None:
    assert looked_at(run, ([GOOD], GOOD.path), ([PARTIAL], PARTIAL.path)).code == "backup.partial_is_latest"


@pytest.mark.parametrize(
    ("looks", "code"),
    [
        ([([GOOD], GOOD.path)], "backup.nothing_to_compare"),
        ([([], "")], "backup.nothing_to_compare"),
        ([([GOOD], "/b/elsewhere")], "backup.latest_unknown"),
        ([], "backup.nothing_to_compare"),
    ],
)
def test_without_two_backups_to_compare_it_is_unknown(
    run: Run, looks: list[tuple[list[Artefact], str]], code: str
) -> None:
    found = looked_at(run, *looks)
    assert (found.outcome, found.code) == ("unknown", code)


def test_a_read_back_at_which_the_latest_backup_was_not_known_is_not_made_good_by_later_ones(run: Run) -> None:
    run.observe("backup", 5, [], status_error="status exited with 1")
    found = looked_at(run, ([GOOD], GOOD.path), ([GOOD, GOOD_TOO], GOOD_TOO.path))
    assert (found.outcome, found.code) == ("unknown", "backup.latest_unknown")
    look = {"read_back": "backup-look-1", "why": "status_failed", "backup": "", "error": "status exited with 1"}
    assert found.details["looks"] == [look]


def test_a_kit_that_names_no_backup_at_all_offers_no_partial_one(run: Run) -> None:
    found = looked_at(run, ([], ""), ([GOOD], GOOD.path), ([GOOD, GOOD_TOO], GOOD_TOO.path))
    assert found.outcome == "pass"


@pytest.mark.parametrize(
    ("exit_", "code"), [(None, "backup.size_differs"), (1, "backup.partial_is_latest"), (0, "backup.whole_is_latest")]
)
def test_of_a_kind_that_is_not_told_only_a_restore_says_whether_it_is_whole(
    run: Run, exit_: int | None, code: str
) -> None:
    good, small = (replace(a, kind="") for a in (GOOD, PARTIAL))
    tokens = run.writes(0, 3)
    run.op("backup", 3, 4)
    run.observe("backup", 5, tokens, artefacts=[good, small], latest=small.path)
    if exit_ is not None:
        later = run.writes(5.5, 6.5)
        run.op("restore", 7, 8, exit_, restores=True, backup=small.path, to="snapshot")
        run.observe("restore", 9, tokens, snapshot=(3, 4), artefacts=[good], latest=good.path)
        assert later
    assert code in {f.code for f in answers(NoPartialLatest(), run.done())}


@pytest.mark.parametrize(("kind", "code"), [("", "backup.size_differs"), ("full", "backup.partial_is_latest")])
def test_what_a_restore_showed_is_of_what_lay_at_its_path_then(run: Run, kind: str, code: str) -> None:
    """A kit with slots writes its third backup over the first one, which had been restored."""
    slot = replace(GOOD, name="slot-1", path="/b/1", kind="")
    other = replace(GOOD_TOO, name="slot-2", path="/b/2", kind="")
    tokens = run.writes(0, 3)
    run.op("backup", 3, 4)
    run.observe("backup", 5, tokens, artefacts=[slot, other], latest=slot.path)
    run.writes(5.5, 6.5)
    run.op("restore", 7, 8, restores=True, backup=slot.path, to="snapshot")
    run.observe("restore", 9, tokens, snapshot=(3, 4), artefacts=[slot, other], latest=slot.path)
    partial = replace(slot, size=PARTIAL.size, kind=kind)
    run.observe("backup", 11, tokens, artefacts=[partial, other], latest=partial.path)
    assert only(answers(NoPartialLatest(), run.done())).code == code


@pytest.mark.parametrize(("traces", "code"), [(True, "backup.whole_is_latest"), (False, "backup.size_differs")])
def test_a_restore_that_may_have_done_nothing_shows_no_backup_to_be_whole(run: Run, traces: bool, code: str) -> None:
    good, small = (replace(a, kind="") for a in (GOOD, PARTIAL))
    tokens = run.writes(0, 6)
    run.op("backup", 3, 4)
    run.observe("backup", 5, tokens, artefacts=[good, small], latest=small.path)
    run.op("restore", 7, 8, restores=True, backup=small.path, to="latest", left_traces=traces)
    run.observe("restore", 9, tokens, snapshot=(3, 4), artefacts=[good, small], latest=small.path)
    assert only(answers(NoPartialLatest(), run.done())).code == code


def test_a_backup_known_by_an_id_stays_the_one_that_was_restored_at_any_size(run: Run) -> None:
    """A store without copies tells what only this one holds, which changes with the others."""
    one = replace(GOOD, name="4f3c1a2b", path="4f3c1a2b")
    other = replace(GOOD_TOO, name="9d8e7f6a", path="9d8e7f6a")
    tokens = run.writes(0, 3)
    run.op("backup", 3, 4)
    run.observe("backup", 5, tokens, artefacts=[one, other], latest=one.path)
    run.writes(5.5, 6.5)
    run.op("restore", 7, 8, restores=True, backup=one.path, to="snapshot")
    run.observe("restore", 9, tokens, snapshot=(3, 4), artefacts=[one, other], latest=one.path)
    shrunk = replace(one, size=PARTIAL.size)
    run.observe("end", 11, tokens, artefacts=[shrunk, other], latest=shrunk.path)
    assert only(answers(NoPartialLatest(), run.done())).code == "backup.whole_is_latest"


def test_an_increment_is_compared_with_nothing_and_needs_its_base(run: Run) -> None:
    increment = replace(PARTIAL, kind="incremental", needs=(GOOD.name,))
    found = looked_at(run, ([GOOD, GOOD_TOO], GOOD_TOO.path), ([GOOD, increment], increment.path))
    assert (found.code, found.outcome) == ("backup.whole_is_latest", "pass")
    assert (found.details["comparisons"], found.details["increments"]) == (1, 1)


def test_an_increment_whose_base_is_gone_is_a_fail(run: Run) -> None:
    increment = replace(PARTIAL, kind="incremental", needs=("20251123T0800",))
    found = looked_at(run, ([GOOD, increment], increment.path))
    assert (found.code, found.details["missing"]) == ("backup.base_missing", ["20251123T0800"])


# -- recovery ------------------------------------------------------------------------------------------------------
def test_recovery_after_a_fault_and_a_failed_operation_is_a_pass_with_its_time(run: Run) -> None:
    run.fault(10, 12)
    failed = run.op("backup", 10, 12, 1, expect="failure")
    run.recovered(12.4, failed)
    run.op("restore", 13, 14)
    found = answers(Recovery(), run.done())
    assert [(f.code, f.subject.id) for f in found] == [
        ("service.recovered", "fault-1"),
        ("kit.works_after_fault", "fault-1"),
        ("service.recovered", "backup-1"),
    ]
    assert (found[0].details["seconds"], found[0].details["after"]) == (pytest.approx(0.4), "fault_healed")
    assert (found[1].details["fault"], found[1].details["end"]["id"]) == ("disk_full", "restore-1")


def test_a_service_that_stays_down_is_a_fail(run: Run) -> None:
    failed = run.op("deploy", 10, 12, 1)
    run.recovered(42, failed, ok=False)
    found = only(answers(Recovery(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("service.not_recovered", "fail", "deploy-1")
    assert (found.details["after"], found.details["seconds"]) == ("operation_failed", pytest.approx(30))


def test_a_recovery_slower_than_claimed_is_a_fail(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("recovery", "duration_s", 5, key="recovery_s"),))
    failed = run.op("deploy", 10, 12, 1)
    run.recovered(20, failed, began=12.1, bad=19.8)
    well, claim = answers(Recovery(), run.done())
    assert (well.code, well.details["seconds"]) == ("service.recovered", pytest.approx(8))
    assert (claim.code, claim.outcome, claim.subject.id) == ("claim.refuted", "fail", "recovery_s")
    assert (claim.details["claim"]["values"], claim.details["claim"]["broken"]) == ([pytest.approx(8)], 1)


RECOVERS = (Claim("recovery", "duration_s", 5, key="recovery_s"),)


def test_a_service_that_was_well_when_somebody_looked_at_last_breaks_no_claim(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", RECOVERS)
    run.fault(10, 12, link="offsite")
    done = run.op("deploy", 10, 24)
    run.recovered(24.15, done)
    run.op("backup", 25, 26)
    well, works = answers(Recovery(), run.done())
    assert (well.code, well.outcome) == ("service.recovery_seen_late", "unknown")
    assert works.code == "kit.works_after_fault"
    told = [well.details[k] for k in ("at_first_look", "seconds", "limit_s", "fault", "id")]
    assert told == [True, pytest.approx(12.15), 5, "partition", "fault-1"]


def test_a_service_that_was_still_bad_when_somebody_looked_too_late_breaks_its_claim(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", RECOVERS)
    run.fault(10, 12, link="offsite")
    done = run.op("deploy", 10, 24)
    run.recovered(25, done, began=24.1, bad=24.8)
    claim = next(f for f in answers(Recovery(), run.done()) if f.subject.kind == "claim")
    assert (claim.code, claim.details["claim"]["values"]) == ("claim.refuted", [pytest.approx(13)])


def test_the_time_in_which_a_fault_was_healed_is_not_laid_to_the_service(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", RECOVERS)
    failed = run.op("deploy", 10, 15, 1, expect="failure")
    run.fault(12, 21, name="monitor", operation=failed)
    run.recovered(21.2, failed)
    run.op("backup", 22, 23)
    found = answers(Recovery(), run.done())
    assert [f.outcome for f in found] == ["pass"] * 4
    assert (found[2].subject.id, found[2].details["seconds"]) == ("deploy-1", pytest.approx(0.2))
    assert found[3].details["claim"]["values"] == [pytest.approx(0.2)], "one look is one recovery"


@pytest.mark.parametrize(("bad", "outcome"), [(0, "unknown"), (11.9, "unknown"), (12.1, "pass")])
def test_a_look_that_began_before_the_heal_tells_only_what_it_saw_after_it(run: Run, bad: float, outcome: str) -> None:
    run.fault(10, 12)
    run.recovered(12.3, "backup-1", began=11, bad=bad)
    assert answers(Recovery(), run.done())[0].outcome == outcome


def test_a_service_that_was_given_no_time_after_the_heal_is_unknown(run: Run) -> None:
    failed = run.op("deploy", 10, 11, 1, expect="failure")
    run.fault(10.5, 40, operation=failed)
    run.recovered(41, failed, ok=False)
    assert [f.code for f in answers(Recovery(), run.done())] == [
        "service.recovery_not_awaited",
        "kit.not_tried_after_fault",
        "service.recovery_not_awaited",
    ]


def test_a_recovery_claimed_at_a_percentile_is_not_refuted_by_one(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", (Claim("recovery", "duration_s", 5, "p95"),))
    failed = run.op("deploy", 10, 12, 1)
    run.recovered(20, failed, began=12.1, bad=19.8)
    claim = answers(Recovery(), run.done())[-1]
    assert (claim.code, claim.outcome) == ("claim.undecided", "unknown")
    assert (claim.details["claim"]["n"], claim.details["claim"]["broken"]) == (1, 1) and claim.details["more_runs"] > 0


def test_a_recovery_while_we_stood_still_is_unknown(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", RECOVERS)
    failed = run.op("deploy", 10, 12, 1)
    run.recovered(20, failed, began=12.1, bad=19.8)
    run.stood_still(13, 17)
    found = only(answers(Recovery(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("harness.late", "unknown", "deploy-1")
    assert found.details["late_s"] == pytest.approx(3.75)


def test_a_service_that_is_down_for_less_than_its_chance_but_for_our_standstill_is_for_another_try(run: Run) -> None:
    failed = run.op("deploy", 5, 6, 1)
    run.recovered(24, failed, ok=False, began=6.1)
    run.stood_still(8, 14)
    found = only(answers(Recovery(), run.done()))
    assert (found.code, found.outcome) == ("harness.late", "unknown")


def test_a_look_that_ended_before_the_service_had_its_chance_is_not_the_standstills_doing(run: Run) -> None:
    failed = run.op("deploy", 5, 6, 1)
    run.recovered(16, failed, ok=False, began=6.1)
    run.stood_still(8, 14)
    assert only(answers(Recovery(), run.done())).code == "service.recovery_not_awaited"


def test_an_operation_that_could_not_be_told_its_backup_says_nothing_about_the_kit(run: Run) -> None:
    run.fault(10, 12)
    run.recovered(12.4, "backup-1")
    run.op("restore", 13, 14, 2, output="no such file: ''")
    run.observe("end", 28, [], status_error="the system declares no `status` operation")
    recording = run.done()
    works = next(f for f in answers(Recovery(), recording) if f.check == "kit.works_again")
    assert (works.code, works.outcome) == ("kit.excused_after_fault", "unknown")
    assert "the system declares no `status` operation" in works.details["why"]
    restorable = only(answers(Restorable(), recording))
    assert (restorable.outcome, restorable.code) == ("unknown", "backup.restorable_undecided")
    assert "the system declares no `status` operation" in only(restorable.details["tries"])["excuse"]


def test_a_kit_that_no_longer_works_after_the_fault_is_a_fail(run: Run) -> None:
    run.fault(10, 12)
    run.recovered(12.4, "backup-1")
    run.op("restore", 13, 14, 1, output="no backup")
    works = next(f for f in answers(Recovery(), run.done()) if f.check == "kit.works_again")
    assert (works.code, works.outcome) == ("kit.broken_after_fault", "fail")
    assert (works.details["to_the_end"], works.details["end"]["line"]) == (False, "no backup")


@pytest.mark.parametrize(("exit", "outcome"), [(0, "pass"), (1, "fail")])
def test_under_a_fault_that_stays_to_the_end_the_next_operation_has_to_work(run: Run, exit: int, outcome: str) -> None:
    run.says(needs_links={"deploy": []})
    run.fault(10, 25, link="offsite", to_the_end=True)
    run.op("backup", 9, 12, 1, expect="failure")
    run.op("deploy", 13, 14, exit)
    run.recovered(25.4, "the last faults were healed")
    works = next(f for f in answers(Recovery(), run.done()) if f.check == "kit.works_again")
    assert (works.outcome, works.subject.id, works.details["to_the_end"]) == (outcome, "fault-1", True)


def test_a_fault_that_stays_to_the_end_and_no_operation_after_it_came_is_unknown(run: Run) -> None:
    run.fault(10, 25, link="offsite", to_the_end=True)
    run.op("deploy", 8, 9)
    works = next(f for f in answers(Recovery(), run.done()) if f.check == "kit.works_again")
    assert (works.code, works.outcome, works.details["to_the_end"]) == ("kit.not_tried_after_fault", "unknown", True)


def test_recovery_nobody_looked_at_is_unknown(run: Run) -> None:
    run.fault(10, 12)
    found = [f.code for f in answers(Recovery(), run.done())]
    assert found == ["service.recovery_not_watched", "kit.not_tried_after_fault"]


def test_a_service_left_unhealthy_by_an_operation_that_exited_0_is_a_fail(run: Run) -> None:
    run.op("deploy", 10, 12)
    run.recovered(42.0, "deploy-1", ok=False)
    found = only(answers(Recovery(), run.done()))
    assert (found.code, found.details["after"]) == ("service.not_recovered", "operation_succeeded")


def test_with_nothing_to_recover_from_there_is_no_verdict(run: Run) -> None:
    run.op("backup", 1, 2)
    assert answers(Recovery(), run.done()) == []


# -- durations -----------------------------------------------------------------------------------------------------
CLAIM = (Claim("rollback", "duration_s", 2.0, key="rollback_s"),)


def test_durations_leave_out_warm_ups_gates_and_what_did_not_succeed(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", CLAIM)
    run.op("rollback", 0, 9, warmup=True)
    run.op("rollback", 10, 13, gate=2.0)
    run.op("rollback", 14, 19, 1)
    run.fault(20, 25)
    run.op("rollback", 21, 24)
    found = only(answers(Durations(), run.done()))
    assert (found.code, found.outcome) == ("claim.kept", "pass")
    assert (found.subject.kind, found.subject.id) == ("claim", "rollback_s")
    assert found.details["claim"]["values"] == [1.0]


def test_one_run_over_the_claim_refutes_it(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", CLAIM)
    run.op("rollback", 0, 1)
    run.op("rollback", 2, 5)
    found = only(answers(Durations(), run.done()))
    assert (found.code, found.details["claim"]["values"]) == ("claim.refuted", [1.0, 3.0])
    assert found.details["claim"]["broken_runs"] == [2]


@pytest.mark.parametrize(
    ("ends", "gaps", "outcome"),
    [
        (5.9, (), "fail"),
        (5.9, ((3.0, 4.23),), "unknown"),  # a second and a quarter between two rows, of which a quarter is usual
        (6.1, ((3.0, 4.23),), "fail"),  # more than that
        (5.9, ((3.0, 3.6), (4.2, 4.8)), "fail"),  # 0.7 s together is not enough
        (5.9, ((2.5, 3.25), (4.2, 4.95)), "unknown"),
        (5.9, ((1.2, 2.43),), "fail"),  # mostly before it began
    ],
)
def test_a_limit_that_our_own_stalls_may_have_broken_is_unknown(
    tmp_path: Path, ends: float, gaps: tuple[tuple[float, float], ...], outcome: str
) -> None:
    run = Run(tmp_path / "run", (Claim("rollback", "duration_s", 3),))
    run.op("rollback", 2, ends)
    run.done()
    times = [t for t in (n * 0.25 for n in range(120)) if not any(a < t < b for a, b in gaps)]
    times = sorted({*times, *(edge for gap in gaps for edge in gap)})
    (run.folder / "resources.jsonl").write_text("".join(f'{{"t": {run.ns(t)}}}\n' for t in times))
    recording = Recording(run.folder)
    found = only(answers(Durations(), recording))
    assert (found.outcome, found.code) == (outcome, "harness.late" if outcome == "unknown" else "claim.refuted")
    row = only([*claim_rows([found])])
    assert (row["outcome"], row["n"], row["supports"]) == (outcome, 1, "")


def test_a_claim_none_of_whose_runs_counts_is_unknown(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", CLAIM)
    run.op("rollback", 0, 1, 1)
    found = only(answers(Durations(), run.done()))
    assert (found.code, found.outcome) == ("claim.not_measured", "unknown")
    assert found.details["left_out"] == [{"reason": "failed", "count": 1}]


def test_a_claim_whose_only_run_the_harness_stood_still_in_is_for_another_try(tmp_path: Path) -> None:
    run = Run(tmp_path / "run", CLAIM)
    run.op("rollback", 0, 1, 1)
    run.op("rollback", 10, 15)
    run.stood_still(11, 14)
    found = only(answers(Durations(), run.done()))
    assert (found.code, found.outcome, found.subject.id) == ("harness.late", "unknown", "rollback_s")
    assert (found.details["who"], found.details["late_s"], found.details["claim"]["n"]) == ("harness", 3.0, 0)


@pytest.mark.parametrize("timing", [True, False])
def test_claims_about_what_this_run_does_not_measure_are_left_to_others(tmp_path: Path, timing: bool) -> None:
    run = Run(tmp_path / "run", CLAIM, timing=timing)
    run.op("backup" if timing else "rollback", 0, 1)
    assert answers(Durations(), run.done()) == []


# -- operations that only say they worked ---------------------------------------------------------------------------
@pytest.mark.parametrize(("bytes_", "outcome"), [(4096, "unknown"), (19_000_000, "pass")])
def test_times_on_hardly_any_data_prove_no_claim(tmp_path: Path, bytes_: int, outcome: str) -> None:
    run = Run(tmp_path / "run", claims=(Claim("backup", "duration_s", 5),))
    run.event("seeded", 0, asked_bytes=20_000_000, found_bytes=bytes_)
    run.op("backup", 1, 2)
    found = only(answers(Durations(), run.done()))
    assert (found.outcome, found.code) == (outcome, "claim.kept" if outcome == "pass" else "claim.too_little_data")
    if outcome == "unknown":
        assert (found.details["asked_bytes"], found.details["found_bytes"]) == (20_000_000, 4096)


def test_a_backup_that_succeeded_and_of_which_the_kit_knows_nothing_is_a_fail(run: Run) -> None:
    run.op("backup", 1, 2)
    run.observe("backup", 3, [])
    run.op("backup", 4, 5)
    run.observe("backup", 6, [], artefacts=[Artefact("1", "/b/1", 10, True)], latest="/b/1")
    unlisted, listed = answers(MadeBackup(), run.done())
    assert (unlisted.outcome, unlisted.code, unlisted.subject.id) == ("fail", "backup.not_listed", "backup-1")
    assert unlisted.details["read_back"] == "backup-look-1"
    assert (listed.code, listed.details) == ("backup.listed", {"backups": 1})


@pytest.mark.parametrize(("size", "outcome"), [(10, "unknown"), (11, "pass")])
def test_the_backups_that_an_attached_system_had_before_prove_nothing_of_what_was_made(
    run: Run, size: int, outcome: str
) -> None:
    run.observe("before", 0, [], artefacts=[Artefact("1", "/b/1", 10, True)], latest="/b/1")
    run.op("backup", 1, 2)
    run.observe("backup", 3, [], artefacts=[Artefact("1", "/b/1", size, True)], latest="/b/1")
    found = only(answers(MadeBackup(), run.done()))
    assert found.outcome == outcome
    assert found.code == ("backup.only_older_listed" if size == 10 else "backup.listed")


def test_a_kit_whose_status_says_nothing_has_no_verdict_on_the_backups_it_knows_of(run: Run) -> None:
    run.op("backup", 1, 2)
    run.observe("backup", 3, [], status_error="the system declares no `status` operation")
    assert answers(MadeBackup(), run.done()) == []


def test_a_seed_that_fails_says_nothing_about_the_kit(run: Run) -> None:
    run.op("seed", 0, 1, 1, output="seed: no such directory")
    assert only(answers(Expectations(), run.done())).code == "operations.none"
