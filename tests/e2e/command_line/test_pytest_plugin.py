"""A rehearsal as a test of a suite: what failed fails it, and what is unknown never passes nor is skipped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.e2e.live_run import SCENARIOS, tiny_copy

pytest_plugins = "pytester"

HEAVY = ("numpy", "scipy", "matplotlib", "pandas", "locust", "gevent", "click", "rich", "jinja2", "msgspec", "psutil")
PLAIN = ("-p", "no:locust", "-p", "no:cacheprovider")


def test_the_plugin_imports_nothing_heavy_and_little_of_ours() -> None:
    code = "import sys, harness.pytest_plugin; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {m.partition(".")[0] for m in modules} & set(HEAVY)
    assert [m for m in modules if m.startswith("harness")] == ["harness", "harness.pytest_plugin"]


def test_a_suite_that_does_not_use_it_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_other(): pass")
    pytester.runpytest_inprocess(*PLAIN, "-W", "error").assert_outcomes(passed=1)


def test_without_a_system_it_is_a_usage_error_that_names_the_option(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(deploydrill): pass", test_other="def test_other(): pass")
    done = pytester.runpytest_inprocess(*PLAIN)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*--deploydrill-system NAME|PATH*"])


# What the fixture does with a result, without the rehearsal that it takes to get one.
JUDGED = """
import pathlib
import pytest
from dataclasses import replace
from harness import pytest_plugin
from tests.unit.report import build

@pytest.fixture(autouse=True)
def judged(monkeypatch):
    def run(self, cell, **options):
        make = {"pass": build.passing, "fail": build.failing, "unknown": build.unknown}[cell.partition(":")[2]]
        return make(), pathlib.Path("report.html")
    monkeypatch.setattr(pytest_plugin.Rehearse, "_run", run)
"""


def test_whatever_a_test_does_with_an_unknown_it_is_an_error(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(JUDGED)
    pytester.makepyfile("""
        import pytest

        def test_expected(deploydrill):
            deploydrill("a:unknown", expect="fail")

        @pytest.mark.xfail(reason="whatever becomes of it")
        def test_marked(deploydrill):
            deploydrill("a:unknown")

        def test_caught(deploydrill):
            with pytest.raises(BaseException):
                deploydrill("a:unknown")

        @pytest.mark.xfail(reason="whatever becomes of it", run=True, strict=False)
        def test_caught_and_marked(deploydrill):
            try:
                deploydrill("a:unknown")
            except BaseException:
                pytest.skip("not today")

        def test_caught_and_failed(deploydrill):
            try:
                deploydrill("a:unknown")
            except BaseException:
                assert 1 == 2
    """)
    done = pytester.runpytest_inprocess(*PLAIN, "--deploydrill-system", "any")
    counted = done.parseoutcomes()
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    assert counted == {"errors": 5}


def test_a_flaw_that_is_to_be_found_passes_when_it_is_and_fails_when_it_is_not(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(JUDGED)
    pytester.makepyfile("""
        def test_found(deploydrill):
            assert deploydrill("a:fail", expect="fail").outcome == "fail"

        def test_not_found(deploydrill):
            deploydrill("a:pass", expect="fail")

        def test_not_one_cell(deploydrill):
            deploydrill("a")

        def test_no_such_expectation(deploydrill):
            deploydrill("a:fail", expect="unknown")
    """)
    done = pytester.runpytest_inprocess(*PLAIN, "--deploydrill-system", "any")
    done.assert_outcomes(passed=1, failed=3)
    done.stdout.fnmatch_lines_random(
        ["expected to fail, and it passed", "*name one cell, such as baseline:once*", '*expect is "pass" or "fail"*']
    )


@pytest.mark.island
def test_each_outcome_of_a_rehearsal_is_told_as_what_it_is(pytester: pytest.Pytester, tmp_path: Path) -> None:
    system = tiny_copy(tmp_path / "tiny")
    pytester.makepyfile(f"""
        import pytest
        MORE = {{"scenarios": [{str(SCENARIOS)!r}]}}

        def test_sound(deploydrill):
            result = deploydrill("quick:backup", seed=3, **MORE)
            assert (result.outcome, result.seed, result.system) == ("pass", 3, "tiny")

        def test_flawed(deploydrill):
            deploydrill("quick:deploy", flaws=["hangs"], **MORE)

        @pytest.mark.xfail(reason="whatever becomes of it")
        def test_unknown(deploydrill):
            deploydrill("network_partition:upload-cut")  # the system has no link to cut

        def test_a_word_that_means_nothing(deploydrill):
            deploydrill("baseline:twice")
    """)
    done = pytester.runpytest_subprocess(
        *PLAIN, "-n", "2", "-rA", "--deploydrill-system", str(system), "--junit-xml", "junit.xml", timeout=240
    )
    done.assert_outcomes(passed=1, failed=2, errors=1)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    text = done.stdout.str()
    for said in (
        "quick:deploy on tiny, seed 1: fail",
        "[operation.hung]",
        "UNKNOWN, which is no pass: network_partition:upload-cut on tiny",
        "[run.system_lacks]",
        "cells: round-trip, once",
    ):
        assert said in text
    assert "skipped" not in text and "xfailed" not in text
    cases = ElementTree.parse(pytester.path / "junit.xml").getroot().findall(".//testcase")
    assert [c.attrib["name"] for c in cases if not (c.findall("failure") + c.findall("error"))] == ["test_sound"]
    assert any(p.attrib["name"] == "deploydrill report" for c in cases for p in c.iter("property"))
