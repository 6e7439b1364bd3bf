"""An inconclusive test is counted and listed, in one process and in two, and too many of them fail the session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import ROOT
from tests.inconclusive import MOST

SUITE = """
import pytest
from tests.busy import inconclusive

@pytest.mark.parametrize("n", range({number}))
def test_busy(n):
    inconclusive(f"late by {{n}} ms")

@pytest.fixture
def busy():
    inconclusive("late before it began")

def test_prepared(busy):
    raise AssertionError

def test_sound():
    pass
"""


def session(folder: Path, number: int, *options: str, more: str = "") -> tuple[int, str]:
    (folder / "test_suite.py").write_text(SUITE.format(number=number) + more)
    argv = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", ".", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*argv, "-p", "tests.inconclusive", *options, "test_suite.py"],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "2")], ids=" ".join)
def test_each_is_listed_with_its_reason_and_is_neither_a_pass_nor_a_skip(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    code, told = session(tmp_path, 2, *options)
    assert code == 0, told
    for line in ("test_busy[0] - late by 0 ms", "test_busy[1] - late by 1 ms", "test_prepared - late before it began"):
        assert told.count(f"INCONCLUSIVE test_suite.py::{line}") == 1, told
    assert "3 inconclusive: the machine was too busy to tell" in told
    assert "1 passed, 3 inconclusive in" in told.splitlines()[-1]
    assert "skipped" not in told and "failed" not in told


@pytest.mark.parametrize("options", [("-n", "0"), ("-n", "2")], ids=" ".join)
def test_more_than_the_limit_fail_the_session(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert session(tmp_path, MOST - 1, *options)[0] == 0
    code, told = session(tmp_path, MOST, *options)
    assert code == 1, told
    assert f"FAILED: {MOST + 1} tests are inconclusive, and at most {MOST} may be" in told


LIMITS = """
import tests.busy
tests.busy._LEAST_IDLE = {least}

@pytest.mark.limits
def test_timed():
    assert False, "too late"

@pytest.mark.limits
def test_timed_and_kept():
    pass
"""


@pytest.mark.parametrize(("least", "code", "outcome"), [(2.0, 0, "3 inconclusive"), (-1.0, 1, "1 failed")])
def test_one_with_limits_that_fails_is_inconclusive_on_a_busy_machine_alone(
    tmp_path: Path, least: float, code: int, outcome: str
) -> None:
    ended, told = session(tmp_path, 1, "-W", "ignore::pytest.PytestUnknownMarkWarning", more=LIMITS.format(least=least))
    assert (ended, outcome in told.splitlines()[-1]) == (code, True), told
    assert ("INCONCLUSIVE test_suite.py::test_timed - AssertionError: too late" in told) is (code == 0)


MISTAKEN = """
import tests.busy
tests.busy._LEAST_IDLE = 2.0

@pytest.fixture
def broken():
    {mistake}

@pytest.mark.limits
def test_prepared_wrongly(broken):
    pass

@pytest.mark.limits
def test_wrong():
    {mistake}
"""


@pytest.mark.parametrize("mistake", ["tuple(0.5)", "None.group()", "nobody_knows_it", "import tests.not_there"])
def test_a_mistake_is_none_of_the_machine(tmp_path: Path, mistake: str) -> None:
    more = MISTAKEN.format(mistake=mistake)
    code, told = session(tmp_path, 1, "-W", "ignore::pytest.PytestUnknownMarkWarning", more=more)
    assert (code, "1 failed, 1 passed, 1 error, 2 inconclusive" in told.splitlines()[-1]) == (1, True), told


def test_a_failure_beside_them_is_one(tmp_path: Path) -> None:
    code, told = session(tmp_path, 1, more="\ndef test_broken():\n    assert False\n")
    assert (code, "1 failed, 1 passed, 2 inconclusive" in told) == (1, True), told
