"""A stored run, judged again from its recording alone, gets the same verdict from the same code: whenever, wherever the
folder lies, and in whatever order Python keeps its sets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.compile import planned_checkers
from harness.campaign.provenance import commit
from harness.checkers import standard
from harness.cli import reports
from harness.cli.main import main
from harness.errors import ExitCode
from harness.host.clock import now
from harness.judge.judge import judge
from harness.model import NS, Claim
from harness.plan import Plan, Step
from harness.recording.format import FORMAT
from harness.report.documents.result import write_result
from tests.unit.checkers.build import Run

EXIT = {"pass": ExitCode.PASS, "fail": ExitCode.FAIL, "unknown": ExitCode.UNKNOWN}


def stored(folder: Path, outcome: str) -> Path:
    """A run of quick:deploy as it was recorded and judged, which ended so."""
    run = Run(folder, claims=[Claim("deploy", "deploy_s", 3.0)])
    run.load(steady=outcome != "unknown")
    run.op("deploy", 5, 7, version_at_exit="2", version_wanted="2")
    run.recovered(7.1, "deploy-1", version="2", version_owed="1")
    written = [json.loads(line)["token"] for lines in run._sampled.values() for line in lines]
    run.observe("deploy", 31, written[outcome == "fail" :], version="2")
    plan = Plan(
        *(folder.name, "tiny/system.toml", "tiny", (), "quick", "deploy", 1, 1000, 1, 0, 1, "root"),
        *("/mnt", 8080, "python", True),
        steps=(Step("deploy", version="new"), Step("read_back")),
        checkers=planned_checkers(standard()),
    )
    began = datetime.fromtimestamp(now().wall_ns / NS, UTC) - timedelta(days=40)
    about = {
        "format": FORMAT,
        "plan": plan.to_dict(),
        "host": {"cpus": 2},
        "provenance": {"started_utc": began.strftime("%Y-%m-%dT%H:%M:%SZ"), "commit": commit(), "files": {}},
        "waives": [{"name": "quick", "reason": "it held then", "until": (began + timedelta(9)).date().isoformat()}],
        "title": "a run",
        "reproduce": "",
        "slow_requests": [],
        "rollback_restores": False,
    }
    file = folder / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **about}))
    run.done()
    write_result(judge(folder), folder)
    return folder


@pytest.mark.parametrize("outcome", ["pass", "fail", "unknown"])
def test_a_run_judged_again_elsewhere_some_day_gets_the_same_result_to_the_byte(outcome: str, tmp_path: Path) -> None:
    folder = stored(tmp_path / "then", outcome)
    first = (folder / "result.json").read_bytes()
    moved = shutil.move(folder, tmp_path / "a place" / "run")
    (moved / "result.json").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "judge", str(moved)],
        env={**os.environ, "PYTHONHASHSEED": "1"},  # ours is another one
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (EXIT[outcome], "")  # type: ignore[index]  # one of the three
    assert (moved / "result.json").read_bytes() == first
    document: dict[str, Any] = json.loads(first)
    assert (document["outcome"], [m["name"] for m in document["measurements"]]) == (outcome, ["deploy"])
    assert [w["expired"] for w in document["waived"]] == ([False] if outcome == "unknown" else [])


def test_a_run_that_was_never_begun_keeps_its_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = stored(tmp_path / "run", "pass")
    file = folder / "run.json"
    obstacle = {"code": "run.host_lacks", "details": {"needs": ["sized_disk"]}}
    file.write_text(json.dumps({**json.loads(file.read_text()), "obstacle": obstacle}))
    (folder / "events.jsonl").unlink()
    with pytest.raises(SystemExit) as left:
        main(["judge", str(folder)])
    assert left.value.code == ExitCode.UNKNOWN
    (found,) = json.loads((folder / "result.json").read_text())["findings"]
    assert (found["code"], found["details"], found["matter"]) == ("run.host_lacks", {"needs": ["sized_disk"]}, "host")


def test_what_another_version_says_of_a_run_is_told_to_be_another_one_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stored(tmp_path / "run", "pass")
    monkeypatch.setattr(reports, "commit", lambda: "c0ffee")
    reports.judge_again(folder, [])
    (warning,) = json.loads((folder / "result.json").read_text())["warnings"]
    assert warning.endswith("judged again by c0ffee")


@pytest.mark.parametrize("known", [None, FORMAT - 1, FORMAT + 1])
def test_a_recording_of_another_format_is_refused(
    tmp_path: Path, known: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = stored(tmp_path / "run", "pass")
    about = json.loads((folder / "run.json").read_text())
    del about["format"]
    (folder / "run.json").write_text(json.dumps(about if known is None else {**about, "format": known}))
    before = (folder / "result.json").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main(["judge", str(folder)])
    assert ended.value.code == ExitCode.USAGE
    assert f"it was recorded in format {known or 1}" in capsys.readouterr().err
    assert (folder / "result.json").read_bytes() == before
