"""PowerLoss: what a crash state shows, from what was read back of it and of the restore that followed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.checkers import standard
from harness.checkers.data.acknowledged_writes import AcknowledgedWrites
from harness.checkers.data.power_loss import PowerLoss
from harness.checkers.data.restore_exact import RestoreExact
from harness.judge.facts import faults
from harness.load.requests import payload_of
from harness.model import CrashState, Finding
from tests.unit.checkers.build import Run, answers, only

CUT = 8.0
BACKUP = "/sut/backup/1.backup"


class CrashRun(Run):
    """A run with a backup from 3 s to 4 s and a cut at 8 s. Each state is started at 20 s and restored at 21 s."""

    def __init__(self, folder: Path, **more: Any) -> None:
        super().__init__(folder, **more)
        self.tokens = self.writes(0, 12)
        self.before = self.writes_until(CUT)
        self.snapshot = self.writes_until(3)
        self.op("backup", 3, 4)

    def writes_until(self, seconds: float) -> list[str]:
        return [t for t in self.tokens if int(t[2:]) < 1000 * seconds]

    def planned(self, *labels: str, asked: int = 1, cuts: int = 1) -> None:
        self.event("power.asked", 15, about="power cut")
        numbers = [{"number": n + 1, "at_ns": self.ns(CUT), "during": "backup.copy", "record": 7} for n in range(cuts)]
        self.event("power.planned", 15, cuts=numbers, asked=asked, states=list(labels))

    def control(self, found: Sequence[str] | None = None, **crash: Any) -> None:
        self.state("control", self.writes_until(1) if found is None else found, at=1.0, cut=0, **crash)

    def state(
        self,
        label: str,
        found: Sequence[str] | None,
        *,
        at: float = CUT,
        cut: int = 1,
        operation: str = "",
        error: str = "",
        latest: str = BACKUP,
        status_error: str = "",
        snapshot: tuple[float, float] | None = None,
        not_provided: Sequence[str] = (),
        **crash: Any,
    ) -> None:
        """What was read back of a state right after its start."""
        what = CrashState(label, cut, self.ns(at), "backup.copy", operation, "0 of 3 unflushed writes kept", **crash)
        self._look(label, "", at, what, found, error, latest, status_error, snapshot, [], not_provided)

    def restored(
        self, label: str, found: Sequence[str] | None, exit: int = 0, again: int | None = None, said: str = "restored"
    ) -> None:
        """What was read back after a restore on that state; ``again``: the exit of one more backup."""
        what = CrashState(label, 1, self.ns(CUT), "backup.copy", "", "0 of 3 unflushed writes kept")
        operations = [self._ran(label, "restore", 21, exit, said, backup=BACKUP)]
        if again is not None:
            operations.append(self._ran(label, "backup", 23, again, "no room", again=True))
        self._look(f"{label}-restored", "restore", 22, what, found, "", BACKUP, "", (3, 3.1), operations)

    def _ran(self, label: str, name: str, start: float, exit: int, said: str, **told: Any) -> dict[str, Any]:
        return {
            "id": f"{label}-{name}-1",
            "name": name,
            "repeat": 0,
            "warmup": False,
            "expect": "any",
            "start_ns": self.ns(start),
            "t": self.ns(start + 0.5),
            "gate_ns": 0,
            "exit": exit,
            "output": said,
            "restores": name == "restore",
            **told,
        }

    def _look(
        self,
        label: str,
        cause: str,
        start: float,
        crash: CrashState,
        found: Sequence[str] | None,
        error: str,
        latest: str,
        status_error: str,
        snapshot: tuple[float, float] | None,
        operations: list[dict[str, Any]],
        not_provided: Sequence[str] = (),
    ) -> None:
        content = {
            "found": None if found is None else [[t, payload_of(t)] for t in found],
            "error": error,
            "not_provided": not_provided,
            "totals": {"/sum": 100.0},
            "expected_totals": {"/sum": 100.0},
            "artefacts": [],
            "latest": latest,
            "status_error": status_error,
            "version": "1",
            "snapshot_ns": [self.ns(s) for s in snapshot] if snapshot else None,
            "crash": asdict(crash),
            "operations": operations,
        }
        (self.folder / "observations" / f"{label}.json").write_text(json.dumps(content))
        self.event("observation", 25, label=label, cause=cause, start_ns=self.ns(start))

    def judged(self) -> list[Finding]:
        return answers(PowerLoss(), self.done())


def codes_of(answered: list[dict[str, Any]]) -> list[str]:
    """The codes of the answers that a finding holds."""
    return [a["code"] for a in answered]


@pytest.fixture
def run(tmp_path: Path) -> CrashRun:
    run = CrashRun(tmp_path / "run")
    run.planned("cut-1-all")
    return run


# -- what holds ----------------------------------------------------------------------------------------------------
def test_a_state_with_all_acknowledged_writes_and_a_backup_that_restores_passes(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", run.snapshot, again=0)
    found = only(run.judged())
    assert (found.outcome, found.code, found.subject.id) == ("pass", "power.survived", "cut-1-all")
    live, back = only(found.details["live"]), only(found.details["way_back"])
    assert (live["code"], live["details"]["acknowledged"]) == ("data.kept", 80)
    assert (back["code"], back["details"]["lost"]) == ("restore.exact", 50)
    assert back["details"]["lost_s"] == pytest.approx(5.0, abs=0.01)
    assert (found.details["backup"], found.details["again"], found.details["as_if"]) == ("1.backup", "backup", "")
    cut = {
        "during": "backup.copy",
        "kept": "0 of 3 unflushed writes kept",
        "hit": "",
        "acknowledged": 80,
        "newest_s": 0.098,
    }
    assert found.details["cut"] == cut


def test_a_write_under_way_at_the_cut_may_be_there_or_not(tmp_path: Path) -> None:
    for name, there in (("with", True), ("without", False)):
        run = CrashRun(tmp_path / name)
        run.write("w-under-way", 7.95, 8.05)
        run.planned("cut-1-all")
        run.control()
        run.state("cut-1-all", [*run.before, *["w-under-way"] * there])
        run.restored("cut-1-all", run.snapshot)
        assert only(run.judged()).outcome == "pass"


def test_a_run_without_power_cuts_has_no_verdict(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.observe("end", 5, run.writes(0, 4))
    assert answers(PowerLoss(), run.done()) == []


def test_a_crash_state_is_judged_by_power_loss_alone_and_that_is_in_every_run(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", [])
    run.restored("cut-1-all", [])
    recording = run.done()
    assert [*answers(AcknowledgedWrites(), recording), *answers(RestoreExact(), recording)] == []
    assert {f.outcome for f in answers(PowerLoss(), recording)} == {"fail"}
    assert any(isinstance(checker, PowerLoss) for checker in standard())


# -- what does not -------------------------------------------------------------------------------------------------
def test_a_lost_write_is_a_fail_that_names_it_and_the_way_back(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", [t for t in run.before if t != "w-007500"], hit="the blocks of data/app.db (4)")
    run.restored("cut-1-all", run.snapshot)
    found = only(run.judged())
    assert (found.outcome, found.code) == ("fail", "power.acknowledged_lost")
    assert (found.details["writes"], found.details["way_back"]) == (1, "yes")
    assert only(found.details["answers"])["details"]["tokens"] == ["w-007500"]
    assert found.details["cut"]["hit"] == "the blocks of data/app.db (4)"


def test_damage_without_a_lost_write_is_a_fail_of_its_own(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", [*run.before, run.before[0]])
    run.restored("cut-1-all", run.snapshot)
    found = only(run.judged())
    assert (found.outcome, found.code) == ("fail", "power.data_damaged")
    assert codes_of(found.details["answers"]) == ["data.duplicated"]


def test_neither_live_data_nor_a_backup_is_no_way_back(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", None, start_error="it exited with 1: malformed", error="no answer")
    run.restored("cut-1-all", None, exit=1, said="restore: failed: not a backup of this kit (0 bytes)")
    down, lost = run.judged()
    assert (down.outcome, down.code) == ("fail", "power.service_down")
    assert (down.details["error"], down.details["way_back"]) == ("it exited with 1: malformed", "no")
    assert (lost.outcome, lost.code) == ("fail", "power.backup_lost")
    assert (lost.details["backup"], lost.details["live_lost"]) == ("1.backup", True)
    assert lost.details["restore"]["line"] == "restore: failed: not a backup of this kit (0 bytes)"


def test_a_latest_backup_that_cannot_be_restored_is_a_fail_though_the_live_data_is_whole(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", None, exit=1)
    found = only(run.judged())
    assert (found.outcome, found.code) == ("fail", "power.backup_lost")
    assert (found.details["live_lost"], found.details["restore"]["exit"]) == (False, 1)


def test_a_restore_that_brings_back_only_a_part_is_a_fail(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", run.snapshot[:-5])
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["backup"]) == ("fail", "power.backup_wrong", "1.backup")
    assert only(found.details["answers"])["details"]["writes"] == 5
    assert codes_of(found.details["answers"]) == ["restore.older_lost"]


def test_a_finished_backup_that_is_gone_is_a_fail(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before, latest="")
    found = only(run.judged())
    assert (found.outcome, found.code) == ("fail", "power.backup_lost")
    assert (found.details["backup"], found.details["made"], found.details["restore"]) == ("", "backup-1", None)


def test_an_operation_that_does_not_work_any_more_is_a_fail(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", run.snapshot, again=1)
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["operation"]) == ("fail", "power.operation_broken", "backup")
    assert (found.details["end"]["id"], found.details["end"]["exit"]) == ("cut-1-all-backup-1", 1)


# -- a cut in a restore: before or after, nothing between ------------------------------------------------------------
def in_restore(tmp_path: Path, found: list[str], stop: float = 9.0) -> Finding:
    run = CrashRun(tmp_path / "run")
    run.op("restore", 7, stop, restores=True, to="snapshot")
    run.planned("cut-1-all")
    run.control()
    run.state("cut-1-all", found, operation="restore-1", snapshot=(3, 3.1))
    run.restored("cut-1-all", run.snapshot)
    return only(run.judged())


def test_a_restore_that_was_cut_off_has_not_happened_or_has(tmp_path: Path) -> None:
    old = in_restore(tmp_path / "old", [f"w-{n:06d}" for n in range(0, 8000, 100)])
    assert (old.outcome, old.details["restore"], old.details["as_if"]) == ("pass", "restore-1", "not_begun")
    new = in_restore(tmp_path / "new", [f"w-{n:06d}" for n in range(0, 3000, 100)])
    assert (new.outcome, new.details["restore"], new.details["as_if"]) == ("pass", "restore-1", "done")


def test_something_between_before_and_after_a_restore_is_a_fail(tmp_path: Path) -> None:
    found = in_restore(tmp_path, [f"w-{n:06d}" for n in range(0, 5000, 100)])
    assert (found.outcome, found.code, found.details["restore"]) == ("fail", "power.half_restored", "restore-1")
    before, after = only(found.details["before"]), found.details["after"]
    assert (before["code"], before["details"]["writes"]) == ("data.acknowledged_lost", 30)
    assert (after[0]["code"], after[0]["details"]["how"]) == ("restore.mixed", "newer_survived")
    assert after[0]["details"]["writes"] == 18


def test_after_a_restore_has_ended_only_the_snapshot_will_do(tmp_path: Path) -> None:
    after = [f"w-{n:06d}" for n in (*range(0, 3000, 100), *range(7500, 8000, 100))]
    assert in_restore(tmp_path / "new", after, stop=7.45).outcome == "pass"
    found = in_restore(tmp_path / "old", [f"w-{n:06d}" for n in range(0, 8000, 100)], stop=7.45)
    assert (found.outcome, found.code) == ("fail", "power.restored_wrong")
    assert "restore.mixed" in codes_of(found.details["answers"])


def test_what_was_written_after_the_end_of_a_restore_is_lost_by_the_cut_and_not_by_the_restore(tmp_path: Path) -> None:
    kept = [f"w-{n:06d}" for n in (*range(0, 3000, 100), *range(7500, 7800, 100))]
    found = in_restore(tmp_path, kept, stop=7.45)
    assert (found.outcome, found.code, found.details["writes"]) == ("fail", "power.acknowledged_lost", 2)


# -- what cannot be told ---------------------------------------------------------------------------------------------
def test_a_file_system_that_cannot_be_mounted_says_nothing_about_the_system(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", None, mount_error="Structure needs cleaning")
    found = only(run.judged())
    assert (found.outcome, found.code, found.matter) == ("unknown", "power.not_mounted", "host")
    assert found.details["error"] == "Structure needs cleaning"


def test_a_system_that_cannot_even_be_started_from_the_control_is_unknown_throughout(run: CrashRun) -> None:
    run.control([], start_error="no caddy")
    run.state("cut-1-all", None, start_error="no caddy")
    run.restored("cut-1-all", None, exit=1)
    control, state = run.judged()
    assert control.outcome == state.outcome == "unknown"
    assert (control.code, control.subject.id, control.details["error"]) == (
        "power.control_failed",
        "control",
        "no caddy",
    )
    assert (state.code, state.because) == ("power.not_judged", (control.id,))
    assert codes_of(state.details["seen"]) == ["power.service_down", "power.backup_lost"]


def test_a_control_that_lacks_an_acknowledged_write_is_no_control(run: CrashRun) -> None:
    run.control(["w-000000"])
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", run.snapshot)
    assert [v.outcome for v in run.judged()] == ["unknown", "unknown"]


def test_the_control_owes_nothing_that_was_acknowledged_while_it_was_flushed(run: CrashRun) -> None:
    """A kit that answers before it has synced is red for its cut states, and no reason to judge none of them."""
    run.control(run.writes_until(1)[:-1], owed_ns=run.ns(0.8))
    run.state("cut-1-all", run.before[:-20])
    run.restored("cut-1-all", run.snapshot)
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["writes"]) == ("fail", "power.acknowledged_lost", 20)


def test_states_that_were_planned_and_are_missing_are_unknown(run: CrashRun) -> None:
    run.control()
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["why"]) == ("unknown", "power.not_examined", "")


def test_a_state_that_could_not_be_examined_is_unknown(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before)
    run.event("power.broken", 24, label="cut-1-all", why="still busy after 60 s")
    found = only(run.judged())
    assert (found.outcome, found.code, found.matter) == ("unknown", "power.not_examined", "harness")
    assert found.details["why"] == "still busy after 60 s"


def test_a_cut_that_found_nothing_to_be_made_at_is_unknown(tmp_path: Path) -> None:
    run = CrashRun(tmp_path / "none")
    run.planned(cuts=0)
    run.control()
    assert only(run.judged()).code == "power.not_cut"
    run = CrashRun(tmp_path / "few")
    run.planned("cut-1-all", asked=20)
    run.control()
    run.state("cut-1-all", run.before)
    run.restored("cut-1-all", run.snapshot)
    state, fewer = run.judged()
    assert (state.outcome, fewer.outcome) == ("pass", "unknown")
    assert (fewer.code, fewer.details) == ("power.fewer_cuts", {"made": 1, "asked": 20})


def test_power_that_was_to_be_cut_and_never_was_is_unknown(tmp_path: Path) -> None:
    run = CrashRun(tmp_path / "run")
    run.event("power.asked", 15, about="power cut")
    assert only(run.judged()).outcome == "unknown"


def test_a_system_that_does_not_say_which_backups_it_has_is_unknown(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before, latest="", status_error="no `status`", not_provided=["status"])
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["why"]) == ("unknown", "power.backup_undecided", "no_status")


def test_a_status_that_breaks_on_what_a_cut_left_is_a_fail(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", run.before, latest="", status_error="status exited with 1: JSONDecodeError")
    found = only(run.judged())
    assert (found.outcome, found.code) == ("fail", "power.status_broken")
    assert found.details["error"] == "status exited with 1: JSONDecodeError"


# -- in the report ---------------------------------------------------------------------------------------------------
def test_a_cut_is_a_fault_of_one_moment_that_bit_when_a_state_of_it_was_started(tmp_path: Path) -> None:
    for error, start_error, felt in (
        ("", "", True),
        ("", "the service exited with 1", True),
        ("Structure needs cleaning", "it never came that far", False),
    ):
        run = CrashRun(tmp_path / f"run-{error}-{start_error}")
        run.event("power.planned", 15, cuts=[{"number": 1, "at_ns": run.ns(CUT), "during": "backup.copy", "record": 7}])
        errors = {"mount_error": error, "start_error": start_error}
        run.state("cut-1-all", None, **errors, hit="the blocks of data/app.db (4)")
        (row,) = faults(run.done())
        assert (row["id"], row["name"], row["at"], row["felt"]) == ("cut-1", "power_loss", "backup.copy", felt)
        assert row["injected_s"] == row["healed_s"]
        assert row["said"] == (
            f"of 1 states it may have left {int(felt)} could be mounted, {int(not start_error)} started, "
            "it hit the blocks of data/app.db (4)"
        )


def test_an_observation_of_a_crash_state_knows_nothing_that_came_after_the_cut(tmp_path: Path) -> None:
    run = CrashRun(tmp_path / "run")
    run.write("w-under-way", 7.95, 8.05)
    run.op("deploy", 7, 9)
    run.op("rollback", 9, 10)
    run.observe("deploy", 7.5, run.tokens[:70])
    run.observe("rollback", 11, run.tokens[:100])
    run.state("cut-1-all", run.before)
    look = run.done().observations[-1]
    assert [o.label for o in look.earlier] == ["deploy-look-1"]
    assert [(o.id, o.exit) for o in look.operations] == [("backup-1", 0), ("deploy-1", None)]
    assert {w.token: w.outcome for w in look.writes}["w-under-way"] == "indeterminate"
    assert max(w.sent_ns for w in look.writes) <= run.ns(CUT)


def test_a_block_log_that_lost_a_write_makes_everything_unknown(run: CrashRun) -> None:
    run.control()
    run.state("cut-1-all", [])
    run.event("power.unsound", 15, why="the block log lost writes: 2 blocks of the disk are not what it says")
    found = only(run.judged())
    assert (found.outcome, found.code) == ("unknown", "power.log_unsound")


def test_a_status_that_fails_without_a_cut_too_says_nothing_of_the_cut(run: CrashRun) -> None:
    """As of one that asks a store, which is not there when the system is started from its disk alone."""
    run.control(status_error="status exited with 1: no route to the store")
    run.state("cut-1-all", run.before, latest="", status_error="status exited with 1: no route to the store")
    found = only(run.judged())
    assert (found.outcome, found.code, found.details["why"]) == (
        "unknown",
        "power.backup_undecided",
        "status_needs_more",
    )
