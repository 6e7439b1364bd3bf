"""JUnit XML: one test case a finding; fail is <failure>, unknown is <error>, and nothing is ever <skipped>."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from junitparser import Error, Failure, JUnitXml, TestCase, TestSuite

from harness.report.documents import order, review
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
            suite.add_testcase(_case("deploydrill", name, "unknown", why))
        xml.add_testsuite(suite)
    xml.write(str(path), pretty=True)
    return path


def _suite(document: Document) -> TestSuite:
    """The cases in the order in which they are to be read: the system's own first, then what is not the system's."""
    d = document
    name = ".".join(one_line(str(d[k])) for k in ("system", "scenario", "cell") if d[k])
    suite = TestSuite(name)
    for key in ("run", "seed", "outcome"):
        suite.add_property(key, one_line(str(d[key])))
    for finding in (f for f in d["findings"] if f["outcome"] == "note"):
        suite.add_property(finding["code"], one_line(f"{finding['title']}: {finding['sentence']}"))
    read = [i for group in order.groups(d) for block in group.blocks for i in block.indices]
    judged = [d["findings"][i] for i in (*read, *order.passed(d)) if d["findings"][i]["outcome"] != "note"]
    cases = [_finding_case(name, f, d) for f in judged]
    if not cases:
        cases = [_case(name, "something was judged", "unknown", "nothing was judged")]
    elif d["outcome"] not in {f["outcome"] for f in judged}:
        # The run's own outcome may be worse than its findings', as after a crash of the harness: say so in a case.
        cases.append(_case(name, "the run as a whole", d["outcome"], "; ".join(d["warnings"]) or "see the report"))
    # A finding has no time of its own: the run's goes to the first case, so that the sum is the run's.
    cases[0].time = round(run_seconds(d) or 0.0, 3)
    for case in cases:
        suite.add_testcase(case)
    return suite


def _finding_case(classname: str, f: Mapping[str, Any], d: Document) -> TestCase:
    """Named by its question and subject, so that the history of a case goes on when its answer changes."""
    rows = ", ".join(review.rows_of(f, d))
    name = " ".join(part for part in (f["check"], f["subject"]["id"], f"({rows})" * bool(rows)) if part)
    if f["outcome"] == "pass":
        return _case(classname, name, "pass", "")
    whose = order.not_the_system([f["matter"]] if f["matter"] in order.MATTERS else [])
    more = [whose, f"try: {f['hint']}" if f["hint"] else "", f"deploydrill explain {f['code']}" if f["code"] else ""]
    return _case(classname, name, f["outcome"], f"{f['title']}: {f['sentence']}", f["code"], more)


def _case(classname: str, name: str, outcome: str, why: str, code: str = "", more: Sequence[str] = ()) -> TestCase:
    """``more`` are lines of the text below the message ``why``."""
    case = TestCase(one_line(name), classname=classname)
    if outcome != "pass":
        kind = Failure if outcome == "fail" else Error
        result = kind(one_line(why), code or outcome)
        result.text = "\n".join(one_line(line) for line in (why, *more) if line)
        case.result = [result]
    return case
