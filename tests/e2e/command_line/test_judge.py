"""The verbs around a run: judged and rendered again from its folder, told as JSON and JUnit, planned, listed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.e2e.command import TINY, Done, conclusive, deploydrill
from tests.e2e.host.test_deaths import notes_about
from tests.e2e.live_run import SCENARIOS, tiny_copy

RUN = "baseline-once"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("judge")


@pytest.fixture(scope="module")
def finished(base: Path) -> Done:
    """One run that went well, with everything it can be asked for on the way."""
    system = tiny_copy(base / "tiny")
    words = ["run", "baseline:once", "--system", system, "--out", base / "out", "--no-live", "--json"]
    done = deploydrill(*words, "--junit", base / "ci" / "junit.xml", "--summary", base / "ci" / "summary.md")
    assert done.found("fail") == []
    conclusive(done)
    assert done.exit == 0, done
    return done


@pytest.fixture
def copy(finished: Done, tmp_path: Path) -> Path:
    """The folder of that run, to do with as one likes."""
    return shutil.copytree(finished.report / RUN, tmp_path / RUN)


def result(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return document


def closing(done: Done) -> dict[str, str]:
    """The last line of stdout, as a script reads it."""
    return dict(word.partition("=")[::2] for word in done.out.splitlines()[-1].split(" ", 4))  # type: ignore[misc]


# -- what a run writes ---------------------------------------------------------------------------------------------
@pytest.mark.island
def test_json_is_the_campaign_and_the_last_line_is_the_outcome(finished: Done) -> None:
    *document, last = finished.out.splitlines()
    campaign = json.loads("\n".join(document))
    assert (campaign["outcome"], [r["run"] for r in campaign["runs"]]) == ("pass", [RUN])
    assert campaign == json.loads((finished.report / "campaign.json").read_text())
    assert last == f"outcome=pass runs=1 failed=0 unknown=0 report={finished.report}/report.html"


@pytest.mark.island
def test_junit_and_summary_are_also_written_where_asked(finished: Done, base: Path) -> None:
    suites = ElementTree.parse(base / "ci" / "junit.xml").getroot()
    cases = suites.findall(".//testcase")
    assert len(cases) == len(result(finished.report / RUN)["findings"])
    assert suites.findall(".//failure") + suites.findall(".//error") + suites.findall(".//skipped") == []
    assert (base / "ci" / "summary.md").read_text() == (finished.report / "report.md").read_text()
    assert "baseline" in (base / "ci" / "summary.md").read_text()


@pytest.mark.island
def test_the_report_folder_holds_finished_files_only_and_latest_points_to_it(finished: Done, base: Path) -> None:
    out = base / "out"
    assert [p for p in out.rglob("*") if p.name.startswith(".")] == []
    assert (out / "latest").resolve() == finished.report
    assert {"result.json", "report.html", "report.md", "junit.xml", "run.json", "events.jsonl"} <= {
        p.name for p in (finished.report / RUN).iterdir()
    }
    assert notes_about(out) == []


# -- judged again --------------------------------------------------------------------------------------------------
@pytest.mark.island
def test_judging_again_gives_the_same_result(finished: Done, copy: Path) -> None:
    (copy / "result.json").unlink()
    done = deploydrill("judge", copy)
    assert (done.exit, closing(done)["outcome"]) == (0, "pass")
    assert done.report == copy
    assert result(copy) == result(finished.report / RUN)


@pytest.mark.island
def test_report_renders_the_same_files_again(finished: Done, copy: Path) -> None:
    rendered = ("report.html", "report.md", "junit.xml", "findings.csv", "timeline.png")
    for name in rendered:
        (copy / name).unlink()
    done = deploydrill("report", copy)
    assert done.exit == 0
    assert {str(copy / name) for name in rendered} <= set(done.out.splitlines())
    for name in ("report.md", "junit.xml", "findings.csv"):
        assert (copy / name).read_text() == (finished.report / RUN / name).read_text()
    assert (copy / "report.html").stat().st_size > 10_000


def cut_short(folder: Path) -> None:
    events = folder / "events.jsonl"
    events.write_text("".join(events.read_text().splitlines(keepends=True)[:-3]))


def torn_line(folder: Path) -> None:
    events = folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    lines[10] = lines[10][: len(lines[10]) // 2] + "\n"
    events.write_text("".join(lines))


def half_a_last_line(folder: Path) -> None:
    events = folder / "events.jsonl"
    events.write_bytes(events.read_bytes()[:-20])


def lost_line(folder: Path) -> None:
    events = folder / "events.jsonl"
    lines = events.read_text().splitlines(keepends=True)
    events.write_text("".join(lines[:10] + lines[11:]))


def two_runs(folder: Path) -> None:
    events = folder / "events.jsonl"
    other = [json.loads(line) for line in events.read_text().splitlines()]
    later = "".join(json.dumps({**e, "t": e["t"] + 3600 * 10**9}) + "\n" for e in other)
    events.write_text(events.read_text() + later)


def samples_of_another_run(folder: Path) -> None:
    file = next((folder / "samples").glob("load-*.bin"))
    shutil.copyfile(file, file.with_name("load-another.bin"))


def samples_cut_short(folder: Path) -> None:
    file = next((folder / "samples").glob("probe-*.bin"))
    file.write_bytes(file.read_bytes()[:-64])


def torn_ledger(folder: Path) -> None:
    file = next((folder / "ledger").glob("*.jsonl"))
    file.write_bytes(file.read_bytes()[:-30])


def no_events(folder: Path) -> None:
    (folder / "events.jsonl").unlink()


@pytest.mark.island
@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (cut_short, "recording.cut_short"),
        (half_a_last_line, "recording.cut_short"),
        (torn_line, "recording.events_torn"),
        (lost_line, "recording.events_torn"),
        (two_runs, "recording.events_torn"),
        (samples_of_another_run, "load.server_count_differs"),
        (samples_cut_short, "recording.samples_incomplete"),
        (torn_ledger, "recording.ledger_torn"),
        (no_events, "run.silent"),
    ],
)
def test_a_recording_that_is_not_whole_is_unknown(damage: Callable[[Path], None], code: str, copy: Path) -> None:
    n = len((copy / "events.jsonl").read_text().splitlines())
    damage(copy)
    done = deploydrill("judge", copy)
    assert (done.exit, closing(done)["outcome"]) == (3, "unknown")
    (found,) = [f for f in result(copy)["findings"] if (f["outcome"], f["code"]) == ("unknown", code)]
    if damage is torn_line:
        assert found["details"] == {"torn": 1, "lines": n}
    if damage is two_runs:
        assert found["details"] == {"torn": n, "lines": 2 * n}


@pytest.mark.island
def test_a_campaign_s_folder_is_rendered_whole_and_is_not_judged(finished: Done, tmp_path: Path) -> None:
    campaign = shutil.copytree(finished.report, tmp_path / "campaign")
    (campaign / "report.html").unlink()
    done = deploydrill("report", campaign)
    assert (done.exit, (campaign / "report.html").exists()) == (0, True)
    done = deploydrill("judge", campaign)
    assert done.exit == 64
    assert "name the folder of one run, not of a campaign" in done.err


@pytest.mark.parametrize("verb", ["judge", "report"])
def test_a_folder_that_holds_no_run_is_one_clear_error(verb: str, tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        done = deploydrill(verb, folder)
        assert (done.exit, done.out) == (64, "")
        assert done.err.startswith("deploydrill: ")
        assert str(folder) in done.err
        assert "\ntry: " in done.err
    for torn in ("{", "{}", "[]"):
        (tmp_path / "run.json").write_text(torn)
        (tmp_path / "result.json").write_text(torn)
        done = deploydrill(verb, tmp_path)
        assert (done.exit, done.out, "\ntry: " in done.err) == (64, "", True), torn


@pytest.mark.island
def test_a_plan_that_was_changed_after_the_run_judges_nothing(copy: Path) -> None:
    about = json.loads((copy / "run.json").read_text())
    about["plan"]["cell"] = "twice"
    (copy / "run.json").write_text(json.dumps(about))
    done = deploydrill("judge", copy)
    assert done.exit == 3
    (found,) = result(copy)["findings"]
    assert (found["code"], found["outcome"]) == ("recording.file_changed", "unknown")
    assert found["details"] == {"file": "run.json"}


# -- before a run --------------------------------------------------------------------------------------------------
def test_dry_run_prints_the_plan_and_makes_nothing(tmp_path: Path) -> None:
    words = ("disk_full", "--system", TINY, "--seed", "7", "--dry-run")
    done, again = (deploydrill("run", *words, "--out", tmp_path / "out") for _ in range(2))
    assert (done.exit, (tmp_path / "out").exists()) == (0, False)
    assert "disk_full:in-migration  (the data disk is full when the schema migration begins)" in done.out
    assert "- deploy new (expect failure)" in done.out
    assert 'fault disk_full {"disk": "data", "leave": 0.0} at deploy.migrate.start #1' in done.out
    assert done.out == again.out


def test_list_names_scenarios_cells_systems_and_variants() -> None:
    done = deploydrill("list", "--system", TINY, "--scenarios", SCENARIOS)
    assert done.exit == 0
    for line in ("  disk_full:in-restore (quick): the data disk is full when", "  quick:backup (quick): one backup"):
        assert line in done.out
    assert "systems: hardened, naive, postgres, shellkit, shellkit-repaired\n" in done.out
    assert "  lies: deploy exits 0 and does nothing" in done.out


def test_explain_says_what_a_scenario_does_and_what_judges_it() -> None:
    done = deploydrill("explain", "disk_full")
    assert done.exit == 0
    for text in ("disk_full:before-backup", "- backup (expect failure)", "fault disk_full", "at backup.start #2"):
        assert text in done.out
    assert "judged by: " in done.out
    assert deploydrill("explain", "disk_ful").exit == 64


def test_doctor_says_what_is_there_and_how_to_get_what_is_not() -> None:
    done = deploydrill("doctor")
    assert done.exit in (0, 69)
    told = json.loads(deploydrill("doctor", "--json").out)
    assert {"island", "toxiproxy", "sized ext4"} <= {c["name"] for c in told}
    for capability in told:
        sign = "ok     " if capability["ok"] else "MISSING"
        assert f"{sign}  {capability['name']}: " in done.out
        assert capability["ok"] or capability["hint"] in done.out


@pytest.mark.island
def test_verify_tries_each_operation_and_says_what_is_missing(tmp_path: Path) -> None:
    system = tiny_copy(
        tmp_path / "tiny", ('rollback = { command = ["{python}", "{system}/tiny.py", "deploy", "1"] }\n', "")
    )
    done = deploydrill("verify", "--system", system, "--out", tmp_path / "out")
    # It promises none, and breaks no promise: what needs it cannot be rehearsed.
    assert (done.exit, closing(done)["outcome"], done.found("fail")) == (0, "pass", [])
    assert {f["details"]["operation"] for f in done.found("note", "contract.not_provided")} == {"rollback"}
    (document,) = done.results()
    assert {o["name"] for o in document["operations"]} == {"backup", "validate", "deploy", "restore"}
    rows = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "needs [operations.rollback]: round-trip, once" in rows or "needs [operations.rollback]: every cell" in rows
    marks = {line[14:32].strip(): line[:14].strip() for line in done.out.splitlines() if line[:1].strip()}
    kept = ("service.start", "backup", "validate", "deploy", "restore", "status", "load.read_back", "stop and start")
    assert {name: marks[name] for name in (*kept, "rollback")} == {
        **dict.fromkeys(kept, "ok"),
        "rollback": "not provided",
    }
    assert [marks[name] for name in ("baseline", "disk_full", "network_partition")] == ["no", "in part", "no"]
