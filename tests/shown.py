"""What the README shows of a failing run, taken from the golden one: ``python -m tests.shown``; ``picture`` as an
argument also makes the picture of its report anew, which needs Chromium."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from harness.host.checkout import ROOT

README = ROOT / "README.md"
PICTURE = ROOT / "harness" / "docs" / "report.png"
MOST_BYTES = 150_000
_BEGIN, _END = "<!-- output: generated -->\n", "<!-- output: end -->\n"
_FAILED = ROOT / "tests" / "golden" / "fail"
# The head of the summary, and its findings.
_PARTS = 2
_SIZE = (1100, 1035)
_COLOURS = 128


def page(text: str) -> str:
    """The README with the output as it is printed now."""
    parts = (_FAILED / "expected" / "terminal.txt").read_text().split("\n\n")[:_PARTS]
    before, _, rest = text.partition(_BEGIN)
    shown = "\n\n".join(parts)
    return f"{before}{_BEGIN}```text\n{shown}\n```\n{_END}{rest.partition(_END)[2]}"


def picture(to: Path) -> None:
    """The top of the golden run's report, as a browser shows it."""
    from PIL import Image

    from harness.report.documents.result import write_result
    from harness.report.render import render_run
    from tests.e2e.command_line.test_report_in_browser import browse
    from tests.golden.accept import judged

    with tempfile.TemporaryDirectory() as work:
        folder = shutil.copytree(_FAILED / "recording", Path(work) / "run")
        write_result(judged(folder), folder)
        render_run(folder)
        shot = Path(work) / "shot.png"
        browse(folder / "report.html", Path(work) / "profile", _SIZE, f"--screenshot={shot}")
        Image.open(shot).convert("RGB").quantize(_COLOURS).save(to, optimize=True)


if __name__ == "__main__":
    README.write_text(page(README.read_text()))
    if sys.argv[1:] == ["picture"]:
        picture(PICTURE)
