from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.report import render
from harness.report.documents import campaign
from harness.report.documents.comparison import compare
from harness.report.documents.result import read_result, to_document, write_result
from tests.unit.report import build


def test_a_result_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    for result in (build.passing(), build.failing(), build.unknown()):
        write_result(result, tmp_path)
        assert read_result(tmp_path) == result


def test_equal_results_give_equal_bytes_whatever_the_order_of_their_keys(tmp_path: Path) -> None:
    result = build.failing()
    first = write_result(result, tmp_path / "a").read_bytes()
    turned = replace(result, host=dict(reversed(list(result.host.items()))))
    assert write_result(turned, tmp_path / "b").read_bytes() == first
    assert list(json.loads(first))[:3] == ["schema", "run", "system"]


def test_numpy_values_and_values_that_are_no_numbers_become_json(tmp_path: Path) -> None:
    load = {"series": {"p50_ms": [1.5, float("nan"), np.float64(2.5)], "second": np.arange(3)}, "n": np.int64(7)}
    path = write_result(replace(build.passing(), load=load), tmp_path)
    written = json.loads(path.read_text())["load"]
    assert written == {"series": {"p50_ms": [1.5, None, 2.5], "second": [0, 1, 2]}, "n": 7}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), ("{", "not readable"), ('{"schema": 3}', "schema 3"), ("[]", "schema None")],
)
def test_a_result_that_cannot_be_read_says_what_to_do(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "result.json").write_text(content)
    with pytest.raises(HarnessError) as caught:
        read_result(tmp_path)
    assert said in caught.value.why
    assert "deploydrill judge" in caught.value.hint


def test_a_report_folder_that_takes_no_files_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(HarnessError, match=r"write .*result\.json"):
        write_result(build.passing(), tmp_path / "taken")


def _keys(value: object) -> set[str]:
    if isinstance(value, list):
        return {key for item in value for key in _keys(item)}
    if isinstance(value, dict):
        return set(value) | {key for item in value.values() for key in _keys(item)}
    return set()


OLD = Path(__file__).with_name("schema_1")


def test_a_result_of_schema_1_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    result = read_result(OLD / "disk_full-before-backup")
    assert (result.outcome, len(result.findings), {f.code for f in result.findings}) == ("fail", 18, {""})
    folder = shutil.copytree(OLD, tmp_path / "old")
    written = render.render(folder)
    assert {"report.html", "report.md", "junit.xml", "findings.csv"} <= {path.name for path in written}
    assert "Refuted in 1 of 1 runs" in (folder / "report.md").read_text()
    assert "deploydrill explain" not in (folder / "disk_full-before-backup" / "report.html").read_text()


def test_a_report_of_schema_1_is_compared_with_one_of_schema_2(tmp_path: Path) -> None:
    now = replace(build.failing(), scenario="disk_full", cell="before-backup")
    write_result(now, tmp_path)
    (cell,) = compare(OLD, tmp_path)["cells"]
    assert (cell["cell"], cell["a"]["outcome"], cell["change"]) == ("disk_full:before-backup", "fail", "worse")


def test_every_field_of_both_documents_is_in_reports_readme(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[3] / "reports" / "README.md").read_text()
    document = to_document(replace(build.failing(), review=build.REVIEW))
    free = ("attributes", "parameters", "files", "kinds")  # the kit's and the fault's own names
    for item in [document["host"], document["provenance"], *document["faults"], *document["outages"]]:
        for key in free:
            item.pop(key, None)
    document["host"]["disks"] = None
    document["review"]["claims"] = list(document["review"]["claims"].values())
    for measurement in document["measurements"]:
        measurement.pop("attributes")
    merged = campaign.to_campaign(tmp_path, [(replace(build.failing(), host={}), tmp_path / "a")])
    keys = _keys(document) | _keys(merged)
    assert sorted(key for key in keys if f"`{key}`" not in readme) == []
    assert len(keys) > 80
