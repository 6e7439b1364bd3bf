"""A run passes only when everything planned was done and somebody judged it, whatever its checkers return."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest

from harness.checkers import standard
from harness.checkers.core.codes import Details, code, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.validity.load_sound import LoadSound
from harness.errors import ExitCode
from harness.host.clock import now
from harness.judge.claims import JUDGES
from harness.judge.judge import judge_by
from harness.judged.judged_run import JudgedRun
from harness.model import NS, Claim, Finding, Result, Subject
from harness.plan import Plan, Step
from harness.report.documents.derived import run_seconds
from harness.report.documents.result import to_document
from tests.unit.checkers.build import Run

pytestmark = pytest.mark.usefixtures("clock")


@code("test.fine", "pass", title="It was fine", sentence="it was fine", meaning="What the test wants.")
class Fine(Details):
    pass


@code("test.broken", "fail", title="It was broken", sentence="it was broken", meaning="What the test wants.")
class Broken(Details):
    pass


@code("test.not_seen", "unknown", title="It was not seen", sentence="it was not seen", meaning="What the test wants.")
class NotSeen(Details):
    pass


@code("test.foreign", "pass", title="It is another's", sentence="it is another's", meaning="Not declared by Saying.")
class Foreign(Details):
    pass


def answer(details: Details) -> Finding:
    return finding("test.question", Subject("run", "all"), details)


@dataclass(frozen=True)
class Saying(Checker):
    """A checker that returns whatever it was told to."""

    what: Any
    name: ClassVar[str] = "saying"
    codes: ClassVar = (Fine, Broken, NotSeen)

    def check(self, run: JudgedRun) -> Iterable[Finding]:
        said: Iterable[Finding] = self.what
        return said


@dataclass(frozen=True)
class Leaving(Checker):
    """A checker that ends the process, as a `main()` called by mistake would."""

    error: BaseException
    name: ClassVar[str] = "leaving"
    codes: ClassVar = ()

    def check(self, run: JudgedRun) -> Iterable[Finding]:
        raise self.error


GOOD = Saying([answer(Fine())])


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "run")
    run.load()
    return run


def judged(
    run: Run,
    *checkers: Checker,
    steps: tuple[Step, ...] = (),
    repeat: int = 1,
    warmup: int = 0,
    waives: tuple[dict[str, str], ...] = (),
) -> Result:
    plan = Plan(
        *("cell", "tiny/system.toml", "tiny", (), "scenario", "cell", 1, 1000, repeat, warmup, 1, "root"),
        *("/mnt", 8080, "python", True),
        steps=steps,
    )
    file = run.folder / "run.json"
    about = {"plan": plan.to_dict(), "host": {}, "provenance": {}, "waives": waives, "title": "", "reproduce": ""}
    file.write_text(json.dumps({**json.loads(file.read_text()), **about}))
    run.done()
    return judge_by(run.folder, checkers)


def unknowns(result: Result) -> dict[str, Mapping[str, Any]]:
    """The details of what is unknown, by its code."""
    return {f.code: f.details for f in result.findings if f.outcome == "unknown"}


def test_a_run_that_was_done_and_judged_passes(run: Run) -> None:
    run.op("backup", 1, 2)
    assert judged(run, GOOD, steps=(Step("backup"),)).outcome == "pass"


def test_a_result_says_how_long_the_run_took_with_what_came_after_its_operations(run: Run) -> None:
    run.op("backup", 1, 2)
    run.event("power.state", 80, label="cut-1-all", build_ms=1, seconds=2.0)
    document = to_document(judged(run, GOOD, steps=(Step("backup"),)))
    assert run_seconds(document) == document["provenance"]["seconds"] == pytest.approx(80)


def test_a_run_no_checker_said_anything_about_is_unknown(run: Run) -> None:
    result = judged(run, Saying([]))
    assert result.outcome == "unknown"
    assert unknowns(result) == {"checker.none": {}}


def test_a_fail_that_a_checker_yields_instead_of_returning_it_counts(run: Run) -> None:
    def failing() -> Iterator[Finding]:
        yield answer(Broken())

    assert judged(run, GOOD, Saying(failing())).outcome == "fail"


@pytest.mark.parametrize(
    ("what", "named"),
    [("pass", "a str"), (None, "a NoneType"), (1, "an? int"), (answer(Foreign()), answer(Foreign()).code)],
    ids=["a word", "none", "a number", "a foreign code"],
)
def test_what_is_no_finding_of_a_declared_code_is_unknown(run: Run, what: Any, named: str) -> None:
    result = judged(run, GOOD, Saying([what]))
    assert result.outcome == "unknown"
    crashed = unknowns(result)["checker.crashed"]
    assert crashed["checker"] == "saying"
    assert re.search(named, crashed["error"])


def test_an_operation_the_system_does_not_provide_is_unknown(run: Run) -> None:
    run.op("backup", 1, 2)
    run.event("not_provided", 3, operation="restore")
    result = judged(run, GOOD, steps=(Step("backup"), Step("restore")))
    assert result.outcome == "unknown"
    assert unknowns(result) == {"plan.not_provided": {"operation": "restore"}}


def test_rounds_that_were_not_run_are_unknown(run: Run) -> None:
    run.op("backup", 1, 2, warmup=True)
    run.op("backup", 3, 4)
    result = judged(run, GOOD, steps=(Step("backup"),), repeat=5, warmup=1)
    assert result.outcome == "unknown"
    assert unknowns(result)["plan.steps_missing"]["steps"] == [{"operation": "backup", "done": 2, "planned": 6}]


def test_links_that_were_not_laid_are_unknown(run: Run) -> None:
    run.event("left_out", 3, what="links: offsite", why="without namespaces there is no far side")
    result = judged(run, GOOD)
    assert result.outcome == "unknown"
    assert unknowns(result)["plan.left_out"]["why"] == "without namespaces there is no far side"


def test_a_recording_that_can_be_read_in_part_only_is_unknown(run: Run) -> None:
    run.event("observation", 3, label="torn", cause="deploy", start_ns=1)
    (run.folder / "observations" / "torn.json").write_text('{"found": [["t')
    result = judged(run, GOOD)
    assert result.outcome == "unknown"
    assert "recording.unreadable" in unknowns(result)


def test_an_island_that_never_got_anywhere_says_in_its_own_words_why(tmp_path: Path) -> None:
    plan = Plan(
        *("cell", "tiny/system.toml", "tiny", (), "scenario", "cell", 1, 1000, 1, 0, 1, "user"),
        *("/mnt", 8080, "python", True),
    )
    about = {"plan": plan.to_dict(), "host": {}, "provenance": {}, "waives": [], "title": "", "reproduce": ""}
    (tmp_path / "run.json").write_text(json.dumps(about))
    (tmp_path / "island.log").write_text("noise\nunshare: failed to execute /opt/python: Permission denied\n")
    result = judge_by(tmp_path, [GOOD])
    assert result.outcome == "unknown"
    said = "unshare: failed to execute /opt/python: Permission denied"
    assert unknowns(result)["run.silent"] == {"file": "island.log", "said": said}


@pytest.mark.parametrize(
    ("matter", "code", "root"),
    [
        ("system", ExitCode.UNKNOWN, "run.broken_off"),
        ("harness", ExitCode.OUR_BUG, "run.broken_off_elsewhere"),
        ("host", ExitCode.HOST_CANNOT, "run.broken_off_elsewhere"),
    ],
)
def test_what_never_came_in_a_run_that_was_broken_off_has_that_as_its_cause(
    run: Run, matter: str, code: ExitCode, root: str
) -> None:
    run.event("error", 3, text="start the service: it exited with 1", hint="", code=int(code), matter=matter)
    result = judged(run, GOOD, steps=(Step("backup"),))
    found = {f.code: f for f in result.findings}
    assert found[root].details == {"error": "start the service: it exited with 1", "advice": ""}
    assert found[root].because == ()
    assert found["plan.steps_missing"].because == (root,)


def test_a_load_that_never_became_steady_is_the_cause_of_what_it_broke_off(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.load(steady=False)
    run.event("error", 3, text="load tiny: 12 of 50", hint="", code=int(ExitCode.UNKNOWN), matter="load")
    result = judged(run, GOOD, steps=(Step("backup"),))
    found = {f.code: f for f in result.findings}
    assert found["load.not_steady"].because == ()
    assert found["run.broken_off_elsewhere"].because == found["plan.steps_missing"].because == ("load.not_steady",)


@pytest.mark.parametrize("error", [SystemExit(0), pytest.fail.Exception("no"), ValueError("no")], ids=repr)
def test_a_checker_that_leaves_in_any_way_is_unknown(run: Run, error: BaseException) -> None:
    result = judged(run, GOOD, Leaving(error))
    assert result.outcome == "unknown"
    crashed = unknowns(result)["checker.crashed"]
    assert crashed["checker"] == "leaving"
    assert re.search(r"\(test_judge.py:\d+\)$", crashed["error"])  # where it left


def test_a_person_who_interrupts_the_judging_is_not_a_checker_that_crashed(run: Run) -> None:
    with pytest.raises(KeyboardInterrupt):
        judged(run, GOOD, Leaving(KeyboardInterrupt()))


def test_a_load_that_was_none_is_unknown_whatever_the_scenario_lists(tmp_path: Path) -> None:
    run = Run(tmp_path / "unsteady")
    run.load(steady=False)
    result = judged(run, GOOD)
    assert result.outcome == "unknown"
    assert "load.not_steady" in unknowns(result)


def test_a_fault_that_never_fired_is_unknown_whatever_the_scenario_lists(run: Run) -> None:
    run.fault(injected=None)
    result = judged(run, GOOD)
    assert result.outcome == "unknown"
    assert "fault.never_fired" in unknowns(result)


def test_the_load_is_judged_once_when_the_scenario_lists_it_itself(run: Run) -> None:
    checks = [f.check for f in judged(run, GOOD, LoadSound()).findings]
    assert checks.count("load.sound") == 1


@pytest.mark.parametrize("torn", [b"{to", b"{}", b"[1]", b"\xff"])
def test_a_torn_header_of_samples_is_unknown(run: Run, torn: bytes) -> None:
    (run.folder / "samples" / "load-9.bin").write_bytes(b"DDSAMPLES1\n" + torn + b"\n")
    result = judged(run, GOOD)
    assert result.outcome == "unknown"
    assert unknowns(result)["load.samples_incomplete"]["sender"] == "load-9"


def test_what_a_cell_is_for_is_said_before_what_judges_every_run(run: Run) -> None:
    found = judged(run, LoadSound(), GOOD).findings
    assert [f.code for f in found].index("test.fine") < [f.check for f in found].index("load.sound")


@pytest.mark.parametrize(("days", "expired"), [(0, False), (1, False), (-1, True)])
def test_a_waive_holds_through_its_last_day_and_makes_no_pass(run: Run, days: int, expired: bool) -> None:
    today = datetime.fromtimestamp(now().wall_ns / NS, UTC).date()
    waive = {"name": "scenario", "reason": "known", "until": (today + timedelta(days)).isoformat()}
    other = {**waive, "name": "another scenario"}
    doubt = Saying([answer(NotSeen())])
    result = judged(run, GOOD, doubt, waives=(waive, other))
    assert (result.outcome, result.waived) == ("unknown", ({**waive, "expired": expired},))


def test_a_waive_where_nothing_is_unknown_is_not_listed(run: Run) -> None:
    assert judged(run, GOOD, waives=({"name": "scenario", "reason": "known", "until": "2099-01-01"},)).waived == ()


CLAIMS = (
    Claim("backup", "duration_s", 3, key="backup_s"),
    Claim("deploy", "outage_s", 0.5, key="deploy_outage_s"),
    Claim("requests", "bad", 0, key="bad_requests"),
)


@pytest.mark.parametrize("checkers", [standard(), (GOOD,)], ids=["listed", "not listed"])
def test_a_claim_is_judged_once_and_its_row_is_its_finding(
    tmp_path: Path, checkers: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path / "run", CLAIMS)
    run.load((10.0, 10.8, "refused", 0, ()))
    run.op("backup", 1, 2)
    run.op("deploy", 9.5, 11)
    asked: list[str] = []
    for judge in JUDGES:
        monkeypatch.setattr(type(judge), "check", counting(type(judge), asked))
    result = judged(run, *checkers)
    assert sorted(asked) == sorted(judge.name for judge in JUDGES)
    assert [(row["key"], row["code"]) for row in result.claims] == [
        ("backup_s", "claim.kept"),
        ("deploy_outage_s", "claim.refuted"),
        ("bad_requests", "requests.bad"),
    ]
    of_claims = {f.subject.id: f for f in result.findings if f.subject.kind == "claim"}
    assert sorted(of_claims) == (sorted(c.key for c in CLAIMS) if GOOD not in checkers else [])
    for row in result.claims if of_claims else ():
        found = of_claims[row["key"]]
        assert (row["outcome"], row["code"], row["sentence"]) == (found.outcome, found.code, found.sentence)
        assert row["median"] == found.details["claim"]["median"]


def counting(cls: type[Checker], asked: list[str]) -> Callable[[Checker, JudgedRun], Iterable[Finding]]:
    """Its `check`, which tells when it is asked."""
    check = cls.check

    def asks(self: Checker, run: JudgedRun) -> Iterable[Finding]:
        asked.append(self.name)
        return check(self, run)

    return asks


def test_a_judge_of_claims_that_crashes_is_unknown_though_no_scenario_lists_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(self: Checker, run: JudgedRun) -> Iterable[Finding]:
        raise ZeroDivisionError

    monkeypatch.setattr(type(JUDGES[0]), "check", crash)
    result = judged(run, GOOD)
    crashed = [f.details["checker"] for f in result.findings if f.code == "checker.crashed"]
    assert (crashed, result.outcome) == (["durations"], "unknown")
