"""A read-back of one request an entry: every acknowledged write, asked for by the id that its answer gave."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

from harness.config.schema import ReadBackConfig
from harness.host.clock import Deadline, mono_ns
from harness.system import http
from harness.system.ledger_tail import LedgerTail, Told
from harness.system.live import LiveSystem
from harness.system.read_pages import DEADLINE_S, MISSING, PAGE_DEADLINE_S, Entry, ReadBack, bounded
from harness.system.session import filled

_AT_ONCE = 8
_GONE = (404, 410)


def each_by_id(system: LiveSystem, config: ReadBackConfig, deadline: Deadline) -> ReadBack:
    """Every write that was acknowledged, asked for by the id that its answer gave."""
    ledger, began_ns, asked = _ledger_of(system), mono_ns(), 0
    answers: list[Entry | ReadBack | None] = []

    def ask(write: Told) -> Entry | ReadBack | None:
        """The entry, None where it is not there, or what went wrong."""
        if deadline.passed:
            return ReadBack(None, {}, f"read-back: not done after {DEADLINE_S:g} s ({asked} writes asked for)")
        told = {"id": quote(write.id, safe="")}
        answer = system.service.ask_as_client(
            config.method, filled(config.path, told), PAGE_DEADLINE_S, filled(config.body, told), config.headers
        )
        if answer.status in _GONE:
            return None
        if not answer.ok:
            return ReadBack(None, {}, f"read-back of {config.path}: {answer.said()}", error_status=answer.status)
        if not config.payload and not config.pattern:
            return write.token, None
        return _payload_of(config, write, answer)

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
    return ReadBack(tuple(a for a in answers if a is not None and not isinstance(a, ReadBack)), {}, "")


def _payload_of(config: ReadBackConfig, write: Told, answer: http.Answer) -> Entry | ReadBack:
    if config.pattern:
        match = re.search(config.pattern, answer.body.decode(errors="replace"))
        if match is None:
            return ReadBack(None, {}, f"read-back: nothing matches {config.pattern!r}: {answer.said()}")
        return write.token, bounded(match["payload"])
    value = http.pointer(answer.json(), config.payload, MISSING)
    if value is MISSING:
        return ReadBack(None, {}, f"read-back: no {config.payload} in {config.path}: {answer.said()}")
    return write.token, "" if value is None else bounded(value)


def _ledger_of(system: LiveSystem) -> LedgerTail:
    """That of the run; a crash state is recorded in a folder of its own below it."""
    folder = system.recorder.folder
    home = next((p for p in (folder, *folder.parents) if any((p / "ledger").glob("*.jsonl"))), folder)
    return LedgerTail(home)
