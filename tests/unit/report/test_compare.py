"""Two reports beside each other: nothing is called better or worse that is not, and what was unlike is said first."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cli import main as cli
from harness.cli import reports
from harness.errors import HarnessError
from harness.model import Measurement, Result
from harness.report.documents import campaign
from harness.report.documents.comparison import compare
from harness.report.documents.result import write_result
from harness.report.text import terminal
from harness.report.text.comparison import render_comparison
from harness.report.text.markdown import comparison_markdown
from tests.unit.report import build
from tests.unit.report.test_hostile_text import NASTY, hostile

TIMES = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7)


def saved(folder: Path, result: Result, **plan: Any) -> Path:
    """The folder of a run."""
    write_result(result, folder)
    known = {"size_bytes": 20_000_000, "users": 12, "variants": []}
    (folder / "run.json").write_text(json.dumps({"plan": {**known, **plan}}))
    return folder


def several(folder: Path, *results: Result) -> Path:
    """The folder of a campaign."""
    runs = [(r, saved(folder / f"{r.scenario}-{r.cell}", r)) for r in results]
    campaign.write_campaign(folder, runs)
    return folder


def timed(*values: float) -> Result:
    return replace(build.passing(), measurements=(Measurement("deploy", "s", tuple(values), 0.01),))


def said(folder_a: Path, folder_b: Path) -> str:
    out = io.StringIO()
    terminal.console(out).print(render_comparison(compare(folder_a, folder_b)))
    return out.getvalue()


def ended(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(["compare", *map(str, words)])
    assert isinstance(left.value.code, int)
    return left.value.code, *capsys.readouterr()


def test_the_same_twice_is_nothing_worse_and_nothing_unlike(tmp_path: Path) -> None:
    a, b = (saved(tmp_path / name, build.passing()) for name in "ab")
    document = compare(a, b)
    assert (document["outcome"], document["same"], document["unlike"]) == ("pass", 1, [])
    assert {t["says"] for t in document["cells"][0]["timings"]} == {"within the spread"}
    assert {t["ratio"] for t in document["cells"][0]["timings"]} == {1.0}


@pytest.mark.parametrize(
    ("then", "now", "code", "change"),
    [
        ("pass", "fail", 1, "worse"),
        ("unknown", "fail", 1, "worse"),
        ("pass", "unknown", 3, "unknown"),
        ("unknown", "unknown", 3, "unknown"),
        ("fail", "unknown", 3, "unknown"),
        ("fail", "pass", 0, "better"),
        ("fail", "fail", 0, "same"),
    ],
)
def test_the_exit_code_says_what_became_of_it(
    then: Any, now: Any, code: int, change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = replace(build.passing(), claims=())
    a, b = (
        saved(tmp_path / name, build.with_outcome(plain, outcome, f"so it was {outcome}"))
        for name, outcome in (("a", then), ("b", now))
    )
    exit_, out, _ = ended(capsys, a, b)
    assert exit_ == code
    assert f" {change} " in out
    assert out.splitlines()[-1].startswith(f"compared=1 worse={int(change == 'worse')} ")
    assert (f"so it was {now}" in out) is (then != now)


def test_a_run_that_failed_without_a_check_that_says_why_is_worse_all_the_same(tmp_path: Path) -> None:
    then = replace(build.passing(), claims=(), findings=())
    assert compare(saved(tmp_path / "a", then), saved(tmp_path / "b", replace(then, outcome="fail")))["worse"] == 1


def test_another_check_that_fails_in_a_cell_that_failed_before_is_worse(tmp_path: Path) -> None:
    first = build.answer("fail", "a check", "the old reason")
    other = build.answer("fail", "another check", "the new reason")
    then = replace(build.passing(), outcome="fail", findings=(first,))
    a, b = saved(tmp_path / "a", then), saved(tmp_path / "b", replace(then, findings=(first, other)))
    assert compare(a, b)["outcome"] == "fail"
    assert "the new reason" in said(a, b) and "the old reason" not in said(a, b)
    assert compare(b, a)["outcome"] == "pass"


def test_a_claim_that_is_newly_refuted_is_worse_also_where_the_cell_failed_before(tmp_path: Path) -> None:
    failed = build.answer("fail", "a check", "always")
    then = replace(build.passing(), outcome="fail", findings=(failed,), claims=(build.claim("deploy", 2, [1.0, 1.5]),))
    now = replace(then, claims=(build.claim("deploy", 2, [1.0, 2.5]),))
    document = compare(saved(tmp_path / "a", then), saved(tmp_path / "b", now))
    assert (document["outcome"], document["cells"][0]["claims"][0]["worse"]) == ("fail", True)


@pytest.mark.parametrize(
    ("other", "plan", "what", "words"),
    [
        (lambda r: replace(r, seed=7), {}, "seed", "42 in A, 7 in B"),
        (lambda r: r, {"size_bytes": 5}, "size, bytes", "20000000 in A, 5 in B"),
        (lambda r: r, {"variants": ["slow"]}, "flaws", "none in A, slow in B"),
        (lambda r: replace(r, system="other"), {}, "system", "in A, other in B"),
        (lambda r: replace(r, host={**r.host, "cpus": 96}), {}, "host cpus", "in A, 96 in B"),
        (lambda r: replace(r, host={**r.host, "disks": {"data": "tape"}}), {}, "disks", "in A, data: tape in B"),
        (
            lambda r: replace(r, provenance={**r.provenance, "files": {"kit.py": "beef"}}),
            {},
            "files of the system",
            "kit.py",
        ),
    ],
)
def test_what_was_unlike_is_named_before_all_else(
    other: Callable[[Result], Result], plan: dict[str, Any], what: str, words: str, tmp_path: Path
) -> None:
    one = replace(build.passing(), seed=42)
    a, b = saved(tmp_path / "a", one), saved(tmp_path / "b", other(one), **plan)
    text = " ".join(said(a, b).split())
    assert f"not like for like: {what}: " in text
    assert words in text
    assert text.index("not like for like") < text.index("cell A B")
    assert f"**not like for like**: {what}" in comparison_markdown(compare(a, b))


def test_a_folder_without_its_plan_does_not_pass_for_alike(tmp_path: Path) -> None:
    a, b = (saved(tmp_path / name, build.passing()) for name in "ab")
    (b / "run.json").unlink()
    assert {u["what"]: (u["a"], u["b"]) for u in compare(a, b)["unlike"]}["size, bytes"] == ("20000000", "not known")


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (TIMES, tuple(2 * t for t in TIMES), "differs"),
        (TIMES, tuple(t + 0.05 for t in TIMES), "within the spread"),
        (TIMES[:3], tuple(9 * t for t in TIMES[:3]), "n too small to tell"),
    ],
)
def test_a_timing_differs_only_by_more_than_it_scatters_and_a_slower_one_is_not_a_verdict(
    a: tuple[float, ...], b: tuple[float, ...], says: str, tmp_path: Path
) -> None:
    document = compare(saved(tmp_path / "a", timed(*a)), saved(tmp_path / "b", timed(*b)))
    (timing,) = document["cells"][0]["timings"]
    assert (timing["says"], timing["a"]["n"], timing["b"]["max"]) == (says, len(a), max(b))
    assert document["outcome"] == "pass"


def test_what_is_in_only_one_of_them_is_listed_and_leaves_a_question_open(tmp_path: Path) -> None:
    other = replace(build.passing(), scenario="another")
    a, b = several(tmp_path / "a", build.passing(), other), several(tmp_path / "b", build.passing())
    assert compare(a, b)["outcome"] == "unknown"
    assert "only in A: another:" in said(a, b)
    assert compare(b, a)["outcome"] == "pass"  # it is new, and passes
    assert "only in B: another:" in said(b, a)


def test_a_run_is_compared_with_its_cell_of_a_campaign_and_nothing_in_common_is_an_error(tmp_path: Path) -> None:
    whole = several(tmp_path / "a", build.passing())
    assert compare(whole, next(whole.glob("*/result.json")).parent)["outcome"] == "pass"
    other = saved(tmp_path / "b", replace(build.passing(), scenario="another"))
    with pytest.raises(HarnessError, match="no cell is in both"):
        compare(whole, other)


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema": 1}', '{"schema": 9}'])
def test_a_folder_that_holds_no_report_is_a_usage_error(
    content: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = saved(tmp_path / "a", build.passing()), tmp_path / "b"
    if content is not None:
        bad.mkdir()
        (bad / "result.json").write_text(content)
    code, out, err = ended(capsys, good, bad)
    assert (code, out, str(bad) in err, "\ntry: " in err) == (64, "", True, True)


def test_all_three_forms_hold_the_same_and_fit_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = saved(tmp_path / "a", timed(*TIMES)), saved(tmp_path / "b", timed(*(2 * t for t in TIMES)))
    assert reports.compare(a, b, as_json=True, summary=tmp_path / "new" / "compared.md") == 0
    *document, _ = capsys.readouterr().out.splitlines()
    assert json.loads("\n".join(document)) == compare(a, b)
    markdown = (tmp_path / "new" / "compared.md").read_text()
    assert "| deploy | 1.35 s 1 to 1.7, n = 8 | 2.7 s 2 to 3.4, n = 8 | 2 | differs |" in markdown
    assert max(map(len, said(a, b).splitlines())) <= 80
    assert " ".join(["deploy", "1.35", "s", "2.7", "s", "2", "differs"]) in " ".join(said(a, b).split())


def test_hostile_text_acts_on_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = saved(tmp_path / "a", replace(hostile(), outcome="pass", findings=()))
    b = saved(tmp_path / "b", replace(hostile(), host={"cpus": NASTY, "disks": {NASTY: NASTY}}))
    reports.compare(a, b, as_json=True)
    for text in (said(a, b), comparison_markdown(compare(a, b)), capsys.readouterr().out):
        assert not any(c in text for c in "\x1b\x07\x08\x00\x9b\u202e")
    assert "<script>" not in comparison_markdown(compare(a, b)).replace("\\<script\\>", "")
