"""The page and the terminal of a discrimination: every flaw and scenario, each number from discriminate.json."""

from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.flaws import classification as marks
from harness.campaign.flaws.classification import Mark, Shown
from harness.campaign.flaws.matrix import RowKind
from harness.report import render
from harness.report.documents.discrimination import (
    grid,
    headline,
    signs,
    to_discrimination,
    write_discrimination,
)
from harness.report.documents.sentences import said
from harness.report.text import terminal
from tests.unit.report.page import Page, wrong

HOSTILE = "<script>alert(1)</script> \x1b[31m of the kit's own"


def run(kind: RowKind, marked: Mark, flaws: tuple[str, ...], where: str, seed: int = 1, **more: Any) -> Shown:
    scenario, _, cell = where.partition(":")
    row = {"clean": f"clean-{seed}", "flaw": f"flaw-{flaws[0] if flaws else ''}", "all": "all-flaws"}[kind]
    expected: Any = {"clean": "green", "flaw": "red", "all": "red"}[kind]
    path = "" if marked == "not run" else f"{row}/{scenario}-{cell}"
    one = Shown(row, kind, flaws, scenario, cell, seed, expected, None, marked, path=path)
    return Shown(**{**{f: getattr(one, f) for f in one.__slots__}, **more})


FLAWS: dict[str, Mark] = {"no_lock": "caught", "slow": "escaped", "loud": "other reason", "late": "unknown"}
SIGNS: dict[str, dict[str, Any]] = {
    "no_lock": {
        "codes": ["operations.overlapped", "operation.failed | operation.hung"],
        "where": {"overlaps": {"both_succeeded": True, "seconds": [1.5, 2]}, "name": "deploy"},
        "observation": "",
    }
}
RUNS = (
    *(run("clean", "quiet", (), "race:two", seed) for seed in range(1, 20)),
    run("clean", "false alarm", (), "race:two", 20, sentence=f"the lock: {HOSTILE}"),
    run("flaw", "caught", ("no_lock",), "race:two", sentence="both were inside for 1.25 s"),
    run("flaw", "escaped", ("slow",), "disk_full:half", sentence="every check passed"),
    run("flaw", "other reason", ("loud",), "disk_full:half", sentence=f"something else: {HOSTILE}"),
    run("flaw", "red", ("loud",), "race:two", expected="", sentence="not asked"),
    run("flaw", "not run", ("late",), "race:two"),
    run("flaw", "unknown", ("late",), "disk_full:half", sentence="the load was never steady"),
    run("all", "caught", tuple(FLAWS), "race:two", sentence="both were inside"),
)


def made(runs: tuple[Shown, ...] = RUNS, **more: Any) -> dict[str, Any]:
    flaws = [
        {
            "name": name,
            "about": f"what {name} does",
            "shown_by": ["race:two"],
            **SIGNS.get(name, {"codes": [], "where": {}, "observation": r"inside for \d+"}),
            "mark": mark,
            "found": ["operations.overlapped"] if mark == "caught" else [],
            "sentence": next((r.sentence for r in runs if r.flaws == (name,) and r.mark == mark), ""),
            "caught": int(mark == "caught"),
            "runs": 1,
        }
        for name, mark in FLAWS.items()
    ]
    document = to_discrimination(
        outcome=marks.verdict(runs),
        system="shop",
        seed=1,
        flaws=flaws,
        cells=["race:two", "disk_full:half"],
        runs=[asdict(r) for r in runs],
        detection=[asdict(t) for t in marks.tallies(runs, "flaw")],
        false_alarms=[asdict(t) for t in marks.tallies(runs, "clean")],
        left_out=["hidden: no cell of theirs is selected"],
        warnings=["begun by another version"],
        options={},
        host={"cpus": 2, "memory_bytes": 2**34},
        provenance=dict.fromkeys(("started_utc", "deploydrill", "commit", "system_hash", "command"), "deploydrill"),
    )
    return {**json.loads(json.dumps(document)), **more}


@pytest.fixture
def page(tmp_path: Path) -> tuple[Page, str]:
    write_discrimination(made(), tmp_path)
    render.render_discrimination(tmp_path, runs_too=False)
    html = (tmp_path / "report.html").read_text()
    return Page(html), html


def test_every_number_and_sentence_on_the_page_is_that_of_the_document(page: tuple[Page, str]) -> None:
    shown_as = json.loads(json.dumps(made()).replace(r"\u001b[31m", ""))
    assert wrong(page[0], shown_as) == []
    shown = {p.text for p in page[0].pieces}
    assert {"both were inside for 1.25 s", "every check passed", "the load was never steady"} <= shown


def test_a_flaw_is_shown_with_the_codes_it_names_and_those_that_were_found(page: tuple[Page, str]) -> None:
    document = made()
    assert said(signs("flaws.0", document["flaws"][0]), document) == (
        "operations.overlapped and operation.failed | operation.hung, where overlaps.both_succeeded is True and "
        "overlaps.seconds is 1.5 or 2 and name is deploy"
    )
    assert said(signs("flaws.1", document["flaws"][1]), document) == r"a sentence that matches inside for \d+"
    shown = [p.source for p in page[0].pieces]
    assert "flaws.0.codes.1" in shown
    assert "flaws.0.where.overlaps.seconds.1" in shown
    assert "flaws.0.found.0" in shown


def test_each_run_that_was_made_is_linked_and_what_the_system_says_is_only_text(page: tuple[Page, str]) -> None:
    links = {link for link in page[0].links if link.endswith("report.html")}
    assert "flaw-loud/race-two/report.html" in links
    assert "flaw-late/race-two/report.html" not in links
    assert "clean-20/race-two/report.html" in links  # of the clean runs the one that was red
    assert "script" not in page[0].tags
    assert "\x1b" not in page[1]


def test_clean_runs_of_a_cell_are_one_field_that_counts_them() -> None:
    scenarios, rows = grid(made())
    assert scenarios == ["race", "disk_full"]
    (field,) = dict(rows)["no flaw"]["race"]
    assert (len(field.runs), field.as_expected) == (20, 19)
    assert made()["runs"][field.runs[0]]["mark"] == "false alarm"
    assert list(dict(rows)) == ["no flaw", *FLAWS, "all at once"]


def test_the_headline_counts_flaws_and_clean_runs() -> None:
    document = made()
    assert said(headline(document), document) == (
        "1 of 4 flaws caught, 2 escaped, 1 not decided; 1 of 20 clean runs red"
    )


def test_the_headline_says_when_nothing_was_run_without_a_flaw() -> None:
    document = made()
    document["counts"] |= {"clean": 0, "clean_unknown": 0, "false_alarms": 0}
    assert said(headline(document), document).endswith("1 not decided; no run without a flaw was made")


def test_a_terminal_has_80_columns_and_the_last_line_is_for_scripts() -> None:
    out = io.StringIO()
    document = made()
    terminal.console(out).print(terminal.render_discrimination(document))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in out.getvalue()
    assert any(line.startswith("race ") and "1 of 1, 2.50 % to 100 %" in line for line in lines)
    assert any(line.startswith("all ") and "1 of 20, 0.127 % to 24.9 %" in line for line in lines)
    assert terminal.discrimination_line(document, Path("r/report.html")) == (
        "outcome=fail flaws=4 caught=1 escaped=2 undecided=1 clean=20 false_alarms=1 report=r/report.html"
    )
