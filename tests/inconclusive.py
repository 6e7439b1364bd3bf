"""An outcome of its own for a test that could not be decided because the machine was too busy: ``inconclusive``.

It is neither a pass nor a skip: each is listed with its reason at the end, and more than ``MOST`` fail the session."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.busy import Inconclusive, Machine

MOST = 10
# Mistakes in a test, or in what it tests: lateness shows as a missed limit, and a value that may come too late is
# asserted, not stumbled over. On a busy machine a broken fixture was inconclusive before, and its test never ran.
_MISTAKES = (TypeError, AttributeError, NameError, ImportError, NotImplementedError)
_OUTCOME = "inconclusive"
_MACHINE = pytest.StashKey[Machine]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.excinfo and (why := _why(item, call.excinfo)):
        report.outcome = _OUTCOME  # type: ignore[assignment]  # pytest knows three, and shows a fourth by the hook below
        report.longrepr = why
    return report


def _why(item: pytest.Item, raised: pytest.ExceptionInfo[BaseException]) -> str:
    """Why a test that raised this is inconclusive; empty when it is not."""
    if isinstance(raised.value, Inconclusive):
        return str(raised.value)
    machine = item.stash.get(_MACHINE, None)
    timed = machine is not None and isinstance(raised.value, Exception) and not isinstance(raised.value, _MISTAKES)
    if timed and (busy := machine.had_no_time):
        return f"{raised.exconly(tryshort=True).splitlines()[0]}; meanwhile {busy}"
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("limits"):
        item.stash[_MACHINE] = Machine()


def pytest_report_teststatus(report: pytest.CollectReport | pytest.TestReport) -> tuple[str, str, Any] | None:
    if str(report.outcome) != _OUTCOME:
        return None
    return _OUTCOME, "I", ("INCONCLUSIVE", {"yellow": True})


def _too_many(number: int) -> str:
    return f"{number} tests are inconclusive, and at most {MOST} may be" if number > MOST else ""


class Listing:
    """Counts and lists them, in the process that reports (with xdist: the one that runs no tests)."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if str(report.outcome) == _OUTCOME:
            self._found.append((report.nodeid, str(report.longrepr)))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if _too_many(len(self._found)) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        number = len(self._found)
        if not number:
            return
        terminalreporter.section(f"{number} inconclusive: the machine was too busy to tell", yellow=True)
        for nodeid, why in self._found:
            terminalreporter.line(f"INCONCLUSIVE {nodeid} - {why}")
        if too_many := _too_many(number):
            terminalreporter.line(f"FAILED: {too_many}", red=True)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Listing(), "inconclusive-listing")
