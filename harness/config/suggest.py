"""The "did you mean" of an error about a name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``did you mean 'backup'?``, or an empty string when nothing known is close."""
    close = closest(name, known)
    return f"did you mean {close!r}?" if close else ""


def closest(name: str, known: Iterable[str]) -> str:
    """The known name that is most like this one; empty when none is close."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)), "")


def misspelt(name: str, known: Iterable[str]) -> str:
    """The known name that this one is by a slip of the hand: a letter left out, added, changed (not the first one,
    nor a digit), or two of them swapped. Empty when it is none: what is merely alike may be meant."""
    return next((k for k in known if len(k) > 3 and k != name and _one_slip(name, k)), "")


def _one_slip(name: str, meant: str) -> bool:
    at = next((i for i, (a, b) in enumerate(zip(name, meant)) if a != b), min(len(name), len(meant)))
    rest, wanted = name[at:], meant[at:]
    if len(name) == len(meant):
        swapped = rest[:2] == wanted[1::-1] and rest[2:] == wanted[2:]
        return swapped or (at > 0 and rest[1:] == wanted[1:] and not (rest[0] + wanted[0]).isdigit())
    left_out, added = rest == wanted[1:], rest[1:] == wanted
    return (left_out and not wanted[:1].isdigit()) or (added and not rest[:1].isdigit())
