"""A system under test that means harm to whoever reads about it, driven for once: its words neither act on anybody, nor
fill anything, nor give away what it saw of its environment."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

from harness.host.outputs import MOST_BYTES
from tests.e2e.command import Done, deploydrill, refuted
from tests.e2e.command_line.test_report_in_browser import SIZES, browse
from tests.e2e.live_run import SCENARIOS, tiny_copy

SECRETS = {"of the file": "s3cret-of-the-file-4711", "of the host": "s3cret-of-the-host-0815"}
ACTIVE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")
HOSTILE = Path(__file__).with_name("hostile.py")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """One run on it; everything printed and written anywhere."""
    base = tmp_path_factory.mktemp("hostile")
    system = tiny_copy(
        base / "tiny",
        ('TINY_DIR = "{dir}"', f'TINY_DIR = "{{dir}}"\nTINY_API_TOKEN = "{SECRETS["of the file"]}"'),
        ('access_log = "{dir}/logs/access.log"', 'logs = ["{dir}/logs"]'),
        ("deadline_s = 3 }", "deadline_s = 30 }"),
        ("users = 4", "users = 2"),  # it is not about load, and a busy host has enough to do with what is printed
        ("write_rate = 30.0", "write_rate = 15.0"),
    )
    shutil.copy(HOSTILE, system)
    file = system / "system.toml"
    file.write_text(file.read_text().replace("{system}/tiny.py", "{system}/hostile.py"))
    words = ("run", "quick:both", "--scenarios", SCENARIOS, "--system", system, "--out", base / "out", "--no-live")
    more = ("--json", "--keep", "--summary", base / "summary.md")
    env = {"AWS_SECRET_ACCESS_KEY": SECRETS["of the host"], "CI_JOB_TOKEN": SECRETS["of the host"]}
    return deploydrill(*words, *more, env=env)


def run_folder(done: Done) -> Path:
    return done.report / "quick-both"


@pytest.mark.island
def test_it_is_judged_like_any_other(done: Done) -> None:
    refuted(done)
    assert {f["subject"]["id"].partition("-")[0] for f in done.found("fail")} >= {"deploy"}
    said = json.loads((run_folder(done) / "result.json").read_text())
    assert {"backup", "deploy"} == {o["name"] for o in said["operations"]}
    assert "run.complete" in done.codes("pass")


@pytest.mark.island
def test_what_it_printed_is_bounded_where_it_is_kept_and_what_is_left_out_is_said(done: Done) -> None:
    folder = run_folder(done)
    for name in ("backup-1", "deploy-1", "service"):
        file = folder / "operations" / f"{name}.out"
        assert file.stat().st_size <= MOST_BYTES
        assert re.search(rb"\[deploydrill: \d{7,} bytes left out here\]", file.read_bytes())
        assert b"owned" in file.read_bytes()[-2000:]  # the end of it is kept
    sizes = {p: p.stat().st_size for p in done.report.rglob("*") if p.is_file()}
    assert sum(sizes.values()) < 60_000_000, sorted(sizes.items(), key=lambda i: -i[1])[:5]
    assert all(len(line) < 20_000 for line in (folder / "events.jsonl").read_text().splitlines())


@pytest.mark.island
def test_nothing_of_its_environment_and_no_key_is_in_any_file(done: Done) -> None:
    written = {p: p.read_bytes() for p in done.report.parent.rglob("*") if p.is_file() and not p.is_symlink()}
    assert any(b"TINY_API_TOKEN" in content for content in written.values())  # it did print it
    for what, secret in {**SECRETS, "of a key": "bm9ib2R5"}.items():
        assert [p for p, content in written.items() if secret.encode() in content] == [], what
        assert secret not in done.out + done.err
    result = json.loads((run_folder(done) / "result.json").read_text())
    assert any("look like keys" in warning for warning in result["warnings"])


@pytest.mark.island
def test_no_form_of_the_report_holds_what_a_reader_would_act_on(done: Done) -> None:
    folder = run_folder(done)
    texts = {"stdout": done.out, "stderr": done.err}
    for where in (folder, done.report):
        for name in ("report.html", "report.md", "junit.xml", "findings.csv", "operations.csv", "measurements.csv"):
            texts[f"{where.name}/{name}"] = (where / name).read_text(encoding="utf-8")
    texts["result.json"] = (folder / "result.json").read_text(encoding="utf-8")
    for name, text in texts.items():
        assert not ACTIVE.search(text), (name, ACTIVE.search(text))
    for name in ("quick-both/report.html", f"{done.report.name}/report.html"):
        assert "<script" not in texts[name] and "<img" not in texts[name]
    assert "&lt;script&gt;" in texts["quick-both/report.html"]
    prose = "".join(line for line in texts["quick-both/report.md"].splitlines() if not line.startswith("    "))
    assert not re.search(r"(?<!\\)<(script|img)|(?<!\\)\[a\]", prose)
    for where in (folder, done.report):
        assert ElementTree.parse(where / "junit.xml").getroot().findall(".//failure")
        rows = list(csv.reader((where / "findings.csv").read_text(encoding="utf-8").splitlines()))
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row)


@pytest.mark.island
@pytest.mark.browser
def test_in_a_browser_that_would_run_scripts_none_of_it_is_one(done: Done, tmp_path: Path) -> None:
    html = (run_folder(done) / "report.html").read_text(encoding="utf-8")
    # The page itself forbids scripts; this copy allows them, so that nothing but the escaping is left.
    copy = tmp_path / "copy.html"
    copy.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html), encoding="utf-8")
    dom = browse(copy, tmp_path / "profile", SIZES["wide"], "--dump-dom")
    title = re.search(r"<title>(.*?)</title>", dom, re.DOTALL)
    assert title and title[1].startswith("fail: ")
    # A page of ours in which it is not escaped is taken over: this test can fail.
    copy.write_text(
        html.split("<body", 1)[0].split("<meta http-equiv", 1)[0] + "</head><body>"
        "<script>document.title='owned'</script></body></html>",
        encoding="utf-8",
    )
    assert "<title>owned</title>" in browse(copy, tmp_path / "profile", SIZES["wide"], "--dump-dom")
