"""The prose documents of the project, and the code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from harness.host.checkout import ROOT

_FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """Every document; what tests compare with is none, nor what `make systems` builds."""
    folders = ("harness", "scenarios", "tests", "reports")
    found = [ROOT / "README.md", *(p for f in folders for p in sorted((ROOT / f).rglob("*.md")))]
    return [p for p in found if not {"expected", "built"} & set(p.parts) and not _of_a_run(p)]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return [text for _, named, text in _FENCED.findall(page.read_text()) if named == language]


def code(page: Path) -> Iterator[str]:
    """Every fenced block, indented block and code span; a command that goes on in the next line is one line."""
    text = page.read_text()
    parts = [block for _, _, block in _FENCED.findall(text)]
    prose = _FENCED.sub("", text)
    parts += re.findall(r"^ {4}(\S.*)$", prose, re.MULTILINE)
    parts += re.findall(r"`([^`\n]+)`", prose)
    yield from (re.sub(r"(\\)?\n\s+(?=--)", " ", part) for part in parts)


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCED.sub("", page.read_text())


def _of_a_run(page: Path) -> bool:
    return page.parent != ROOT / "reports" and ROOT / "reports" in page.parents
