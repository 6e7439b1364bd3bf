"""A read-back of one request an entry: every acknowledged write, asked for by the id that its answer gave."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import quote

from harness.config.schema import ReadBackConfig
from harness.host.clock import Deadline, mono_ns
from harness.system import http
from harness.system.ledger_tail import LedgerTail, Told
from harness.system.live import LiveSystem
from harness.system.read_pages import DEADLINE_S, MISSING, PAGE_DEADLINE_S, Entry, ReadBack, asked_again, bounded
from harness.system.session import filled

_AT_ONCE = 8
_GONE = (404, 410)
_NOT_FOR_THIS_ONE = (*_GONE, 403)


def each_by_id(system: LiveSystem, config: ReadBackConfig, deadline: Deadline) -> ReadBack:
    """Every write that was acknowledged, asked for by the id that its answer gave."""
    ledger, began_ns, asked, again = ledger_of(system), mono_ns(), 0, list[str]()
    answers: list[Entry | ReadBack | None] = []

    def ask(write: Told) -> Entry | ReadBack | None:
        """The entry, None where it is not there, or what went wrong."""
        if deadline.passed:
            return ReadBack(None, {}, f"read-back: not done after {DEADLINE_S:g} s ({asked} writes asked for)")
        answer = asked_again(lambda: _ask(system, config, write), deadline, again)
        if answer.status in _GONE:
            return None
        if not answer.ok:
            return ReadBack(None, {}, f"read-back of {config.path}: {answer.said()}", error_status=answer.status)
        return _entry(config, write, answer)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # A sender that stood still writes down late what it was told before we began.
        more = True
        while more:
            told = ledger.acknowledged_by(mono_ns())
            new, asked = told[asked:], len(told)
            answers += pool.map(ask, (w for w in new if w.id))
            more = any(w.end_ns < began_ns for w in new)
    if wrong := next((a for a in answers if isinstance(a, ReadBack)), None):
        return wrong
    found = tuple(a for a in answers if a is not None and not isinstance(a, ReadBack))
    return ReadBack(found, {}, "", tuple(again))


def _ask(system: LiveSystem, config: ReadBackConfig, write: Told) -> http.Answer:
    """As the first account that sees it."""
    told = {"id": quote(write.id, safe="")}
    path, body = filled(config.path, told), filled(config.body, told)
    ask = partial(system.service.ask_as_client, config.method, path, PAGE_DEADLINE_S, body, config.headers)
    answers = (ask(account) for account in range(system.service.accounts))
    first = next(answers)
    if first.status not in _NOT_FOR_THIS_ONE:
        return first
    return next((answer for answer in answers if answer.ok), first)


def _entry(config: ReadBackConfig, write: Told, answer: http.Answer) -> Entry | ReadBack | None:
    """None where another one has its id now: after a restore a service may give an id again."""
    if config.pattern:
        match = re.search(config.pattern, answer.body.decode(errors="replace"))
        if match is None:
            return ReadBack(None, {}, f"read-back: nothing matches {config.pattern!r}: {answer.said()}")
        return (write.token, bounded(match["payload"])) if match["token"] == write.token else None
    document = answer.json()
    token = http.pointer(document, config.token, MISSING) if config.token else MISSING
    value = http.pointer(document, config.payload, MISSING) if config.payload else None
    if value is MISSING:
        return ReadBack(None, {}, f"read-back: no {config.payload} in {config.path}: {answer.said()}")
    payload = None if not config.payload else "" if value is None else bounded(value)
    if token is MISSING:  # then it is told by what was written with it, where that is shown
        return (write.token, payload) if payload in (None, write.payload) else None
    return (write.token, payload) if str(token) == write.token else None


def ledger_of(system: LiveSystem) -> LedgerTail:
    """That of the run; a crash state is recorded in a folder of its own below it."""
    folder = system.recorder.folder
    home = next((p for p in (folder, *folder.parents) if any((p / "ledger").glob("*.jsonl"))), folder)
    return LedgerTail(home)
