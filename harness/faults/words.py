"""What programs say when their network fails them."""

from __future__ import annotations

import re

_SAID = re.compile(
    r"[^\n]{0,160}(?:timed out|time-?out|connection (?:reset|refused|closed|aborted)|broken pipe|reset by peer"
    r"|remote end closed|unreachable|no route to host|does not answer|deadline exceeded|unexpected EOF)[^\n]{0,160}",
    re.IGNORECASE,
)


def network_failure(said: str) -> str:
    """The first line part in ``said`` that speaks of one; empty when none does."""
    match = _SAID.search(said)
    return match.group(0).strip() if match else ""
