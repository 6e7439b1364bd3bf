"""The report as a person meets it: opened from disk in a real browser that has no network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from matplotlib.image import imread

from harness.report import render
from harness.report.documents import campaign
from harness.report.documents.result import write_result
from tests.unit.report import build

pytestmark = pytest.mark.browser

RED = (0xCE, 0x22, 0x2E)  # --bad of the light theme
SIZES = {"wide": (1280, 5000), "phone": (500, 9000)}  # 500: no headless Chromium makes a narrower window by this option


def chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.fail("no Chromium on PATH; try: make setup as root, or apt-get install chromium")
    return found


def without_network() -> list[str]:
    """A prefix that takes the network away, as far as this host allows; the dead proxy below does it in any case."""
    for prefix in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if (
            shutil.which("unshare")
            and subprocess.run([*prefix, "true"], capture_output=True, timeout=20).returncode == 0
        ):
            return prefix
    return []


def browse(page: Path, profile: Path, size: tuple[int, int], *options: str) -> str:
    done = subprocess.run(
        [
            *without_network(),
            chromium(),
            "--headless",
            "--no-sandbox",  # its sandbox refuses to run as root
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--proxy-server=http://127.0.0.1:9",
            f"--user-data-dir={profile}",
            f"--window-size={size[0]},{size[1]}",
            *options,
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    runs = [(make(), build.recording(root / make.__name__)) for make in (build.failing, build.passing)]
    for result, folder in runs:
        write_result(result, folder)
    campaign.write_campaign(root, runs)
    render.render(root)
    return root


@pytest.mark.parametrize("size", SIZES)
def test_the_page_opens_from_disk_without_network(size: str, report: Path, tmp_path: Path) -> None:
    shot = tmp_path / "shot.png"
    browse(report / "failing" / "report.html", tmp_path / "profile", SIZES[size], f"--screenshot={shot}")
    pixels = (imread(shot)[:, :, :3] * 255).round().astype(int)
    assert pixels.shape[1] == SIZES[size][0]
    assert (abs(pixels - RED).max(axis=2) <= 2).sum() > 200, "nothing on the page is in the red of a failure"
    inked = (pixels.max(axis=2) < 250).any(axis=1)
    assert inked[:2000].mean() > 0.3, "the page is all but empty"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("page", ["report.html", "failing/report.html"])
def test_nothing_is_wider_than_the_page(page: str, size: str, report: Path, tmp_path: Path) -> None:
    html = (report / page).read_text(encoding="utf-8")
    # The page forbids scripts; this copy of it may run the one that measures.
    measured = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html).replace(
        "</body>",
        "<script>const e = document.documentElement, w = e.clientWidth;"
        "const wide = [...document.querySelectorAll('body *')].filter(x => !x.closest('svg, .scroll')"
        " && x.getBoundingClientRect().right > w + 1).map(x => x.outerHTML.slice(0, 80));"
        "document.title = 'measured ' + w + ' ' + e.scrollWidth + ' ' + wide.slice(0, 3).join(' ; ')</script></body>",
    )
    copy = tmp_path / "copy.html"
    copy.write_text(measured, encoding="utf-8")
    title = re.search(r"<title>(.*?)</title>", browse(copy, tmp_path / "profile", SIZES[size], "--dump-dom"), re.DOTALL)
    assert title and title[1].startswith("measured ")
    width, content = (int(n) for n in title[1].split()[1:3])
    assert content <= width, title[1]
    assert width <= SIZES[size][0]
