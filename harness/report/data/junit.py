"""JUnit XML: one test case a verdict; fail is <failure>, unknown is <error>, and nothing is ever <skipped>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from harness.report.documents import review
from harness.report.documents.clean import one_line
from harness.report.documents.derived import run_seconds

Document = Mapping[str, Any]


def write_junit(documents: Sequence[Document], path: Path, not_run: Sequence[str] = ()) -> Path:
    """One suite a run, and one for the cells that were ``not_run``. A CI server that reads only counts must not see
    green where something is unknown."""
    xml = JUnitXml("deploydrill")
    for document in documents:
        xml.add_testsuite(_suite(document))
    missing = [(one_line(cell), "it was selected and never begun") for cell in not_run]
    if not documents:
        missing.append(("a run", "no run was judged"))
    if missing:
        suite = TestSuite("deploydrill")
        for name, why in missing:
            suite.add_testcase(_case("deploydrill", name, "unknown", why, ""))
        xml.add_testsuite(suite)
    xml.write(str(path), pretty=True)
    return path


def _suite(document: Document) -> TestSuite:
    d = document
    name = ".".join(one_line(str(d[k])) for k in ("system", "scenario", "cell") if d[k])
    suite = TestSuite(name)
    for key in ("run", "seed", "outcome"):
        suite.add_property(key, one_line(str(d[key])))
    cases = [_finding(name, f, d) for f in d["findings"]]
    if not cases:
        cases = [_case(name, "something was judged", "unknown", "nothing was judged", "")]
    elif d["outcome"] not in {f["outcome"] for f in d["findings"]}:
        # The run's own outcome may be worse than its verdicts', as after a crash of the harness: say so in a case.
        cases.append(_case(name, "the run as a whole", d["outcome"], "; ".join(d["warnings"]) or "see the report", ""))
    # A verdict has no time of its own: the run's goes to the first case, so that the sum is the run's.
    cases[0].time = round(run_seconds(d) or 0.0, 3)
    for case in cases:
        suite.add_testcase(case)
    return suite


def _finding(classname: str, f: Mapping[str, Any], d: Document) -> TestCase:
    rows = ", ".join(review.rows_of(f, d))
    name = f"{f['check']}: {f['title']}{f' ({rows})' * bool(rows)}"
    return _case(classname, name, f["outcome"], f["sentence"], f["code"])


def _case(classname: str, name: str, outcome: str, why: str, measured: str) -> TestCase:
    case = TestCase(one_line(name), classname=classname)
    if outcome != "pass":
        kind = Failure if outcome == "fail" else Error
        verdict = kind(one_line(why), outcome)
        verdict.text = one_line(measured)
        case.result = [verdict]
    return case
