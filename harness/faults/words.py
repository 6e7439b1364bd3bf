"""What programs say when something fails them, found in all they wrote."""

from __future__ import annotations

import re

_AROUND = 160
_NETWORK = re.compile(
    r"timed out|time-?out|connection (?:reset|refused|closed|aborted)|broken pipe|reset by peer"
    r"|remote end closed|unreachable|no route to host|does not answer|deadline exceeded|unexpected EOF",
    re.IGNORECASE,
)


def quoted(pattern: re.Pattern[str], said: str) -> str:
    """The first match with what stands around it on its line; empty without one. The pattern itself must not ask for
    what is around it: that takes seconds on megabytes of logs, and holds up every other thread meanwhile."""
    match = pattern.search(said)
    if match is None:
        return ""
    start = max(match.start() - _AROUND, said.rfind("\n", 0, match.start()) + 1)
    newline = said.find("\n", match.end())
    stop = min(match.end() + _AROUND, newline if newline >= 0 else len(said))
    return said[start:stop].strip()


def network_failure(said: str) -> str:
    """The first words in ``said`` that speak of a network failure; empty when none do."""
    return quoted(_NETWORK, said)
