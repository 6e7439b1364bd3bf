"""Markdown, CSV, terminal, closing line and live view."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.model import Result
from harness.recording.events import Event, decode
from harness.report.data.junit import write_junit
from harness.report.data.tables import write_tables
from harness.report.documents import campaign
from harness.report.documents import sentences as words
from harness.report.documents.result import to_document
from harness.report.html.page import Extras, campaign_page, run_page
from harness.report.text.live import LiveView
from harness.report.text.markdown import campaign_markdown, run_markdown
from harness.report.text.terminal import attempts, closing_line, console, render_campaign, render_run
from tests.unit.report import build

ALL = (build.passing, build.failing, build.unknown)


def printed(result: Result) -> str:
    out = io.StringIO()
    console(out).print(render_run(result))
    return out.getvalue()


def headline(result: Result) -> str:
    document = to_document(result)
    return words.said(words.headline(document), document)


def test_the_verdict_is_put_in_words() -> None:
    assert headline(build.passing()) == "All claims held, those about operations by 5 runs each"
    assert headline(build.failing()) == "Refuted: no partial backup is ever the latest"
    assert headline(build.unknown()) == "Unknown: the load was a load"
    assert headline(replace(build.unknown(), findings=())) == "Unknown: nothing was judged"
    assert headline(replace(build.passing(), claims=())) == "Every check passed, 3 of 3"


def test_a_headline_counts_the_runs_that_claims_were_judged_by_and_not_the_repeats() -> None:
    base = build.passing()
    total = build.claim("requests", 0.0, [0.0], measure="bad", unit="requests")
    few = build.claim("deploy", 1.0, [0.0, 0.0, 0.0], measure="outage_s")
    said = headline(replace(base, claims=(*base.claims, few, total)))
    assert said == "All claims held, those about operations by 3 to 5 runs each"
    assert headline(replace(base, claims=(total,))) == "Every check passed, 3 of 3"
    undecided = {**few, "outcome": "unknown"}
    assert headline(replace(base, claims=(*base.claims, undecided))) == "Every check passed, 3 of 3"


def test_the_campaign_in_the_terminal_counts_the_bad_requests_that_the_verdict_counts() -> None:
    base = build.passing()
    out = io.StringIO()
    load = {**base.load, "counted": {"n": 75_506, "bad": 37}}
    console(out).print(render_campaign([replace(base, load=load), build.unknown()]))
    assert "37/75 506" in out.getvalue() and "0/61 204" not in out.getvalue()


@pytest.mark.parametrize(
    ("exit_", "expect", "bad"),
    [
        (0, "success", False),
        (1, "success", True),
        (0, "failure", True),
        (1, "failure", False),
        (0, "any", False),
        (1, "any", True),
        (None, "failure", True),
    ],
)
def test_a_failure_that_was_expected_did_not_end_badly(exit_: int | None, expect: str, bad: bool) -> None:
    assert words.ended_badly({"exit": exit_, "expect": expect}) is bad


def test_further_failures_are_counted_in_the_headline() -> None:
    result = build.failing()
    assert headline(replace(result, findings=(*result.findings, result.findings[2]))).endswith(
        "the latest (1 more finding)"
    )


def test_a_gap_longer_than_the_resolution_is_said_even_when_nothing_was_bad() -> None:
    base = build.passing()
    probe = {**base.load["probe"], "longest_gap_ms": 95.0}
    document = to_document(replace(base, load={**base.load, "probe": probe}))
    said = words.said(words.downtime(document), document)
    assert "longest gap without a success 95 ms at 12.3 ms resolution" in said
    assert "no gap seen" not in said


@pytest.mark.parametrize("make", ALL)
def test_terminal_output_fits_80_columns_and_has_no_colour_in_a_pipe(make: type[Result]) -> None:
    lines = printed(make()).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in "".join(lines)


def test_large_counts_stand_in_the_terminal_whole() -> None:
    claim = build.claim("requests", 1000.0, [1297.0], measure="bad", unit="requests")
    said = printed(replace(build.passing(), claims=(claim,)))
    (row,) = (line for line in said.splitlines() if "1 297" in line)
    assert row.split()[-7:] == ["1", "297", "1", "297", "1", "297", "1"]


def test_the_terminal_names_what_failed_and_how_to_do_it_again() -> None:
    text = " ".join(printed(build.failing()).split())
    assert "backup 20251123T1012 is 31 % of its size and is what `restore` would use" in text
    assert "again: deploydrill run disk_full --system naive --seed 7" in text
    assert "waived, not a pass: power_loss" in text


def test_a_campaign_fits_80_columns_and_lists_what_failed_first() -> None:
    out = io.StringIO()
    console(out).print(render_campaign([make() for make in ALL]))
    lines = out.getvalue().splitlines()
    assert max(len(line) for line in lines) <= 80
    assert [line.split()[1] for line in lines[1:] if line and line[0] in "✕?✓"][:3] == ["fail", "unknown", "pass"]


def test_a_campaign_says_each_reason_once_and_how_to_run_again_what_did_not_pass() -> None:
    lacks = [
        replace(build.with_outcome(build.unknown(), "unknown", "this host lacks a disk"), cell=c) for c in ("a", "b")
    ]
    out = io.StringIO()
    console(out).print(render_campaign([*lacks, build.passing()], Path("reports/x")))
    text = " ".join(out.getvalue().split())
    assert text.count("this host lacks a disk") == 1
    assert "? unknown disk_full:a, disk_full:b ? unknown a check [test.answer] this host lacks a disk" in text
    assert "again, what did not pass: deploydrill run --failed reports/x" in text
    out = io.StringIO()
    console(out).print(render_campaign([build.passing()] * 2, Path("reports/x")))
    assert "again" not in out.getvalue()


def test_a_campaign_names_every_check_that_failed_with_its_sentence() -> None:
    failing = build.failing()
    another = build.answer("fail", "a second check", "it saw something else")
    failing = replace(failing, findings=(*failing.findings, another))
    bad = [v for v in failing.findings if v.outcome == "fail"]
    assert len(bad) == 2
    out = io.StringIO()
    console(out).print(render_campaign([failing, build.passing()]))
    text = " ".join(out.getvalue().split())
    for finding in bad:
        assert f"✕ fail {finding.title} [test.answer] {' '.join(finding.sentence.split())}" in text


def test_a_warning_is_said_once_a_campaign_with_the_cells_it_is_about(tmp_path: Path) -> None:
    text = "no totals are declared"
    results = [replace(make(), warnings=(text,), cell=cell) for make, cell in zip(ALL, "abc", strict=True)]
    results.append(build.passing())
    document = campaign.to_campaign(tmp_path, [(r, tmp_path / str(n)) for n, r in enumerate(results)])
    assert document["warnings"] == [{"text": text, "cells": ["baseline:a", "disk_full:b", "disk_full:c"]}]
    out = io.StringIO()
    console(out).print(render_campaign(results))
    for told in (out.getvalue(), campaign_markdown(document).replace("\\", "")):
        assert (
            " ".join(told.split()).count("warning: no totals are declared (baseline:a, disk_full:b, disk_full:c)") == 1
        )


def test_a_hint_is_given_once_and_findings_of_one_code_share_their_title() -> None:
    twice = [replace(build.answer("fail", "a title", said), hint="try this") for said in ("one", "two")]
    text = " ".join(printed(replace(build.failing(), findings=tuple(twice))).split())
    assert "✕ fail a title [test.answer] one two try: try this" in text
    assert text.count("try this") == 1


def test_what_is_not_the_systems_stands_below_a_heading_that_says_so() -> None:
    busy = replace(build.answer("unknown", "late", "the prober was late"), matter="harness")
    document = replace(build.unknown(), findings=(busy, build.answer("unknown", "a read-back", "it failed")))
    for text in (printed(document), run_markdown(to_document(document))):
        assert text.index("a read-back") < text.index("Not the system: the harness") < text.index("the prober was late")
    assert headline(document) == "Unknown: a read-back (1 more finding)"


def test_attempts_are_listed_and_the_last_one_decides(tmp_path: Path) -> None:
    late = build.with_outcome(build.passing(), "unknown", "the prober was late")
    document = campaign.to_campaign(
        tmp_path, [(build.passing(), tmp_path / "a")], earlier=[(late, tmp_path / "attempts" / "a-1")]
    )
    (run,) = document["runs"]
    assert document["outcome"] == run["outcome"] == "pass"
    assert [(a["path"], a["outcome"]) for a in run["attempts"]] == [("attempts/a-1", "unknown"), ("a", "pass")]
    (line,) = attempts(document)
    assert "baseline:quick: unknown at first" in line and "attempt 2 decides: pass" in line
    assert "was run again, the last attempt decides: unknown" in campaign_markdown(document)


def test_the_closing_line_is_for_scripts() -> None:
    results = [make() for make in ALL]
    assert (
        closing_line("fail", results, Path("reports/x"))
        == "outcome=fail runs=3 failed=1 unknown=1 report=reports/x/report.html"
    )


def test_markdown_has_the_verdict_first() -> None:
    text = run_markdown(to_document(build.failing()))
    assert text.startswith("## ✕ fail: disk\\_full")
    assert text.index("✕ fail: **no partial") < text.index("? unknown: **validation")


def reviewed() -> Result:
    result = build.failing()
    failed = next(f for f in result.findings if f.outcome == "fail")
    return replace(result, review={**build.REVIEW, "codes": {failed.code: ["R88"]}})


def test_a_system_with_a_review_has_its_column_and_its_rows_everywhere(tmp_path: Path) -> None:
    document = to_document(reviewed())
    merged = campaign.to_campaign(tmp_path, [(reviewed(), tmp_path / "a")])
    for text in (run_markdown(document), campaign_markdown(merged)):
        assert "| review: realistic |" in text
        assert "300 to 900 s (R103)" in text
    assert "(R88)" in run_markdown(document)
    assert "codes" not in merged["review"]
    write_tables([document], tmp_path)
    table = list(csv.DictReader((tmp_path / "findings.csv").read_text().splitlines()))
    assert [row["review"] for row in table if row["outcome"] == "fail"] == ["R88"]
    assert "(R88)" in write_junit([document], tmp_path / "junit.xml").read_text()
    assert "(R88)" in printed(reviewed())
    for page in (run_page(document, Extras()), campaign_page(merged, None)):
        assert "Review’s realistic" in page
        assert "5–15 min" in page
        assert "R103, claimed 1–2 min" in page


def test_no_other_report_knows_of_a_review(tmp_path: Path) -> None:
    document = to_document(build.failing())
    merged = campaign.to_campaign(tmp_path, [(build.failing(), tmp_path / "a")])
    write_tables([document], tmp_path)
    texts = [
        run_markdown(document),
        campaign_markdown(merged),
        run_page(document, Extras()),
        campaign_page(merged, None),
        (tmp_path / "findings.csv").read_text(),
    ]
    assert not any("review" in text.lower() for text in texts)


def test_a_campaign_adds_up_the_claims_of_its_runs(tmp_path: Path) -> None:
    runs = [(make(), tmp_path / name) for name, make in zip("abc", ALL, strict=True)]
    document = campaign.to_campaign(tmp_path, runs)
    assert document["outcome"] == "fail"
    assert [r["path"] for r in document["runs"]] == ["a", "b", "c"]
    deploy = next(c for c in document["claims"] if c["subject"] == "deploy")
    assert (deploy["n"], len(deploy["run_medians"]), deploy["refuted_by"]) == (10, 2, [])
    backup = next(c for c in document["claims"] if c["subject"] == "backup" and c["outcome"] == "fail")
    assert backup["refuted_by"] == ["disk_full:backup disk, at 31 %"]
    assert "| 10 | none |" in campaign_markdown(document)


def test_a_campaign_of_no_runs_is_unknown(tmp_path: Path) -> None:
    document = campaign.to_campaign(tmp_path, [])
    assert document["outcome"] == "unknown"
    assert "no run was judged" in campaign_markdown(document)


def test_tables_have_one_row_a_thing(tmp_path: Path) -> None:
    documents = [to_document(make()) for make in ALL]
    rows = {p.name: list(csv.DictReader(p.read_text().splitlines())) for p in write_tables(documents, tmp_path)}
    assert len(rows["findings.csv"]) == sum(len(d["findings"]) for d in documents)
    assert len(rows["measurements.csv"]) == sum(len(m["values"]) for d in documents for m in d["measurements"])
    assert float(rows["measurements.csv"][0]["value"]) == documents[0]["measurements"][0]["values"][0]
    assert len(rows["operations.csv"]) == 60


EVENTS = [
    {"kind": "run.start"},
    {"kind": "island.up", "island": "root"},
    {"kind": "system.up", "version": "1", "seconds": 0.61},
    {"kind": "load.start", "profile": "closed", "users": 12},
    {"kind": "load.steady", "rate_per_s": 297.9, "ok": True, "seconds": 2.0},
    {"kind": "operation.start", "id": "backup-1", "name": "backup", "repeat": 1, "warmup": False},
    {"kind": "phase", "operation": "backup-1", "phase": "backup.copy", "event": "start", "gate_ns": 0},
    {"kind": "fault.planned", "id": "f1", "name": "disk_full", "parameters": {}, "at": "backup.copy.start", "hold": 1},
    {"kind": "fault.injected", "id": "f1"},
    {"kind": "fault.confirmed", "id": "f1", "applied": True, "felt": False, "said": "ENOSPC"},
    {
        "kind": "operation.stop",
        "id": "backup-1",
        "name": "backup",
        "repeat": 1,
        "warmup": False,
        "expect": "any",
        "start_ns": 0,
        "gate_ns": 0,
        "exit": None,
        "blocked_on": "fsync",
    },
    {"kind": "fault.healed", "id": "f1", "ok": False},
    {"kind": "recovered", "after": "backup-1", "start_ns": 1, "seconds": 0.4, "ok": True},
    {"kind": "something.new", "who": "knows"},
    {"kind": "recording.complete", "events": 14},
]


def event(fields: Mapping[str, Any], t: int, n: int = 0) -> Event:
    return decode(json.dumps({"t": t, "w": 0, "n": n, **fields}).encode())


def fed(live: bool) -> str:
    out = io.StringIO()
    with LiveView(out, live=live) as view:
        view.run("disk_full on hardened, 1 of 2")
        for n, fields in enumerate(EVENTS):
            view.event(event(fields, n * 10**9, n))
    return out.getvalue()


def test_without_a_terminal_each_event_is_one_line() -> None:
    lines = fed(live=False).splitlines()
    assert lines[0] == "disk_full on hardened, 1 of 2"
    assert "    5.0 s  backup-1 starts" in lines
    assert any("still running at its deadline" in line and "blocked on fsync" in line for line in lines)
    assert any("NOT healed" in line for line in lines)
    assert len(lines) == 1 + len(EVENTS) - 3  # the title; phases, plans and the closing event make no line


@pytest.mark.usefixtures("clock")
def test_the_live_table_shows_where_the_run_is() -> None:
    view = LiveView(io.StringIO(), live=True)
    for n, fields in enumerate(EVENTS[:7]):
        view.event(event(fields, n * 10**9, n))
    out = io.StringIO()
    console(out).print(view._table())
    assert "backup-1 starts" in out.getvalue() and "backup.copy start" in out.getvalue()
    assert "load is steady: 298 requests a second" in out.getvalue()


def test_lines_of_runs_side_by_side_begin_with_the_name_of_their_run() -> None:
    out = io.StringIO()
    with LiveView(out, live=False) as view:
        for run in ("disk_full:in-restore", "a:b"):
            view.run(f"{run} on hardened", run)
            view.event(event(EVENTS[0], 10**9), run)
        view.event(event(EVENTS[0], 3 * 10**9), "a:b")
        view.end("a:b", "pass: a:b")
    lines = out.getvalue().splitlines()
    assert lines[-2].startswith("a:b                     2.0 s  ")
    assert lines[1] == "disk_full:in-restore    0.0 s  run begins"
    assert lines[-1] == "pass: a:b"


@pytest.mark.usefixtures("clock")
def test_the_live_table_has_a_block_a_run_until_it_ends() -> None:
    view = LiveView(io.StringIO(), live=True)
    for run in ("one", "two"):
        view.run(f"{run} on hardened", run)
        view.event(event(EVENTS[0], 10**9), run)

    def shown() -> str:
        out = io.StringIO()
        console(out).print(view._table())
        return out.getvalue()

    assert "one on hardened" in shown() and "two on hardened" in shown()
    view.end("one", "pass: one")
    assert "one on hardened" not in shown() and "two on hardened" in shown()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_no_color_is_obeyed_on_a_terminal(no_color: str, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", no_color)
    out = Terminal()
    console(out).print(render_run(build.failing()))
    assert ("\x1b[1;31m" in out.getvalue()) is coloured
