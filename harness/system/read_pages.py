"""The pages of a read-back: everything the system still knows of the ledger, fetched through its own front."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from urllib.parse import quote, urljoin, urlsplit

from harness.config.schema import ReadBackConfig
from harness.host.clock import Deadline, sleep
from harness.system import http
from harness.system.live import LiveSystem
from harness.system.session import filled

PAGE_DEADLINE_S = 15.0
DEADLINE_S = 60.0
# A front between two workers says so for a moment: one such answer is no proof that the data cannot be read.
_NOT_NOW = (502, 503)
_TIMES_ASKED_AGAIN = 3
_PAUSE_S = 0.2
# So a list of numbered pages may answer beyond its end.
_PAST_THE_END = (400, 404, 410)
_NOTHING_NEW = 3
_PAGES = 100_000
MISSING = object()
_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*]+\s*=\s*(?:\"[^\"]*\"|[^\s,;\"]+))*)")
# More entries than any load of ours writes, and longer ones than any of them: what a system puts there itself.
MOST_ENTRIES = 2_000_000
MOST_CHARS = 4096


# Token and payload; None where entries show none.
Entry = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class ReadBack:
    """``found`` as (token, payload), None when it could not be read; then ``error`` says why, and ``error_status`` is
    the HTTP status of a page that was refused. ``asked_again``: what made us ask for a page more than once."""

    found: tuple[Entry, ...] | None
    totals: Mapping[str, float]
    error: str
    asked_again: tuple[str, ...] = ()
    error_status: int = 0


def all_pages(system: LiveSystem, config: ReadBackConfig, deadline: Deadline, account: int = 0) -> ReadBack:
    """Fetch all of them, as a client with that account."""
    read = _read_text if config.pattern else _read_json
    all_ = _Entries(moves=config.counted or config.follows_links)
    again: list[str] = []
    totals: Mapping[str, float] = {}
    place, entries, body, nothing_new = _Place(number=config.first_page), 0, b"", 0
    for _ in range(_PAGES):
        answer = _page(system, config, place, deadline, again, account)
        if config.counted and not place.is_first and answer.status in _PAST_THE_END:
            return ReadBack(tuple(all_.found), totals, "", tuple(again))
        if not answer.ok:
            return ReadBack(None, {}, f"read-back of {config.path}: {answer.said()}", error_status=answer.status)
        try:
            page = read(config, answer, first=place.is_first)
        except _Unreadable as unreadable:
            return ReadBack(None, {}, f"read-back: {unreadable}")
        added = all_.add(page.found)
        entries += page.entries
        totals = page.totals
        if entries > MOST_ENTRIES:
            return ReadBack(None, {}, f"read-back: more than {MOST_ENTRIES} entries")
        following = page.next
        if config.counted:
            # A page that is not there may be empty, or the last one once more; a few may be what moved on meanwhile.
            is_new = added or (not page.found and answer.body != body)
            nothing_new, body = (0 if is_new else nothing_new + 1), answer.body
            following = None if not page.entries or nothing_new > _NOTHING_NEW else ""
        if following is None:
            return ReadBack(tuple(all_.found), totals, "", tuple(again))
        if following == place.after and not config.counted:
            return ReadBack(None, {}, f"read-back: {_teller(config)} does not move on from {place.after!r}")
        if deadline.passed:
            return ReadBack(None, {}, f"read-back: not done after {DEADLINE_S:g} s ({len(all_.found)} entries so far)")
        place = _Place(following, place.number + 1, entries, is_first=False)
    return ReadBack(None, {}, f"read-back: more than {_PAGES} pages")


class _Entries:
    """What was found so far. ``moves``: where the newest come first, and pages are counted, those that are written
    meanwhile move others to the next page; what stands there once more was read already."""

    def __init__(self, moves: bool) -> None:
        self.found: list[Entry] = []
        self._moves = moves
        self._at: dict[Entry, int] = {}

    def add(self, page: list[Entry]) -> int:
        """How many of a page are added: all but entries that stand in the pages before in the same order, one after the
        other. An entry that is stored twice is no such run, unless it stands right at the edge of two pages."""
        first, stop = self._again(page) if self._moves else (0, 0)
        page = [*page[:first], *page[stop:]]
        self._at |= {entry: len(self.found) + i for i, entry in enumerate(page)}
        self.found += page
        return len(page)

    def _again(self, page: list[Entry]) -> tuple[int, int]:
        """Where in a page those begin and end; twice the same for none."""
        first = next((i for i, entry in enumerate(page) if entry in self._at), None)
        if first is None:
            return 0, 0
        before = self.found[self._at[page[first]] :]
        run = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(page[first:], before, strict=False)))
        is_edge = first == 0 and run == len(before)
        others = page[first + run :]
        if (run == 1 and not is_edge) or any(entry in self._at for entry in others):
            return 0, 0
        return first, first + run


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page is: what the page before named, its number, and how many entries stand before it."""

    after: str = ""
    number: int = 1
    offset: int = 0
    is_first: bool = True


def _teller(config: ReadBackConfig) -> str:
    return (
        config.next_pattern
        or (f"{config.next_in_entry} of the last entry" if config.next_in_entry else "")
        or ("the Link header" if config.next_link else config.next)
    )


