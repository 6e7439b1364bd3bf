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


@pytest.mark.island
def test_each_outcome_is_told_as_what_it_is(pytester: pytest.Pytester, tmp_path: Path) -> None:
    system = tiny_copy(tmp_path / "tiny")
    pytester.makepyfile(f"""
        import pytest
        MORE = {{"scenarios": [{str(SCENARIOS)!r}]}}
        LINK = "network_partition:upload-cut"  # the system has none

        def test_sound(deploydrill):
            result = deploydrill("quick:backup", seed=3, **MORE)
            assert (result.outcome, result.seed, result.system) == ("pass", 3, "tiny")

        def test_flawed(deploydrill):
            deploydrill("quick:deploy", flaws=["hangs"], **MORE)

        def test_flaw_is_found(deploydrill):
            assert deploydrill("quick:deploy", flaws=["hangs"], expect="fail", **MORE).outcome == "fail"

        @pytest.mark.xfail(reason="whatever becomes of it")
        def test_unknown(deploydrill):
            deploydrill(LINK)

        def test_unknown_where_a_fail_is_expected(deploydrill):
            deploydrill(LINK, expect="fail")

        def test_unknown_and_caught(deploydrill):
            with pytest.raises(BaseException):
                deploydrill(LINK)

        def test_a_word_that_means_nothing(deploydrill):
            deploydrill("baseline:twice")
    """)
    done = pytester.runpytest_subprocess(
        *PLAIN, "-n", "3", "-rA", "--deploydrill-system", str(system), "--junit-xml", "junit.xml", timeout=150
    )
    done.assert_outcomes(passed=3, failed=2, errors=3)  # one of the three was caught, and is an error all the same
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    text = done.stdout.str()
    for said in (
        "quick:deploy on tiny, seed 1: fail",
        "deploy-1 had not ended after",
        "UNKNOWN, which is no pass: network_partition:upload-cut on tiny",
        "unknown: the run: the system.toml has no [links.offsite]",
        "cells: round-trip, once",
    ):
        assert said in text
    assert "skipped" not in text and "xfailed" not in text
    cases = ElementTree.parse(pytester.path / "junit.xml").getroot().findall(".//testcase")
    good = {c.attrib["name"] for c in cases if not (c.findall("failure") + c.findall("error"))}
    assert good == {"test_sound", "test_flaw_is_found"}
    assert any(p.attrib["name"] == "deploydrill report" for c in cases for p in c.iter("property"))
