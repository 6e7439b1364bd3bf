"""A rehearsal as a test: the pytest option ``--deploydrill-system`` and the fixture ``deploydrill``.

Imports nothing of the harness until a rehearsal is asked for: every pytest of an environment loads this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

import pytest

if TYPE_CHECKING:
    from harness.model import Result

OPTION = "--deploydrill-system"
_MISSING = f"the fixture deploydrill needs a system under test: give {OPTION} NAME|PATH (a system.toml or its folder)"
_UNKNOWN = pytest.StashKey[str]()


class Unknown(pytest.fail.Exception):  # type: ignore[name-defined,misc]  # typed as a value, and a class all the same
    """Nothing can be said about the system: neither a pass nor its failure. Reported as an error."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("deploydrill", "rehearsals of a deployment")
    group.addoption(
        OPTION, metavar="NAME|PATH", help="What the fixture deploydrill rehearses: a system.toml, its folder"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    if config.getoption(OPTION) is None and any("deploydrill" in getattr(i, "fixturenames", ()) for i in items):
        raise pytest.UsageError(_MISSING)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A phase of a test in which something was unknown is an error, also where the test caught it or is marked: xfail
    would count it among what went as it should."""
    report = yield
    why = item.stash.get(_UNKNOWN, "")
    if why:
        del item.stash[_UNKNOWN]
        other = call.excinfo is not None and not isinstance(call.excinfo.value, Unknown)
        report.longrepr = f"{why}\n\n{report.longreprtext}" if other and report.failed else why
        report.outcome, report.deploydrill_unknown = "failed", True
        vars(report).pop("wasxfail", None)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> Any:
    if getattr(report, "deploydrill_unknown", False):
        return "error", "E", ("UNKNOWN", {"red": True, "bold": True})
    return None


class Rehearse:
    """What the fixture is: call it with a cell, and the test fails unless the rehearsal ended as expected."""

    def __init__(self, system: str, out: Path, node: pytest.Item) -> None:
        self._system = system
        self._out = out
        self._node = node

    def __call__(
        self,
        cell: str,
        *,
        flaws: Sequence[str] = (),
        seed: int = 1,
        expect: Literal["pass", "fail"] = "pass",
        size: str = "",
        repeat: int = 0,
        users: int = 0,
        scenarios: Sequence[str | Path] = (),
        deadline_s: float = 1200.0,
    ) -> Result:
        """Run ``cell`` (``disk_full:in-migration``) and return its result. ``expect="fail"`` is for a flaw that must be
        found: then a pass fails the test. An unknown is an error in any case."""
        if expect not in ("pass", "fail"):
            raise pytest.UsageError(f'deploydrill: expect is "pass" or "fail", not {expect!r}')
        if ":" not in cell:
            raise pytest.UsageError(f"deploydrill: name one cell, such as baseline:once, not {cell!r}")
        options = {"flaws": flaws, "seed": seed, "size": size, "repeat": repeat, "users": users}
        result, report = self._run(cell, **options, scenarios=scenarios, deadline_s=deadline_s)
        self._node.user_properties.append(("deploydrill report", str(report)))
        if result.outcome == "unknown":
            self._unknown(_told(result, report, "unknown"))
        if result.outcome != expect:
            headline = "" if expect == "pass" else "expected to fail, and it passed\n"
            pytest.fail(headline + _told(result, report, "fail"), pytrace=False)
        return result

    def _unknown(self, why: str) -> NoReturn:
        said = f"UNKNOWN, which is no pass: {why}"
        self._node.stash[_UNKNOWN] = said
        raise Unknown(said, pytrace=False)

    def _run(self, cell: str, **options: Any) -> tuple[Result, Path]:
        """In a process of its own: this one belongs to the test suite, its warnings, signals and patches."""
        from harness import rehearse
        from harness.errors import ExitCode, HarnessError

        out = self._out / f"{sum(1 for _ in self._out.iterdir())}"
        try:
            report = rehearse(cell, system=self._system, out=out, **options)
        except HarnessError as error:
            if error.code == ExitCode.USAGE:
                pytest.fail(str(error), pytrace=False)
            self._unknown(str(error))
        return report.result, report.runs[report.result.run] / "report.html"


def _told(result: Result, report: Path, outcome: str) -> str:
    """The verdict sentences of that outcome, then those of the others that are no pass."""
    from harness.report.documents.clean import one_line

    bad = sorted((f for f in result.findings if f.outcome not in ("pass", "note")), key=lambda f: f.outcome != outcome)
    lines = [one_line(f"{result.scenario}:{result.cell} on {result.system}, seed {result.seed}: {result.outcome}")]
    lines += [one_line(f"{f.outcome}: {f.title} [{f.code}]: {f.sentence}", 600) for f in bad]
    return "\n".join([*lines, f"report: {report}"])


@pytest.fixture
def deploydrill(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rehearse:
    """Call it with a cell to rehearse it on the system of --deploydrill-system."""
    system = request.config.getoption(OPTION)
    if system is None:
        raise pytest.UsageError(_MISSING)
    return Rehearse(system, tmp_path_factory.mktemp("deploydrill"), request.node)
