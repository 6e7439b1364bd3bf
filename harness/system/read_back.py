"""The read-back: everything the system still knows of the ledger, fetched through its own front."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import quote

from harness.config.schema import ReadBackConfig
from harness.host.clock import Deadline, mono_ns, sleep
from harness.model import OUR_TOKEN
from harness.recording.events import Warned
from harness.system import http
from harness.system.live import LiveSystem
from harness.system.operations import Status

PAGE_DEADLINE_S = 15.0
DEADLINE_S = 60.0
# A front between two workers says so for a moment: one such answer is no proof that the data cannot be read.
_NOT_NOW = (502, 503)
_TIMES_ASKED_AGAIN = 3
_PAUSE_S = 0.2
_PAGES = 100_000
_MISSING = object()
# More entries than any load of ours writes, and longer ones than any of them: what a system puts there itself.
MOST_ENTRIES = 2_000_000
MOST_CHARS = 4096


@dataclass(frozen=True, slots=True)
class ReadBack:
    """``found`` as (token, payload), None when it could not be read; then ``error`` says why, and ``error_status`` is
    the HTTP status of a page that was refused. ``asked_again``: what made us ask for a page more than once."""

    found: tuple[tuple[str, str], ...] | None
    totals: Mapping[str, float]
    error: str
    asked_again: tuple[str, ...] = ()
    error_status: int = 0


def read_back(system: LiveSystem) -> ReadBack:
    """Fetch all pages. Reads while the load goes on: judge only by what was acknowledged before it began."""
    config = system.config.load.read_back
    if config is None:
        return ReadBack(None, {}, "the system declares no [load.read_back]")
    deadline = Deadline(DEADLINE_S, "the read-back")
    read = _read_text if config.pattern else _read_json
    found: list[tuple[str, str]] = []
    again: list[str] = []
    after = ""
    for _ in range(_PAGES):
        answer = _page(system, config, quote(after, safe=""), deadline, again)
        if not answer.ok:
            return ReadBack(None, {}, f"read-back of {config.path}: {answer.said()}", error_status=answer.status)
        try:
            page = read(config, answer, first=not after)
        except _Unreadable as unreadable:
            return ReadBack(None, {}, f"read-back: {unreadable}")
        found += page.found
        if len(found) > MOST_ENTRIES:
            return ReadBack(None, {}, f"read-back: more than {MOST_ENTRIES} entries")
        if page.next is None:
            return ReadBack(tuple(found), page.totals, "", tuple(again))
        if page.next == after:
            return ReadBack(
                None, {}, f"read-back: {config.next_pattern or config.next} does not move on from {after!r}"
            )
        if deadline.passed:
            return ReadBack(None, {}, f"read-back: not done after {DEADLINE_S:g} s ({len(found)} entries so far)")
        after = page.next
    return ReadBack(None, {}, f"read-back: more than {_PAGES} pages")


class _Unreadable(Exception):
    """A page that does not say what is stored."""


@dataclass(frozen=True, slots=True)
class _Page:
    """What one page holds; ``next`` is what leads to the page after it, None on the last one."""

    found: list[tuple[str, str]]
    next: str | None
    totals: Mapping[str, float]


def _read_json(config: ReadBackConfig, answer: http.Answer, first: bool) -> _Page:
    document = answer.json()
    if document is None:
        raise _Unreadable(f"{config.path} is not JSON: {answer.said()}")
    items = http.pointer(document, config.items)
    if not isinstance(items, list):
        raise _Unreadable(f"no list at {config.items} in the answer")
    found: list[tuple[str, str]] = []
    for item in items:
        token, payload = (http.pointer(item, p, _MISSING) for p in (config.token, config.payload))
        if token is _MISSING or payload is _MISSING:
            raise _Unreadable(f"no {config.token if token is _MISSING else config.payload} in an entry of the answer")
        if token is not None:  # else an entry nobody's client wrote
            found.append((_bounded(token), "" if payload is None else _bounded(payload)))
    following = http.pointer(document, config.next, _MISSING)
    if following is _MISSING and first:  # on the first page it may be misspelt, and more pages left unread
        raise _Unreadable(f"no {config.next} in the answer (null says that it is the last page)")
    totals = {p: value for p in config.totals if isinstance(value := http.pointer(document, p), int | float)}
    return _Page(found, None if following in (None, _MISSING) else str(following), totals)


def _read_text(config: ReadBackConfig, answer: http.Answer, first: bool) -> _Page:
    """By patterns. An error page holds no entry either: what says nothing at all is not read as empty."""
    text = answer.body.decode(errors="replace")
    found = [
        (_bounded(m["token"]), _bounded(m["payload"] or ""))
        for m in re.finditer(config.pattern, text)
        if m["token"] is not None
    ]
    if config.expect_body and not re.search(config.expect_body, text):
        raise _Unreadable(f"a page without {config.expect_body!r}: {answer.said()}")
    if not found and not config.expect_body:
        why = "and without expect_body it cannot be told from an error page"
        raise _Unreadable(f"nothing in a page matches {config.pattern!r}, {why}: {answer.said()}")
    following = re.search(config.next_pattern, text) if config.next_pattern else None
    return _Page(found, following[1] if following else None, {})


def _bounded(value: object) -> str:
    """A token or payload as it is kept: one that is far too long to be ours is cut, and still none of ours."""
    text = str(value)
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}... ({len(text)} characters)"


def _page(system: LiveSystem, config: ReadBackConfig, after: str, deadline: Deadline, again: list[str]) -> http.Answer:
    """One page, asked for again where the answer is that it is not to be had just now; ``again`` gets what it was."""
    fill = system.commands.text
    path, body = fill(config.path, after=after), fill(config.body, after=after)
    for _ in range(_TIMES_ASKED_AGAIN):
        answer = system.service.ask(config.method, path, PAGE_DEADLINE_S, body, config.headers)
        if answer.status not in _NOT_NOW or deadline.passed:
            return answer
        again.append(f"a page answered {answer.status}")
        sleep(_PAUSE_S)
    return system.service.ask(config.method, path, PAGE_DEADLINE_S, body, config.headers)


def observe(
    system: LiveSystem,
    label: str,
    cause: str,
    status: Status,
    snapshot_ns: tuple[int, int] | None,
) -> ReadBack:
    """Read back and record it as the observation ``label``, which follows the operation ``cause``. What others wrote to
    a system that runs already is theirs: it is neither kept nor judged."""
    start = mono_ns()
    back = read_back(system)
    if system.config.service.attach and back.found is not None:
        back = replace(back, found=tuple(entry for entry in back.found if OUR_TOKEN.match(entry[0])))
    version = system.service.version()
    content = {
        "found": back.found,
        "error": back.error,
        "error_status": back.error_status,
        "not_provided": _not_provided(system),
        "asked_again": back.asked_again,
        "totals": back.totals,
        "expected_totals": system.config.load.read_back.totals if system.config.load.read_back else {},
        "artefacts": [
            {"name": a.name, "path": a.path, "size": a.size, "eligible": a.eligible} for a in status.artefacts
        ],
        "latest": status.latest,
        "status_error": status.error,
        "version": version,
        "snapshot_ns": snapshot_ns,
        "said": status.said,
        "schemas": system.config.versions.schemas.get(version, ()),
        "offsite": None if status.offsite is None else [asdict(copy) for copy in status.offsite],
        "stored": system.files.stored(),
        "stored_digests": system.files.digests(status.offsite or ()),
    }
    if back.asked_again:
        times = f"asked for a page again {len(back.asked_again)} times"
        system.recorder.record(Warned(text=f"the read-back {label} {times}: {', '.join(back.asked_again)}"))
    files = {a.path: _bytes(Path(a.path)) for a in status.artefacts}
    system.recorder.observation(label, cause, start, content, backup_files=files)
    return back


def _not_provided(system: LiveSystem) -> list[str]:
    config = system.config
    lacking = {"status": not config.tells_backups, "read_back": config.load.read_back is None}
    return [name for name, lacks in lacking.items() if lacks]


def _bytes(path: Path) -> int | None:
    """What a backup that `status` names takes on the disk (a directory: all of it); None when it is not there."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    except OSError:
        return None
