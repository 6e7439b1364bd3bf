"""The contract of a system.toml: what a run shows of each operation is ok, wrong, not provided or not seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.checkers.contract import Contract, lines
from harness.checkers.contract.line import Line
from harness.errors import ExitCode
from harness.model import Artefact
from tests.unit.checkers.build import Run

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

    def told(self) -> list[Line]:
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
        self.operation("restore", 11.0, 11.5, backup="/b/1.db")
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
        return lines(self.done())

    def operation(self, name: str, start: float, stop: float, **attributes: str) -> None:
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


Told = Callable[..., dict[str, Line]]


@pytest.fixture
def told(tmp_path: Path) -> Told:
    """The lines by what they are about, of which the worst counts."""

    def of(**but: Any) -> dict[str, Line]:
        found: dict[str, Line] = {}
        for line in Verified(tmp_path / "run", **but).told():
            if line.about not in found or line.mark == "wrong":
                found[line.about] = line
        return found

    return of


def test_a_system_that_keeps_its_contract_has_nothing_to_put_right(told: Told) -> None:
    found = told()
    assert {about for about, line in found.items() if line.mark not in ("ok", "note")} == set()
    operations = {"backup", "validate", "deploy", "rollback", "restore", "status"}
    assert operations | {"load.read_back", "stop and start", "service.start", "service.version"} <= set(found)
    assert "from '1' to '2'" in found["deploy"].said
    assert "status names 1.db, 100 bytes on the disk" in found["backup"].said


@pytest.mark.parametrize(
    ("but", "about", "said"),
    [
        ({"health": "HTTP 404: no"}, "service.health", "answered HTTP 404"),
        ({"ends": {"backup": (1, "backup: no bucket")}}, "backup", "it said: backup: no bucket"),
        ({"ends": {"restore": (None, "")}}, "restore", "restore-1 had not ended after"),
        ({"fresh": False}, "backup", "status names no backup that was not there before"),
        ({"files": {}}, "backup", "/b/1.db, which status names, does not exist"),
        ({"files": {"/b/1.db": 0}}, "backup", "/b/1.db, which status names, is empty"),
        ({"accepts": "flipped"}, "validate", "accepted a backup that was flipped"),
        (
            {"deploy_said": {"version_at_exit": "1", "version_after_s": 0.4}},
            "deploy",
            "while /version said '1', not '2', and said so 0.40 s later",
        ),
        ({"deployed": []}, "deploy", "acknowledged writes lost after deploy-1"),
        ({"rolled_back": []}, "rollback", "acknowledged writes lost after rollback-1"),
        ({"restored": []}, "restore", "writes older than the backup missing"),
        ({"first": ["x-1"]}, "load.read_back", "none of 9 acknowledged writes is among the 1 entries it gave"),
        ({"status_error": "status exited with 1: no"}, "status", "status exited with 1: no"),
        ({"still_answers": "HTTP 200: hello"}, "stop and start", "its address still answered: HTTP 200"),
        ({"restarted": ["w-000100"]}, "stop and start", "entries are gone after it"),
        ({"bad": [(0.0, 31.0, "http_error", 404, ("load",))]}, "load write", "(mostly: HTTP 404)"),
    ],
)
def test_what_breaks_the_contract_is_wrong_and_says_what_to_try(
    but: dict[str, Any], about: str, said: str, told: Told
) -> None:
    line = told(**but)[about]
    assert (line.mark, bool(line.hint)) == ("wrong", True), line
    assert said in line.said


@pytest.mark.parametrize("name", ["backup", "validate", "deploy", "rollback", "restore"])
def test_an_operation_that_is_left_out_is_not_provided_and_so_no_pass(name: str, tmp_path: Path) -> None:
    run = Verified(tmp_path / "run", lacks=name)
    (line,) = [line for line in run.told() if line.about == name]
    assert (line.mark, line.hint) == ("not provided", f"add [operations.{name}] to the system.toml")
    verdicts = {v.about: v.outcome for v in Contract().check(run.done())}
    assert verdicts[name] == "unknown"


def test_a_service_that_cannot_be_started_again_is_wrong_by_its_own_words(told: Told) -> None:
    error = {"text": "start the service of x: it exited with 3", "hint": "by hand", "code": int(ExitCode.UNKNOWN)}
    line = told(restart_fails=True, events=[("error", error)])["stop and start"]
    assert (line.mark, line.said, line.hint) == ("wrong", error["text"], "by hand")


def test_a_run_that_broke_for_our_own_sake_accuses_nobody(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.event("error", 1, text="KeyError: 'x'", hint="", code=int(ExitCode.OUR_BUG))
    (line,) = lines(run.done())
    assert (line.mark, line.said) == ("not seen", "KeyError: 'x'")


def test_a_load_that_never_was_steady_ends_the_list_with_what_it_got(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.event("system.up", -2, version="1", seconds=0.5, health="", ready="", data_bytes=1)
    run.load(steady=False)
    told = {line.about: line for line in lines(run.done())}
    assert told["load.requests"].mark == "wrong"
    assert "backup" not in told


def test_a_stop_and_start_under_load_is_a_note_and_no_verdict(tmp_path: Path) -> None:
    run = Verified(tmp_path / "run", bad=[(5.2, 5.8, "refused", 0, ())])
    (note,) = [line for line in run.told() if line.about == "downtime"]
    assert note.mark == "note" and "bad_requests" in note.hint
    assert {v.outcome for v in Contract().check(run.done())} == {"pass"}


def test_the_phases_a_kit_marks_are_told_and_one_without_an_end_is_wrong(tmp_path: Path) -> None:
    run = Verified(tmp_path / "run")
    run.phase("backup-1", "backup.copy", 2.1, 2.3)
    run.phase("deploy-1", "deploy.switch", 5.5, None)
    told = [line for line in run.told() if line.about.startswith("phases")]
    assert [(line.mark, line.about) for line in told] == [
        ("note", "phases backup"),
        ("note", "phases deploy"),
        ("wrong", "phases deploy"),
    ]
    assert "deploy-1 marked the start of deploy.switch and no stop" in told[2].said
