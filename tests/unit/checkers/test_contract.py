"""The contract of a system.toml: what a run shows of each operation is ok, wrong, not provided or not seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.contract import Contract
from harness.checkers.contract.service import traffic
from harness.checkers.core.codes import code_of
from harness.checkers.core.sentences import with_sentence
from harness.errors import ExitCode
from harness.model import Artefact, Finding, merged
from tests.unit.checkers.build import Run, answers

SAID = {"version": "1"}


def artefact(number: int) -> Artefact:
    return Artefact(f"{number}.db", f"/b/{number}.db", 100, True)


class Verified(Run):
    """A run of `verify` on a system that keeps its contract; each ``but`` is one thing that went otherwise."""

    def __init__(self, folder: Path, **but: Any) -> None:
        super().__init__(folder)
        self.but = but
        plan = {**json.loads((folder / "run.json").read_text()), "plan": {"size_bytes": 20_000_000}}
        (folder / "run.json").write_text(json.dumps(plan))

    def told(self) -> list[Finding]:
        but = self.but.get
        self.event("system.up", -2, version="1", seconds=0.5, health=but("health", ""), ready="", data_bytes=20_000_000)
        self.load(*but("bad", ()))
        self._sampled.clear()  # the ledger of this run is written below, write by write
        tokens = self.writes(0.1, 20.0)
        self.looked("start", 1.0, but("first", [t for t in tokens if t < "w-001000"]), [])
        backups = [artefact(1)] if but("fresh", True) else []
        self.operation("backup", 2.0, 2.5)
        self.looked("backup", 2.6, [t for t in tokens if t < "w-002600"], backups, files=but("files"))
        self.operation("validate", 3.0, 3.2, backup="/b/1.db")
        for number, mutation in enumerate(("truncated", "flipped", "empty")):
            accepted = mutation == but("accepts")
            start = 3.3 + number / 10
            self.op("validate", start, start + 0.05, 0 if accepted else 1, expect="any", damaged_how=mutation)
        self.operation("deploy", 5.0, 6.0, version_wanted="2", **but("deploy_said", {"version_at_exit": "2"}))
        deployed = [t for t in tokens if t < "w-006200"]
        self.looked("deploy", 6.2, but("deployed", deployed), backups, version="2")
        self.operation("rollback", 8.0, 9.0, version_wanted="1", version_at_exit="1")
        kept = [t for t in tokens if t < "w-009200"]
        self.looked("rollback", 9.2, but("rolled_back", kept), backups)
        self.operation("restore", 11.0, 11.5, backup="/b/1.db", **but("restore_said", {}))
        restored = [t for t in tokens if t < "w-002100" or "w-011600" <= t < "w-012000"]
        self.looked("restore", 12.0, but("restored", restored), backups, snapshot=(2.0, 2.2))
        end = [t for t in tokens if t < "w-002100" or t >= "w-011600"]
        self.looked("end", 31.0, end, backups)
        self.event("service.stopped", 32, still_answers=but("still_answers", ""))
        for what, fields in but("events", ()):
            self.event(what, 32.5, **fields)
        if "restart_fails" not in self.but:
            self.event("service.restarted", 33, version="1", seconds=0.4)
            self.looked("restart", 33.5, but("restarted", end), backups)
        return answers(Contract(), self.done())

    def operation(self, name: str, start: float, stop: float, **attributes: Any) -> None:
        if name == self.but.get("lacks"):
            self.event("not_provided", start, operation=name)
            return
        exit_, said = self.but.get("ends", {}).get(name, (0, f"{name}: done"))
        self.op(name, start, stop, exit_, output=said, **(attributes if exit_ == 0 else {}))

    def looked(
        self,
        cause: str,
        start: float,
        found: list[str] | None,
        backups: list[Artefact],
        files: dict[str, int | None] | None = None,
        **more: Any,
    ) -> None:
        error = self.but.get("status_error", "")
        shown = [] if error else backups
        more = {"version": "1", **more, "status_error": error, "artefacts": shown}
        label = self.observe(cause, start, found, latest=shown[-1].path if shown else "", said=SAID, **more)
        event = json.loads(self._events[-1])
        assert event["label"] == label
        held = {a.path: 100 for a in shown} if files is None else files
        self._events[-1] = json.dumps({**event, "backup_files": held})


Told = Callable[..., dict[str, list[Finding]]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """The findings by what they are about."""

    def of(**but: Any) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = {}
        for finding in Verified(tmp_path / "run", **but).told():
            found.setdefault(finding.subject.id, []).append(finding)
        return found

    return of


def test_a_system_that_keeps_its_contract_has_nothing_to_put_right(told: Told) -> None:
    found = told()
    assert {f.code for of_one in found.values() for f in of_one if f.outcome not in ("pass", "note")} == set()
    operations = {"backup", "validate", "deploy", "rollback", "restore", "status"}
    assert operations | {"load.read_back", "stop and start", "service.start", "service.version"} <= set(found)
    (moved,), (made,), (status,) = found["deploy"], found["backup"], found["status"]
    assert (status.details["latest"], status.details["backups"]) == ("1.db", 1)
    assert (moved.code, moved.details["before"], moved.details["after"]) == ("contract.version_moved", "1", "2")
    assert (made.code, made.details["backup"], made.details["held_bytes"]) == ("contract.backup_made", "1.db", 100)


@pytest.mark.parametrize(
    ("but", "about", "code", "details"),
    [
        ({"health": "HTTP 404: no"}, "service.health", "contract.probe_wrong", {"answer": "HTTP 404: no"}),
        ({"ends": {"backup": (1, "backup: no bucket")}}, "backup", "contract.operation_failed", {}),
        ({"ends": {"restore": (None, "")}}, "restore", "contract.operation_failed", {}),
        ({"fresh": False}, "backup", "contract.no_new_backup", {}),
        ({"files": {}}, "backup", "contract.backup_file_missing", {"path": "/b/1.db", "empty": False}),
        ({"files": {"/b/1.db": 0}}, "backup", "contract.backup_file_missing", {"path": "/b/1.db", "empty": True}),
        ({"accepts": "flipped"}, "validate", "validation.accepted_damage", {"damage": "flipped"}),
        (
            {"deploy_said": {"version_at_exit": "1", "version_after_s": 0.4}},
            "deploy",
            "contract.version_late",
            {"told": "1", "wanted": "2", "late_s": 0.4},
        ),
        ({"deployed": []}, "deploy", "data.acknowledged_lost", {}),
        ({"rolled_back": []}, "rollback", "data.acknowledged_lost", {}),
        ({"restored": []}, "restore", "restore.older_lost", {}),
        ({"first": ["x-1"]}, "load.read_back", "contract.foreign_entries", {"acknowledged": 9, "entries": 1}),
        ({"status_error": "status exited with 1: no"}, "status", "contract.status_failed", {}),
        ({"still_answers": "HTTP 200: hello"}, "stop and start", "contract.still_answers", {}),
        ({"restarted": ["w-000100"]}, "stop and start", "contract.restart_lost", {}),
        (
            {"bad": [(0.0, 31.0, "http_error", 404, ("load",))]},
            "load write",
            "contract.request_failed",
            {"mostly": "HTTP 404"},
        ),
    ],
)
def test_what_breaks_the_contract_is_wrong_and_says_what_to_try(
    but: dict[str, Any], about: str, code: str, details: dict[str, Any], told: Told
) -> None:
    wrong = [with_sentence(f) for f in told(**but)[about] if f.outcome == "fail"]
    assert (wrong[0].code, all(f.hint for f in wrong)) == (code, True)
    assert {key: wrong[0].details[key] for key in details} == details


@pytest.mark.parametrize(
    ("outcome", "status", "key", "not_key"),
    [("timeout", 0, "deadline_ms", "headers"), ("http_error", 401, "headers", "deadline_ms")],
)
def test_a_request_that_is_turned_away_names_the_key_that_mends_it(
    told: Told, outcome: str, status: int, key: str, not_key: str
) -> None:
    (found,) = told(bad=[(0.0, 31.0, outcome, status, ("load",))])["load write"]
    assert (found.code, found.details["late"]) == ("contract.request_refused", outcome == "timeout")
    hint = with_sentence(found).hint
    assert key in hint and not_key not in hint


@pytest.mark.parametrize(
    ("operating", "code"), [((2, 25), "contract.request_answered"), ((20, 25), "contract.request_often_failed")]
)
def test_what_is_not_answered_in_an_operation_is_no_matter_of_the_request(
    tmp_path: Path, operating: tuple[float, float], code: str
) -> None:
    run = Run(tmp_path / "run")
    run.op("deploy", *operating)
    run.load((2.5, 24.0, "refused", 0, ("load",)))
    assert {code_of(type(details)).name for _, details in traffic(run.done())} == {code}


def test_a_restore_that_leaves_all_as_it_was_and_no_trace_is_not_verified(tmp_path: Path) -> None:
    """It says where it ends: at the last commit, as one that does nothing does."""
    there = [f"w-{ms:06d}" for ms in range(100, 12000, 100)]
    run = Verified(tmp_path / "run", restore_said={"to": "latest", "left_traces": False}, restored=there)
    (found,) = [f for f in run.told() if f.subject.id == "restore"]
    assert found.code == "restore.left_no_traces"


@pytest.mark.parametrize("name", ["backup", "validate", "deploy", "rollback", "restore"])
def test_an_operation_that_is_left_out_is_noted_and_breaks_no_promise(name: str, tmp_path: Path) -> None:
    run = Verified(tmp_path / "run", lacks=name)
    (found,) = [f for f in run.told() if f.subject.id == name]
    assert (found.code, found.outcome, found.details) == ("contract.not_provided", "note", {"operation": name})


def test_a_service_that_cannot_be_started_again_is_wrong_by_its_own_words(told: Told) -> None:
    error = {"text": "start the service of x: it exited with 3", "hint": "by hand", "code": int(ExitCode.UNKNOWN)}
    (found,) = told(restart_fails=True, events=[("error", error)])["stop and start"]
    assert (found.code, found.details) == ("contract.broken_off", {"error": error["text"], "advice": "by hand"})


@pytest.mark.parametrize(
    ("code", "matter"), [(ExitCode.OUR_BUG, "system"), (ExitCode.UNKNOWN, "load"), (ExitCode.UNKNOWN, "harness")]
)
def test_a_run_that_broke_for_our_own_sake_accuses_nobody(code: ExitCode, matter: str, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.event("error", 1, text="KeyError: 'x'", hint="", code=int(code), matter=matter)
    (found,) = answers(Contract(), run.done())
    assert (found.outcome, found.code) == ("unknown", "contract.broken_off_elsewhere")


def test_a_load_that_never_was_steady_ends_the_list_with_what_it_got(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.event("system.up", -2, version="1", seconds=0.5, health="", ready="", data_bytes=1)
    run.load(steady=False)
    told = {f.subject.id: f for f in answers(Contract(), run.done())}
    assert told["load.requests"].code == "contract.load_not_steady"
    assert "backup" not in told


def test_a_stop_and_start_under_load_is_a_note_and_no_verdict(tmp_path: Path) -> None:
    run = Verified(tmp_path / "run", bad=[(5.2, 5.8, "refused", 0, ())])
    found = run.told()
    (note,) = [f for f in found if f.subject.id == "downtime"]
    assert (note.code, note.outcome, note.details["bad"] > 0) == ("contract.downtime_seen", "note", True)
    assert merged([f.outcome for f in found]) == "pass"


def test_the_phases_a_kit_marks_are_told_and_one_without_an_end_is_wrong(tmp_path: Path) -> None:
    run = Verified(tmp_path / "run")
    run.phase("backup-1", "backup.copy", 2.1, 2.3)
    run.phase("deploy-1", "deploy.switch", 5.5, None)
    told = [f for f in run.told() if f.subject.id.startswith("phases")]
    assert [(f.code, f.subject.id) for f in told] == [
        ("contract.phases_marked", "phases backup"),
        ("contract.phases_marked", "phases deploy"),
        ("contract.phase_not_ended", "phases deploy"),
    ]
    assert told[2].details == {"operation": "deploy-1", "phase": "deploy.switch"}
