"""A system under test may write anything; none of it may act on whoever reads the report."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model import Result
from harness.recording.events import Warned
from harness.report import render
from harness.report.data.tables import write_tables
from harness.report.documents import campaign
from harness.report.documents.clean import CLIP_BYTES, clean, tail
from harness.report.documents.result import read_result, to_document, write_result
from harness.report.text import terminal
from harness.report.text.live import LiveView
from tests.unit.report import build
from tests.unit.report.page import Page

NASTY = (
    "\x1b[31mred\x1b[0m\x1b]0;title\x07 <script>alert(1)</script> {{ 7*7 }} \x00\x08 \u202egnp.exe | `x` =1+1 &amp; ]]>"
)


def hostile() -> Result:
    result = build.failing()
    operations = [{**o, "blocked_on": NASTY, "output": NASTY, "attributes": {NASTY: NASTY}} for o in result.operations]
    return replace(
        result,
        system=NASTY,
        findings=(build.answer("fail", NASTY, NASTY), *result.findings),
        warnings=(NASTY,),
        waived=({"name": NASTY, "reason": NASTY, "until": NASTY},),
        operations=tuple(operations),
        faults=tuple(
            {**f, "name": f"$\\alpha$ {NASTY}", "said": NASTY, "parameters": {NASTY: NASTY}} for f in result.faults
        ),
        outages=tuple({**o, "channel": NASTY, "phase": NASTY, "kinds": {NASTY: 1}} for o in result.outages),
        observations=tuple({**o, "error": NASTY, "label": NASTY} for o in result.observations),
        reproduce=NASTY,
    )


@pytest.fixture(scope="module")
def campaign_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of one hostile run, in its folder ``run``. Tests only read it."""
    root = tmp_path_factory.mktemp("hostile")
    folder = root / "run"
    build.recording(folder)
    (folder / "logs" / "nested").mkdir()
    (folder / "logs" / "nested" / "app.log").write_bytes(NASTY.encode() + b"\xff\xfe\x9b31m\xc3(\n")
    (folder / "logs" / "long.log").write_bytes(b"x<b>" * 250_000)
    (folder / "operations" / "backup-3.out").write_bytes(b"\x80\x81<img src=x onerror=alert(1)>\x1b[2J")
    write_result(hostile(), folder)
    campaign.write_campaign(root, [(hostile(), folder)])
    render.render(root)
    return root


@pytest.fixture
def run(campaign_folder: Path) -> Path:
    return campaign_folder / "run"


def test_nothing_of_the_system_becomes_markup(run: Path) -> None:
    html = (run / "report.html").read_text(encoding="utf-8")
    page = Page(html)  # raises on a tag that closes another
    assert not {"script", "img", "b"} & set(page.tags)
    assert "&lt;script&gt;alert(1)" in html
    assert "49" not in [p.text for p in page.pieces]
    assert not any(c in html for c in "\x1b\x00\x08\x9b\u202e")


def test_a_line_of_a_megabyte_is_clipped_and_the_page_stays_small(run: Path) -> None:
    page = run / "report.html"
    assert page.stat().st_size < 3_000_000
    assert tail(run / "logs" / "long.log", "long").left_out == 1_000_000 - CLIP_BYTES
    assert "kB before this are in" in page.read_text()


def test_junit_of_hostile_text_is_well_formed(run: Path) -> None:
    root = ET.parse(run / "junit.xml").getroot()
    assert len(root.findall(".//failure")) == 2


def test_markdown_of_hostile_text_has_no_active_markup(run: Path) -> None:
    text = (run / "report.md").read_text()
    prose = [line for line in text.splitlines() if not line.startswith("    ")]  # indented: code, shown as it is
    assert not any("<script>" in line.replace("\\<script\\>", "") for line in prose)
    assert "\x1b" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(row.replace("\\|", "").count("|") in (4, 6, 8) for row in rows)


def test_a_cell_that_looks_like_a_formula_is_quoted(tmp_path: Path) -> None:
    result = replace(build.passing(), findings=(build.answer("fail", "=cmd|' /C calc'!A0", "+1"),))
    write_tables([to_document(result)], tmp_path)
    line = (tmp_path / "findings.csv").read_text().splitlines()[1]
    assert "'=cmd" in line and ",'+1," in line


def test_the_terminal_gets_no_escape_sequence_of_the_system() -> None:
    out = io.StringIO()
    console = terminal.console(out)
    console.print(terminal.render_run(hostile()))
    console.print(terminal.render_campaign([hostile()]))
    with LiveView(out) as view:
        view.event(Warned(text=NASTY, t=1))
    assert not any(c in out.getvalue() for c in "\x1b\x07\x08\x00\u202e")


def test_a_campaign_of_hostile_runs_becomes_no_markup(campaign_folder: Path) -> None:
    assert "script" not in Page((campaign_folder / "report.html").read_text()).tags


@given(st.text() | st.binary().map(lambda b: b.decode("latin-1")))
def test_clean_text_has_no_control_characters_and_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text)
    assert not any(ord(c) < 32 and c not in "\n\t" for c in once)
    assert clean(once) == once


def test_a_document_holds_nothing_a_terminal_acts_on_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    result = replace(build.passing(), title="\x9b31m\u202e\ud800\x7f ü")
    text = write_result(result, tmp_path).read_text(encoding="utf-8")
    assert not any(c in text for c in "\x9b\u202e\x7f")
    assert read_result(tmp_path).title == result.title
