"""What each golden recording is judged and rendered as; ``python -m tests.golden.accept`` writes it down anew."""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, ClassVar

from harness.judge.judge import judge
from harness.model import Result
from harness.report.documents.result import NAME, as_text, read_document, write_result
from harness.report.render import render_run
from harness.report.text import terminal

HERE = Path(__file__).parent
# Named after the outcome each must have.
NAMES = ("pass", "fail", "unknown")
# Of all three recordings.
MOST_BYTES = 600_000
# The last digits of a quantile are those of one version of numpy and scipy.
SIGNIFICANT_DIGITS = 9


def recording(name: str) -> Path:
    """The folder of the recording; never judged in place, for that writes into it."""
    return HERE / name / "recording"


def expected(name: str) -> Path:
    """The folder of what the recording is judged and rendered as."""
    return HERE / name / "expected"


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder, in a fixed order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def outputs(name: str, work: Path) -> dict[str, str]:
    """The texts that a recording, copied below ``work``, is judged and rendered as, by the names of their files."""
    folder = shutil.copytree(recording(name), work / name)
    result = judged(folder)
    write_result(result, folder)
    texts = {"terminal.txt": terminal_text(result)}
    for path in (folder / NAME, *render_run(folder)):
        if path.suffix == ".html":
            texts[f"{path.stem}.txt"] = page_text(path.read_text())
        elif path.name == NAME:
            texts[path.name] = as_text(_rounded(read_document(path)))
        elif path.suffix != ".png":  # curves, as in the page
            texts[path.name] = path.read_text()
    return texts


def judged(folder: Path) -> Result:
    """The result of a recording."""
    return judge(folder)


def terminal_text(result: Result) -> str:
    """The summary as it is printed into a pipe, 80 columns wide."""
    file = io.StringIO()
    terminal.console(file).print(terminal.render_run(result))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


class _Text(HTMLParser):
    """Collects the text of a page, one line a block element; pictures and style sheets are left out."""

    _BLOCKS = frozenset(("div", "dl", "figcaption", "figure", "h1", "h2", "header", "li", "p", "pre", "section"))
    _LINES = frozenset((*_BLOCKS, "dt", "tr"))
    _SILENT = frozenset(("style", "svg"))
    # What stands before a cell, and before the value of a name.
    _BETWEEN: ClassVar[Mapping[str, str]] = {"td": " | ", "th": " | ", "dd": ": "}

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        small_print = tag == "span" and "sub" in (dict(attrs).get("class") or "").split()
        if tag in self._LINES or small_print:
            self.parts.append("\n")
        self.parts.append(self._BETWEEN.get(tag, ""))

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in self._SILENT
        if tag in self._BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def page_text(page: str) -> str:
    """The text of an HTML page. Its bytes hold curves that matplotlib draws, which change with its version."""
    parser = _Text()
    parser.feed(page)
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(parser.parts).split("\n"))
    return "".join(f"{line}\n" for line in lines if line.strip("| "))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if isinstance(value, float) else value


def accept() -> list[Path]:
    """Write down what the recordings are judged and rendered as now; the files that changed."""
    changed: list[Path] = []
    with tempfile.TemporaryDirectory() as work:
        for name in NAMES:
            texts = outputs(name, Path(work))
            expected(name).mkdir(exist_ok=True)
            for stale in (p for p in expected(name).iterdir() if p.name not in texts):
                stale.unlink()
                changed.append(stale)
            for file, text in texts.items():
                path = expected(name) / file
                if not path.exists() or path.read_text() != text:
                    path.write_text(text)
                    changed.append(path)
    return changed


if __name__ == "__main__":
    for path in accept():
        print(path.relative_to(HERE.parents[1]))