class _Unreadable(Exception):
    """A page that does not say what is stored."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page holds, ``entries`` in all; ``next`` is what leads to the page after it, None on the last one."""

    found: list[Entry]
    entries: int
    next: str | None
    totals: Mapping[str, float]


def _read_json(config: ReadBackConfig, answer: http.Answer, first: bool) -> _Page:
    document = answer.json()
    if document is None:
        raise _Unreadable(f"{config.path} is not JSON: {answer.said()}")
    items = http.pointer(document, config.items, MISSING)
    if items is None:
        items = []  # nothing is there
    if not isinstance(items, list):
        raise _Unreadable(f"no list at {config.items} in the answer")
    found: list[Entry] = []
    for item in items:
        token = http.pointer(item, config.token, MISSING)
        payload = http.pointer(item, config.payload, MISSING) if config.payload else None
        if token is MISSING or payload is MISSING:
            raise _Unreadable(f"no {config.token if token is MISSING else config.payload} in an entry of the answer")
        if token is not None:  # else an entry nobody's client wrote
            shown = None if not config.payload else "" if payload is None else bounded(payload)
            found.append((bounded(token), shown))
    totals = {p: value for p in config.totals if isinstance(value := http.pointer(document, p), int | float)}
    return _Page(found, len(items), _next_in_json(config, answer, document, items, first), totals)


def _next_in_json(
    config: ReadBackConfig, answer: http.Answer, document: object, items: list[object], first: bool
) -> str | None:
    if config.counted:
        return None
    if config.next_link:
        return _linked(config, answer)
    if config.next_in_entry:
        following = http.pointer(items[-1], config.next_in_entry, MISSING) if items else None
        if following is MISSING:
            raise _Unreadable(f"no {config.next_in_entry} in the last entry of the answer")
    else:
        following = http.pointer(document, config.next, MISSING)
        # On the first page it may be misspelt, and more pages left unread.
        if following is MISSING and first and items:
            raise _Unreadable(f"no {config.next} in the answer (null says that it is the last page)")
    if following in (None, MISSING, ""):
        return None
    return _address(config, str(following)) if config.follows_links else str(following)


def _address(config: ReadBackConfig, link: str) -> str:
    """The path and query that a link leads to, whatever host it names."""
    parts = urlsplit(urljoin(config.path, link))
    if not config.next_link and not re.match("https?://|[/?]", link):
        raise _Unreadable(f"{config.next} names {link!r}, which is no address, and path has no {{after}} to put it in")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _linked(config: ReadBackConfig, answer: http.Answer) -> str | None:
    """The path that the Link header names as the next page (RFC 8288)."""
    for target, parameters in _LINK.findall(answer.headers.get("link", "")):
        if re.search(r';\s*rel="?(?:[^";]* )?next(?: [^";]*)?"?\s*(?:;|$)', parameters, re.IGNORECASE):
            return _address(config, target)
    return None


def _read_text(config: ReadBackConfig, answer: http.Answer, first: bool) -> _Page:
    """By patterns. An error page holds no entry either: what says nothing at all is not read as empty."""
    text = answer.body.decode(errors="replace")
    found: list[Entry] = [
        (bounded(m["token"]), bounded(m["payload"] or ""))
        for m in re.finditer(config.pattern, text)
        if m["token"] is not None
    ]
    if config.expect_body and not re.search(config.expect_body, text):
        raise _Unreadable(f"a page without {config.expect_body!r}: {answer.said()}")
    if not found and not config.expect_body:
        why = "and without expect_body it cannot be told from an error page"
        raise _Unreadable(f"nothing in a page matches {config.pattern!r}, {why}: {answer.said()}")
    matched = re.search(config.next_pattern, text) if config.next_pattern else None
    following = _linked(config, answer) if config.next_link else matched[1] if matched else None
    return _Page(found, len(found), following, {})


def bounded(value: object) -> str:
    """A token or payload as it is kept: one that is far too long to be ours is cut, and still none of ours."""
    text = str(value)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}... ({len(text)} characters)"


def _page(
    system: LiveSystem, config: ReadBackConfig, place: _Place, deadline: Deadline, again: list[str], account: int
) -> http.Answer:
    """One page, asked for again where the answer is that it is not to be had just now; ``again`` gets what it was."""
    told = {"after": quote(place.after, safe=""), "page": str(place.number), "offset": str(place.offset)}
    path, body = filled(config.path, told), filled(config.body, told)
    if config.follows_links and not place.is_first:
        path = place.after.removeprefix(system.service.endpoint.prefix)
    service = system.service
    ask = partial(service.ask_as_client, config.method, path, PAGE_DEADLINE_S, body, config.headers, account)
    return asked_again(ask, deadline, again)


def asked_again(ask: Callable[[], http.Answer], deadline: Deadline, again: list[str]) -> http.Answer:
    """An answer, asked for again a few times where it is that it is not to be had just now; ``again`` gets what it
    was."""
    for _ in range(_TIMES_ASKED_AGAIN):
        answer = ask()
        if answer.status not in _NOT_NOW or deadline.passed:
            return answer
        again.append(f"a page answered {answer.status}")
        sleep(_PAUSE_S)
    return ask()
