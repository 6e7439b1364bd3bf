from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.report import render
from harness.report.documents import campaign
from harness.report.documents.result import read_document, to_document, write_result
from harness.report.html.drawing import WIDE
from harness.report.html.figures import waterfall_svg
from harness.report.html.page import Extras, run_page
from tests.unit.report import build
from tests.unit.report.page import Page, wrong

RUNS = {"pass": build.passing, "fail": build.failing, "unknown": build.unknown}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of one run of each outcome; each run is in the folder named for it. Tests only read it."""
    root = tmp_path_factory.mktemp("reports")
    runs = [(make(), build.recording(root / name)) for name, make in RUNS.items()]
    for result, folder in runs:
        write_result(result, folder)
    campaign.write_campaign(root, runs)
    render.render(root)
    return root


def html_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RUNS)
def test_every_number_on_a_run_page_is_that_of_result_json(name: str, reports: Path) -> None:
    page = Page(html_of(reports / name))
    assert wrong(page, read_document(reports / name / "result.json")) == []
    assert sum(1 for p in page.pieces if p.mark == "data-path") > 10


def test_a_number_that_differs_from_result_json_is_noticed(reports: Path) -> None:
    html = html_of(reports / "pass")
    document = read_document(reports / "pass" / "result.json")
    document["claims"][0]["median"] *= 1.01
    assert [w for w in wrong(Page(html), document) if w.startswith("claims.0.median")]


def test_a_derived_number_that_differs_is_noticed(reports: Path) -> None:
    html = html_of(reports / "pass")
    document = read_document(reports / "pass" / "result.json")
    document["provenance"]["seconds"] += 1
    assert [w.partition(":")[0] for w in wrong(Page(html), document) if "and it is" in w] == ["run_seconds"]


def test_every_number_on_a_campaign_page_is_that_of_campaign_json(reports: Path) -> None:
    page = Page(html_of(reports))
    assert wrong(page, read_document(reports / "campaign.json")) == []
    run_pages = [link for link in page.links if link.endswith("report.html")]
    assert sorted(set(run_pages)) == [f"{name}/report.html" for name in sorted(RUNS)]


def test_faults_stand_below_the_phase_they_were_put_into_with_what_sets_them_apart(tmp_path: Path) -> None:
    moments = {"one": "backup.copy.start #1", "two": "backup.copy.start #12 for 3 s", "three": "backup.stop #1"}
    runs = [
        (replace(build.failing(), cell=cell, faults=({**build.failing().faults[0], "at": at},)), tmp_path / cell)
        for cell, at in moments.items()
    ]
    for result, folder in runs:
        write_result(result, folder)
    campaign.write_campaign(tmp_path, runs, not_run=["baseline:once"])
    render.render_campaign(tmp_path, runs_too=False)
    html = html_of(tmp_path)
    table = html[html.index('id="matrix"') :].partition("</table>")[0]
    words = [" ".join(re.sub(r"<[^>]*>", " ", cell).split()) for cell in re.split("<t[hd]>", table)[1:]]
    assert words == ["Fault", "backup", "backup.copy", "disk_full", "✕ three stop", "✕ one ✕ two #12 for 3 s"]
    assert "Never begun, and so not a pass" in html and "baseline:once" in html
    assert wrong(Page(html), read_document(tmp_path / "campaign.json")) == []


def test_of_many_runs_the_extremes_of_the_medians_are_shown(tmp_path: Path) -> None:
    runs = [(replace(build.passing(), cell=f"c{n}"), tmp_path / f"c{n}") for n in range(8)]
    for result, folder in runs:
        write_result(result, folder)
    campaign.write_campaign(tmp_path, runs)
    render.render_campaign(tmp_path, runs_too=False)
    page = Page(html_of(tmp_path))
    assert sum(".run_medians." in p.source for p in page.pieces) == 2 * len(build.passing().claims)
    assert "of 8 runs" in [p.text for p in page.pieces]
    assert wrong(page, read_document(tmp_path / "campaign.json")) == []


@pytest.mark.parametrize("name", ["", *RUNS])
def test_a_page_needs_neither_network_nor_scripts(name: str, reports: Path) -> None:
    html = html_of(reports / name)
    page = Page(html)
    assert "script" not in page.tags
    assert [link for link in page.links if "//" in link] == []
    assert "default-src 'none'" in html
    assert "@import" not in html and "url(http" not in html


def test_rendering_twice_gives_the_same_bytes(reports: Path) -> None:
    first = {p.name: p.read_bytes() for p in (reports / "fail").iterdir() if p.is_file()}
    second = {p.name: p.read_bytes() for p in render.render_run(reports / "fail")}
    assert [name for name in second if first[name] != second[name]] == []
    assert {"report.html", "report.md", "junit.xml", "findings.csv", "timeline.png"} <= set(second)


def test_zero_is_never_bare(reports: Path) -> None:
    text = " ".join(p.text for p in Page(html_of(reports / "pass")).pieces).replace("\u202f", " ")
    text = " ".join(text.split()).replace(" ,", ",")
    assert "0 bad of 61 204 at a 1 s deadline, no gap seen at 12.3 ms resolution, rate <= 0.00489 % (95 %)" in text


def test_failing_verdicts_come_first_and_each_outcome_is_a_word(reports: Path) -> None:
    html = html_of(reports / "fail")
    table = html[html.index('id="findings"') :]
    assert table.index("✕ fail") < table.index("? unknown") < table.index("✓ pass")


def test_a_run_that_measured_nothing_still_has_a_page_that_says_so(reports: Path) -> None:
    text = " ".join(p.text for p in Page(html_of(reports / "unknown")).pieces)
    assert "Unknown:" in text
    assert "the load did not become steady in 10 s" in text
    assert "nothing can be said about downtime" in text


def test_a_folder_with_result_json_alone_can_be_rendered(tmp_path: Path) -> None:
    write_result(build.failing(), tmp_path)
    assert (tmp_path / "report.html") in render.render_run(tmp_path)
    assert "no space left on device" in (tmp_path / "report.html").read_text()


def test_a_waive_that_has_expired_is_said_to_have() -> None:
    result = build.failing()
    document = to_document(replace(result, waived=({**result.waived[0], "expired": True},)))
    assert "expired, it no longer counts" in run_page(document, Extras())


def test_the_number_beside_a_phase_leaves_out_what_we_held_it() -> None:
    base = build.passing()
    held = [{**s, "gate_s": 0.5, "stop_s": s["stop_s"] + 0.5} for s in base.spans]
    shown, without = (
        set(re.findall(r">\s*([\d.]+ s)\s*<", waterfall_svg(to_document(replace(base, spans=tuple(spans))), WIDE)))
        for spans in (held, [{**s, "gate_s": 0.0} for s in base.spans])
    )
    assert shown == without and shown
