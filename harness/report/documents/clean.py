"""Text of the system under test, made safe to show: no control characters, no escape sequences, a bounded length."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CLIP_BYTES = 8_000

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # OSC, DCS, SOS, PM, APC up to their terminator
    r"|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
# Control characters but tab and newline, lone surrogates, non-characters (XML refuses them) and the marks that
# reorder text so that what is read is not what was written.
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    text = text.replace("\r\n", "\n")
    text = _ESCAPES.sub("", text).replace("\r", "\n")
    return UNSEEN.sub("", text)


def one_line(text: str, limit: int = 0) -> str:
    """Cleaned, white space folded; with ``limit``, cut there with an ellipsis."""
    folded = " ".join(clean(text).split())
    return folded if not limit or len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file. ``name`` is relative to the run folder; ``left_out`` bytes precede ``text``."""

    name: str
    text: str
    left_out: int


def tail(path: Path, name: str, clip: int = CLIP_BYTES) -> Tail:
    """The last ``clip`` bytes of a file, however long its lines are."""
    with path.open("rb") as file:
        left_out = max(0, path.stat().st_size - clip)
        file.seek(left_out)
        raw = file.read(clip)
    return Tail(name, clean(raw.decode("utf-8", errors="replace")).strip("\n"), left_out)
