"""A report as DataFrames, and opened to be read: each row says whose it is, and CSV files hold the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness import frames, open_report
from harness.errors import HarnessError
from harness.model import Result
from harness.recording.samples import FLAG_KNOWN, FLAG_WRITE, SampleWriter
from harness.report.data.tables import write_tables
from harness.report.documents.campaign import write_campaign
from harness.report.documents.result import to_document, write_result
from tests.unit.report import build

RUN = {"run", "scenario", "cell"}


@pytest.fixture
def one(tmp_path: Path) -> Path:
    """The folder of one recorded and judged run, with two requests of one sender."""
    folder = build.recording(tmp_path / "one")
    write_result(build.failing(), folder)
    (folder / "samples").mkdir(exist_ok=True)
    writer = SampleWriter(folder / "samples" / "load-0.bin", ["read", "write"], "load-0")
    start = build.START.mono_ns
    writer.add(start + 10**9, start + 10**9, start + 10**9 + 5_000_000, "read", 200, "ok", "load", FLAG_KNOWN)
    writer.add(start + 2 * 10**9, start + 2 * 10**9, start + 4 * 10**9, "write", 0, "timeout", "load", FLAG_WRITE)
    writer.close()
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, list[Result]]:
    """A campaign of two runs, as results only."""
    results = [replace(build.passing(), run="a-once"), replace(build.failing(), run="b-once")]
    for result in results:
        write_result(result, tmp_path / "two" / result.run)
    write_campaign(tmp_path / "two", [(r, tmp_path / "two" / r.run) for r in results])
    return tmp_path / "two", results


def test_each_thing_of_a_result_is_a_row(two: tuple[Path, list[Result]]) -> None:
    folder, results = two
    made = frames(folder)
    for name in ("findings", "claims", "operations"):
        assert len(getattr(made, name)) == sum(len(getattr(r, name)) for r in results), name
    assert len(made.phases) == sum(len(r.spans) for r in results)
    assert len(made.measurements) == sum(len(m.values) for r in results for m in r.measurements)
    for name in ("findings", "claims", "operations", "phases", "measurements", "samples", "resources"):
        assert set(getattr(made, name).columns) >= RUN, name
    assert set(made.operations["run"]) == {"a-once", "b-once"}
    assert made.operations["seconds"].sum() == pytest.approx(sum(o["seconds"] for r in results for o in r.operations))


def test_the_csv_files_hold_the_same_rows_and_columns(two: tuple[Path, list[Result]], tmp_path: Path) -> None:
    folder, results = two
    made = frames(folder)
    for path in write_tables([to_document(r) for r in results], tmp_path):
        frame = getattr(made, path.stem)
        read = pd.read_csv(path, keep_default_na=False)
        assert list(read.columns) == list(frame.columns)
        assert len(read) == len(frame)
        assert list(read["run"]) == list(frame["run"])


def test_a_sample_has_its_latency_from_when_it_was_due(one: Path) -> None:
    samples = frames(one).samples
    assert list(samples["latency_ms"]) == [5.0, 2000.0]
    assert list(samples["intended_s"]) == [1.0, 2.0]
    assert list(samples["outcome"]) == ["ok", "timeout"]
    assert list(samples["request"]) == ["read", "write"]
    assert (list(samples["write"]), list(samples["known"])) == ([False, True], [True, False])
    assert set(samples["source"]) == {"load-0"} and set(samples["run"]) == {build.failing().run}


def test_resources_say_their_units_and_each_disk_has_a_column(one: Path) -> None:
    rows = [json.loads(line) for line in (one / "resources.jsonl").read_text().splitlines()]
    resources = frames(one).resources
    assert len(resources) == len(rows) > 0
    assert list(resources["mem_available_bytes"]) == [row["mem_available"] for row in rows]
    disks = [f"disk_used_{name}_bytes" for name in rows[0]["disk_used"]]
    assert disks and set(disks) <= set(resources.columns)
    assert resources["t_s"].iloc[0] == pytest.approx((rows[0]["t"] - build.START.mono_ns) / 1e9)


def test_a_run_without_a_recording_has_its_columns_and_no_rows(two: tuple[Path, list[Result]]) -> None:
    made = frames(two[0])
    assert len(made.samples) == len(made.resources) == 0
    assert {"latency_ms", "outcome"} <= set(made.samples.columns) and "cpu_percent" in made.resources.columns


def test_a_report_gives_results_and_recordings_by_run(one: Path, two: tuple[Path, list[Result]]) -> None:
    report = open_report(two[0])
    assert list(report.results) == list(report.recordings) == ["a-once", "b-once"]
    assert report.campaign is not None and report.campaign["outcome"] == "fail"
    with pytest.raises(HarnessError, match="a-once, b-once"):
        _ = report.result
    single = open_report(one)
    assert single.campaign is None
    assert single.result.outcome == "fail"
    assert single.recordings[single.result.run].log.start.mono_ns == build.START.mono_ns


def test_a_folder_without_a_report_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"it holds no result\.json"):
        open_report(tmp_path)
    with pytest.raises(HarnessError, match="no such folder"):
        frames(tmp_path / "nothing")
