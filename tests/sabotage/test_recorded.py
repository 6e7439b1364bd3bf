"""One real recording, broken in every way it can be, and judged again: never a pass, and never a fail."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from harness.campaign.campaign import exit_code
from harness.campaign.flaws.flaw_signs import matches
from harness.campaign.outside import Signals
from harness.checkers.core.protocol import Checker
from harness.judge import judge as judging
from harness.judge.judge import judge_by
from harness.judge.named import named
from harness.judged.judged_run import JudgedRun
from harness.model import Finding, Result
from harness.plan import Plan
from harness.recording.recording import Recording
from harness.recording.samples import DTYPE, FLAG_WRITE, RECORD
from tests.e2e.command import conclusive, deploydrill
from tests.e2e.live_run import tiny_copy

SCENARIOS = Path(__file__).with_name("scenarios")
RUN = "harmful-timed"
pytestmark = pytest.mark.island


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that went well."""
    base = tmp_path_factory.mktemp("whole")
    # Patient, for how busy the host is is not the matter here.
    system = tiny_copy(base / "tiny", ("deploy_s = 2", "deploy_s = 20"), ("deadline_s = 3 }", "deadline_s = 30 }"))
    words = ("harmful:timed", "--scenarios", SCENARIOS, "--system", system, "--out", base / "out", "--no-live")
    done = deploydrill("run", *words)
    assert done.found("fail") == []
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, [])
    return done.report / RUN


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / RUN)


def judged(folder: Path, *checkers: Checker, none: bool = False) -> Result:
    """Judged as the scenario says and by ``checkers``; ``none``: by them alone."""
    planned = Plan.from_dict(Recording(folder).plan["plan"]).checkers
    return judge_by(folder, (*(() if none else named(planned)[0]), *checkers))


def unknown(result: Result) -> list[Finding]:
    """Why it is unknown; it is, and the command would say so with its exit code."""
    assert [f for f in result.findings if f.outcome == "fail"] == []
    assert exit_code([result], Signals()) == 3
    return [f for f in result.findings if f.outcome == "unknown"]


# -- what breaks it ------------------------------------------------------------------------------------------------
def samples(folder: Path, who: str, change: Callable[[Any], Any]) -> None:
    """The records of a sample file changed, and the trailer made to fit."""
    (path,) = (folder / "samples").glob(f"{who}-*.bin")
    raw = path.read_bytes()
    body = raw.index(b"\n", raw.index(b"\n") + 1) + 1
    records = change(np.frombuffer(raw[body : -RECORD.size], DTYPE).copy())
    path.write_bytes(raw[:body] + records.tobytes() + RECORD.pack(-1, len(records), 0, 0, 0, 0, 0, 0, 0))


