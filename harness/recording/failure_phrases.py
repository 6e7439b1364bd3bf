"""What programs say when something fails them, found in all they wrote.

A word counts where it is said of what happened: not in a command that a shell traces, not where it is denied ("0 down",
"no disk is full", "unreachable=0"), and not as the name of a setting ("--connect-timeout 5").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_AROUND = 160
# What stands before a word and takes it back, and what stands after it and does.
_DENIED_BEFORE = 60
_DENIED = re.compile(
    r"(?:\b(?:0|no|zero|without|never|neither)(?: \w+){0,2} |\bnone(?: \w+){0,3} |(?:\bnot|n't) (?:yet )?"
    r"|\b(?:if|whether|unless)(?: \w+){0,4} )$",
    re.IGNORECASE,
)
_IN_VAIN = re.compile(
    r"(?: \w+)?[\"']?\s*(?:\?|[:=]\s*[\"']?(?:0(?![\w.])|(?:no|none|never|false|off|ok|null)(?=[\s\"']*(?:[,;)}\].]|$))"
    r"|\[\s*\]|\{\s*\}))",
    re.IGNORECASE,
)
_TRACED = re.compile(r"\++ ")


@dataclass(frozen=True, slots=True)
class Words:
    """Words that speak of one thing. A line that holds none of ``parts`` (in lower case) is not looked at more closely:
    a pattern alone takes seconds for megabytes of logs, and holds up every other thread meanwhile."""

    pattern: re.Pattern[str]
    parts: tuple[str, ...]


_NETWORK = Words(
    re.compile(
        r"\btimed out\b|\btime-?out ?(?:error|exception|expired)\b|timeout(?:error|exception|expired)\b"
        r"|\btime-?out (?:was )?(?:exceeded|reached|occurred|elapsed|after|while|waiting|on endpoint|in data)\b"
        r"|\bi/o time-?out\b|\b(?:gateway|request) time-?out\b(?![ =:]*\d)"
        r"|\bE(?:TIMEDOUT|CONNRESET|CONNREFUSED|CONNABORTED|PIPE|HOSTUNREACH|NETUNREACH)\b"
        r"|\bcurl: \((?:5|6|7|18|28|35|52|55|56)\)"
        r"|\bconnection (?:was )?(?:reset|refused|aborted|lost)\b|\blost connection\b"
        r"|\bconnection (?:was )?closed (?:by|unexpectedly|before|without)\b|\bclosed the connection unexpectedly\b"
        r"|\bbroken pipe\b|\breset by peer\b|\bremote end closed\b|\bunreachable\b|\bno route to host\b"
        r"|\b(?:does|did) not answer\b|\bdeadline exceeded\b|\bunexpected EOF\b",
        re.IGNORECASE,
    ),
    (
        *("timed out", "timeout", "time-out", "etimedout", "econn", "epipe", "unreach", "curl: (", "connection"),
        *("broken pipe", "reset by peer", "remote end", "no route", "not answer", "deadline", "unexpected eof"),
    ),
)
_IN_PLACE = Words(
    re.compile(
        r"\bdevice or resource busy\b|\bresource busy\b|\bE(?:BUSY|XDEV)\b|\b(?:invalid )?cross-device link\b"
        r"|\bErrno (?:16|18)\b|\bos error (?:16|18)\b",
        re.IGNORECASE,
    ),
    ("busy", "exdev", "cross-device", "errno 1", "os error 1"),
)
_DEGRADED = re.compile(
    r"\bdegraded\b|\bblind\b|\bno monitors? (?:answers?|sees?|looks?)\b"
    r"|\b(?:stale|unreachable|missing|dead|no answer from) monitors?\b",
    re.IGNORECASE,
)
_MONITOR = re.compile(r"\bmonitors?\b", re.IGNORECASE)
# Said after who it is said of: "monitors: primary is down".
_GONE = re.compile(
    r"(?:\b(?:can)?not|n't) (?:be )?(?:answer|look|agree|respond|reach)"
    r"|\b(?:stale|unreachable|missing|dead|gone)\b|(?<!shut )(?<!count )\bdown\b",
    re.IGNORECASE,
)
_GONE_PARTS = ("not ", "n't ", "no ", "stale", "unreachable", "missing", "dead", "gone", "down")


def quoted(words: Words, said: str) -> str:
    """The first of them that is meant, with what stands around it on its line; empty without one."""
    for line in said.split("\n"):
        low = line.lower()
        if any(part in low for part in words.parts):
            for match in words.pattern.finditer(line):
                if _meant(line, *match.span()):
                    return line[max(0, match.start() - _AROUND) : match.end() + _AROUND].strip()
    return ""


def network_failure(said: str) -> str:
    """The first words in ``said`` that speak of a network failure; empty when none do."""
    return quoted(_NETWORK, said)


def cannot_be_moved(said: str, name: str) -> str:
    """The first line in ``said`` that says of a file called ``name`` that it cannot be renamed or removed, as it is of
    the place of a mount; empty when none does."""
    whole = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-]*\w)")
    lines = (line for line in said.split("\n") if whole.search(line))
    return next((found for line in lines if (found := quoted(_IN_PLACE, line))), "")


def monitors_missing(said: str) -> str:
    """The first line in ``said`` that says that monitors see nothing, or that what they see is not all; empty when none
    does."""
    for line in said.split("\n"):
        low = line.lower()
        about = "degraded" in low or "blind" in low or ("monitor" in low and any(part in low for part in _GONE_PARTS))
        if about and any(_meant(line, *span) for span in _spans_of_missing(line)):
            return line.strip()
    return ""


def _spans_of_missing(line: str) -> Iterator[tuple[int, int]]:
    yield from (match.span() for match in _DEGRADED.finditer(line))
    if who := _MONITOR.search(line):
        yield from (match.span() for match in _GONE.finditer(line, who.end()))


def _meant(line: str, start: int, stop: int) -> bool:
    return not (
        _TRACED.match(line)
        or _DENIED.search(line[max(0, start - _DENIED_BEFORE) : start])
        or _IN_VAIN.match(line, stop)
    )
