"""Reads a report page back: every text with the mark that says where it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from harness.report.documents.derived import derive
from harness.report.documents.paths import lookup

VOID = {"meta", "link", "br", "img", "hr"}
MARKS = ("data-path", "data-derived", "data-static", "data-source")
UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "%": 0.01}


@dataclass(frozen=True)
class Piece:
    """One run of text. ``mark`` is the attribute that vouches for it, empty without one."""

    text: str
    mark: str
    source: str


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.pieces: list[Piece] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self._open: list[tuple[str, str, str]] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        self.links += [v for k in ("href", "src", "xlink:href", "action", "data") if (v := values.get(k))]
        if tag in VOID:
            return
        mark, source = next(
            ((m, values[m] or "") for m in MARKS if m in values), self._open[-1][1:] if self._open else ("", "")
        )
        self._open.append((tag, mark, source))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v for k, v in attrs if k in ("href", "xlink:href") and v]

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1][0] == tag, f"</{tag}> closes <{self._open[-1][0]}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if data.strip() and not any(tag in ("svg", "style", "title", "pre") for tag, _, _ in self._open):
            self.pieces.append(Piece(data.strip(), *self._open[-1][1:]))


def agrees(shown: str, value: Any) -> bool:
    """Whether ``shown`` is ``value``, to the digits it shows."""
    if value is None or value == "":
        return shown == "–"
    if isinstance(value, bool):
        return shown == ("yes" if value else "no")
    if isinstance(value, str):
        return " ".join(shown.split()) == " ".join(value.split())
    match = re.fullmatch(r"(-?)([\d\u202f]*\d(?:\.(\d+))?)(?:\u202f(\S+))?", shown)
    if not match:
        return False
    factor = UNITS.get(match[4] or "", 1)
    number = float(match[2].replace("\u202f", "")) * (-1 if match[1] else 1) * factor
    last_digit = factor * 10 ** -len(match[3] or "")
    return abs(number - float(value)) <= last_digit / 2 * (1 + 1e-9) or (not match[3] and number == float(value))


def wrong(page: Page, document: Mapping[str, Any]) -> list[str]:
    """Texts that differ from the document, and numbers nothing vouches for."""
    found = []
    for piece in page.pieces:
        if piece.mark == "data-path":
            value = lookup(document, piece.source)
            if not agrees(piece.text, value):
                found.append(f"{piece.source}: the page says {piece.text!r}, result.json {value!r}")
        elif piece.mark == "data-derived":
            if not agrees(piece.text, value := derive(document, piece.source)):
                found.append(f"{piece.source}: the page says {piece.text!r}, and it is {value!r}")
        elif not piece.mark and any(c.isdigit() for c in piece.text):
            found.append(f"no source for {piece.text!r}")
    return found
