"""The checker that harness/checkers/README.md shows gives the answers that it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checkers.core import codes
from harness.checkers.core.protocol import Checker
from harness.host.checkout import ROOT
from harness.host.modules import digest_of
from harness.judge.named import named
from harness.model import Source
from harness.plan import PlannedChecker
from tests.documents import blocks
from tests.unit.checkers.build import Run, answers


@pytest.fixture
def checker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checker:
    monkeypatch.setattr(codes, "CODES", dict(codes.CODES))
    (text,) = blocks(ROOT / "harness" / "checkers" / "README.md", "python")
    file = tmp_path / "_says_why.py"
    file.write_text(text)
    source = Source("SaysWhy", str(file), file.stem, str(tmp_path), digest_of(file))
    (made,), missing = named([PlannedChecker("says_why", {"least_chars": 3}, source)])
    assert missing == [] and isinstance(made, Checker)
    return made


def test_an_operation_that_fails_must_say_why(checker: Checker, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.op("backup", 1, 2)
    run.op("backup", 3, 4, 1, output="copying\nno space left\n")
    run.op("deploy", 5, 6, 2, output="  \n")
    run.op("restore", 7, 8, None)
    said, silent = answers(checker, run.done())
    assert (said.code, said.outcome, said.subject.id) == ("own.failure_explained", "pass", "backup-2")
    assert said.details == {"operation": "backup-2", "said": "no space left"}
    assert (silent.code, silent.outcome, silent.details["status"]) == ("own.failure_silent", "fail", 2)


def test_what_is_shorter_than_its_parameter_says_nothing(checker: Checker, tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.op("backup", 1, 2, 1, output="no\n")
    assert [f.code for f in answers(checker, run.done())] == ["own.failure_silent"]