def events(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "events.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        change(line)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def load_drops_samples(folder: Path) -> None:
    # Reads, for writes are missed by the ledger as well; and what the server counted goes down with them.
    samples(folder, "load", lambda r: np.delete(r, np.flatnonzero((r["flags"] & FLAG_WRITE) == 0)[5:8]))
    events(folder, lambda e: e.update(requests=e["requests"] - 3) if e["kind"] == "server.count" else None)


def load_loses_writes(folder: Path) -> None:
    (path,) = (folder / "ledger").glob("load-*.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-5]))


def load_resends(folder: Path) -> None:
    events(folder, lambda e: e.update(requests=e["requests"] + 300) if e["kind"] == "server.count" else None)


def prober_late(folder: Path) -> None:
    def late(records: Any) -> Any:
        for key in ("sent_ns", "end_ns"):
            records[key] += 7_000_000_000
        return records

    samples(folder, "probe", late)


def prober_dies(folder: Path) -> None:
    (path,) = (folder / "samples").glob("probe-*.bin")
    path.write_bytes(path.read_bytes()[: -20 * RECORD.size - 5])


def prober_missing(folder: Path) -> None:
    next((folder / "samples").glob("probe-*.bin")).unlink()


def prober_drops_samples(folder: Path) -> None:
    samples(folder, "probe", lambda r: np.delete(r, np.flatnonzero((r["flags"] & FLAG_WRITE) == 0)[3:6]))


def clock_stepped(folder: Path) -> None:
    events(folder, lambda e: e.update(w=e["w"] + 2 * 10**9) if e["n"] > 12 else None)


def cut_short(folder: Path) -> None:
    path = folder / "events.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-2]))


def torn_line(folder: Path) -> None:
    path = folder / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[9] = lines[9][:30] + "\n"
    path.write_text("".join(lines))


def line_of_nothing(folder: Path) -> None:
    path = folder / "events.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[9] = '{"n": 9}\n'
    path.write_text("".join(lines))


def events_of_two_runs(folder: Path) -> None:
    path = folder / "events.jsonl"
    path.write_text(path.read_text() * 2)


def plan_of_another_run(folder: Path) -> None:
    about = json.loads((folder / "run.json").read_text())
    about["claims"] = []
    (folder / "run.json").write_text(json.dumps(about))


def read_back_of_another_run(folder: Path) -> None:
    path = folder / "observations" / "end-1.json"
    content = json.loads(path.read_text())
    content["found"] = [[f"another-{n}", payload] for n, (_, payload) in enumerate(content["found"])]
    path.write_text(json.dumps(content))


def read_back_missing(folder: Path) -> None:
    (folder / "observations" / "end-1.json").unlink()


BROKEN: dict[str, tuple[Callable[[Path], None], str, dict[str, Any]]] = {
    "load-drops-samples": (load_drops_samples, "load.requests_unaccounted", {"sender": "load"}),
    "load-loses-writes": (load_loses_writes, "load.books_differ", {"sender": "load"}),
    "load-resends": (load_resends, "load.server_count_differs", {}),
    "prober-late": (prober_late, "harness.late", {"who": "prober", "limit_s": 6.0}),
    "prober-dies": (prober_dies, "recording.samples_incomplete", {}),
    "prober-missing": (prober_missing, "load.no_samples", {"sender": "prober"}),
    "prober-drops-samples": (prober_drops_samples, "load.requests_unaccounted", {"sender": "prober"}),
    "clock-stepped": (clock_stepped, "host.clock_stepped", {}),
    "cut-short": (cut_short, "recording.cut_short", {}),
    "torn-line": (torn_line, "recording.events_torn", {"torn": 1}),
    "line-of-nothing": (line_of_nothing, "recording.events_torn", {"torn": 1}),
    "events-of-two-runs": (events_of_two_runs, "recording.events_torn", {}),
    "plan-of-another-run": (plan_of_another_run, "recording.file_changed", {"file": "run.json"}),
    "read-back-of-another-run": (
        read_back_of_another_run,
        "recording.file_changed",
        {"file": "observations/end-1.json"},
    ),
    "read-back-missing": (read_back_missing, "recording.file_missing", {"file": "observations/end-1.json"}),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_recording_is_unknown(folder: Path, name: str) -> None:
    damage, code, details = BROKEN[name]
    damage(folder)
    found = unknown(judged(folder))
    assert any(f.code == code and matches(f.details, details) for f in found), found


# -- who judges it -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Sabotaged(Checker):
    """One that does as it is told."""

    does: Callable[[], Any]
    name: ClassVar[str] = "sabotaged"
    codes: ClassVar = ()

    def check(self, run: JudgedRun) -> Iterable[Finding]:
        said: Iterable[Finding] = self.does()
        return said


def raising() -> None:
    raise ZeroDivisionError("on purpose")


def leaving() -> None:
    raise SystemExit(0)


def hanging() -> None:
    time.sleep(5)


JUDGES: dict[str, tuple[Callable[[], Any], str]] = {
    "checker-raises": (raising, "ZeroDivisionError"),
    "checker-leaves": (leaving, "SystemExit"),
    "checker-returns-nothing": (lambda: None, "TypeError"),
    "checker-says-what-is-no-verdict": (lambda: ["pass"], "TypeError"),
}


@pytest.mark.parametrize("name", JUDGES)
def test_a_checker_that_does_not_judge_is_unknown(folder: Path, name: str) -> None:
    does, raised = JUDGES[name]
    (found,) = unknown(judged(folder, Sabotaged(does)))
    assert (found.code, found.details["checker"]) == ("checker.crashed", "sabotaged")
    assert found.details["error"].startswith(raised)


def test_a_checker_that_hangs_is_unknown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its own limit is short; that of the others is not the matter here.
    monkeypatch.setattr(judging, "CHECKER_LIMIT_S", 0.2)
    hung = [f for f in unknown(judged(folder, Sabotaged(hanging), none=True)) if f.code == "checker.hung"]
    assert [f.details for f in hung] == [{"checker": "sabotaged", "limit_s": 0.2}]


def test_a_scenario_without_a_checker_is_unknown(folder: Path) -> None:
    assert [f.code for f in unknown(judged(folder, none=True))] == ["checker.none"]


def test_the_recording_itself_passes_when_judged_again(folder: Path) -> None:
    assert exit_code([judged(folder)], Signals()) == 0
