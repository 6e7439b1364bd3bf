from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.model import Result
from harness.report.data.junit import write_junit
from harness.report.documents.result import to_document
from tests.unit.report import build


def parsed(folder: Path, *results: Result) -> ElementTree.Element:
    return ElementTree.parse(write_junit([to_document(r) for r in results], folder / "junit.xml")).getroot()


def counts(root: ElementTree.Element) -> tuple[int, int, int, int]:
    return tuple(len(root.findall(f".//{tag}")) for tag in ("testcase", "failure", "error", "skipped"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("make", "expected"), [(build.passing, (3, 0, 0, 0)), (build.failing, (3, 1, 1, 0)), (build.unknown, (1, 0, 1, 0))]
)
def test_one_case_a_verdict_fail_is_failure_unknown_is_error_and_nothing_is_skipped(
    make: Callable[[], Result], expected: tuple[int, int, int, int], tmp_path: Path
) -> None:
    root = parsed(tmp_path, make())
    assert counts(root) == expected
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == tuple(str(n) for n in expected[:3])


def test_a_failure_carries_the_question_the_title_and_the_sentence(tmp_path: Path) -> None:
    root = parsed(tmp_path, build.failing())
    case = next(c for c in root.iter("testcase") if c.find("failure") is not None)
    assert case.get("name") == "test.question no partial backup is ever the latest"
    failure = case.find("failure")
    assert failure is not None and failure.get("type") == "test.answer"
    assert (failure.get("message") or "").startswith(
        "no partial backup is ever the latest: backup 20251123T1012 is 31 %"
    )
    assert "deploydrill explain test.answer" in (failure.text or "")


def test_what_is_not_the_systems_comes_last_and_says_whose_it_is(tmp_path: Path) -> None:
    busy = replace(build.answer("unknown", "late", "the prober was late"), matter="harness")
    ours = build.answer("unknown", "a read-back", "it could not be read")
    root = parsed(tmp_path, replace(build.unknown(), findings=(busy, ours)))
    assert [c.get("name") for c in root.iter("testcase")] == ["test.question a read-back", "test.question late"]
    texts = [error.text or "" for error in root.iter("error")]
    assert ["Not the system: the harness" in text for text in texts] == [False, True]


def test_a_note_is_a_property_of_the_suite_and_no_case(tmp_path: Path) -> None:
    note = replace(build.answer("pass", "a habit", "it is said once", "test.note"), outcome="note")
    root = parsed(tmp_path, replace(build.passing(), findings=(*build.passing().findings, note)))
    assert counts(root) == (3, 0, 0, 0)
    assert {p.get("name"): p.get("value") for p in root.iter("property")}["test.note"] == "a habit: it is said once"


def test_no_run_and_a_run_without_verdicts_are_errors_not_green(tmp_path: Path) -> None:
    assert counts(parsed(tmp_path)) == (1, 0, 1, 0)
    assert counts(parsed(tmp_path, replace(build.passing(), findings=()))) == (1, 0, 1, 0)


def test_an_outcome_no_verdict_accounts_for_has_a_case_of_its_own(tmp_path: Path) -> None:
    assert counts(parsed(tmp_path, replace(build.passing(), outcome="unknown"))) == (4, 0, 1, 0)


def test_a_campaign_is_one_suite_a_run(tmp_path: Path) -> None:
    root = parsed(tmp_path, build.passing(), build.failing())
    assert [s.get("name") for s in root.iter("testsuite")] == [
        "hardened.baseline.quick",
        "naive.disk_full.backup disk, at 31 %",
    ]


def test_a_cell_that_was_never_begun_is_an_error_beside_those_that_passed(tmp_path: Path) -> None:
    path = write_junit([to_document(build.passing())], tmp_path / "junit.xml", ["disk_full:in-restore"])
    root = ElementTree.parse(path).getroot()
    assert counts(root) == (4, 0, 1, 0)
    (error,) = (c for c in root.iter("testcase") if c.find("error") is not None)
    assert error.get("name") == "disk_full:in-restore"
