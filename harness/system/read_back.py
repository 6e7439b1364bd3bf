"""The read-back: everything the system still knows of the ledger, fetched through its own front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from urllib.parse import quote

from harness.host.clock import Deadline, mono_ns, sleep
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


@dataclass(frozen=True, slots=True)
class ReadBack:
    """``found`` as (token, payload), None when it could not be read; then ``error`` says why. ``asked_again``: what
    made us ask for a page more than once."""

    found: tuple[tuple[str, str], ...] | None
    totals: Mapping[str, float]
    error: str
    asked_again: tuple[str, ...] = ()


def read_back(system: LiveSystem) -> ReadBack:
    """Fetch all pages. Reads while the load goes on: judge only by what was acknowledged before it began."""
    config = system.config.load.read_back
    if config is None:
        return ReadBack(None, {}, "the system declares no [load.read_back]")
    deadline = Deadline(DEADLINE_S, "the read-back")
    found: list[tuple[str, str]] = []
    again: list[str] = []
    after = ""
    for _ in range(_PAGES):
        answer = _page(system.url + system.text(config.path, after=quote(after, safe="")), deadline, again)
        document = answer.json() if answer.ok else None
        if document is None:
            return ReadBack(None, {}, f"read-back of {config.path}: {answer.said()}")
        items = http.pointer(document, config.items)
        if not isinstance(items, list):
            return ReadBack(None, {}, f"read-back: no list at {config.items} in the answer")
        for item in items:
            token, payload = (http.pointer(item, p, _MISSING) for p in (config.token, config.payload))
            if token is _MISSING or payload is _MISSING:
                lacking = config.token if token is _MISSING else config.payload
                return ReadBack(None, {}, f"read-back: no {lacking} in an entry of the answer")
            if token is None:  # an entry nobody's client wrote
                continue
            found.append((str(token), "" if payload is None else str(payload)))
        following = http.pointer(document, config.next, _MISSING)
        if following is _MISSING and not after:  # on the first page it may be misspelt, and more pages left unread
            return ReadBack(None, {}, f"read-back: no {config.next} in the answer (null says that it is the last page)")
        if following in (None, _MISSING):
            totals = {p: value for p in config.totals if isinstance(value := http.pointer(document, p), int | float)}
            return ReadBack(tuple(found), totals, "", tuple(again))
        if str(following) == after:
            return ReadBack(None, {}, f"read-back: {config.next} does not move on from {after!r}")
        if deadline.passed:
            return ReadBack(None, {}, f"read-back: not done after {DEADLINE_S:g} s ({len(found)} entries so far)")
        after = str(following)
    return ReadBack(None, {}, f"read-back: more than {_PAGES} pages")


def _page(url: str, deadline: Deadline, again: list[str]) -> http.Answer:
    """One page, asked for again where the answer is that it is not to be had just now; ``again`` gets what it was."""
    for _ in range(_TIMES_ASKED_AGAIN):
        answer = http.get(url, PAGE_DEADLINE_S)
        if answer.status not in _NOT_NOW or deadline.passed:
            return answer
        again.append(f"a page answered {answer.status}")
        sleep(_PAUSE_S)
    return http.get(url, PAGE_DEADLINE_S)


def observe(
    system: LiveSystem,
    label: str,
    cause: str,
    status: Status,
    snapshot_ns: tuple[int, int] | None,
) -> ReadBack:
    """Read back and record it as the observation ``label``, which follows the operation ``cause``."""
    start = mono_ns()
    back = read_back(system)
    version = system.version()
    content = {
        "found": back.found,
        "error": back.error,
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
        "stored": system.stored(),
    }
    if back.asked_again:
        times = f"asked for a page again {len(back.asked_again)} times"
        system.recorder.event("warning", text=f"the read-back {label} {times}: {', '.join(back.asked_again)}")
    system.recorder.observation(label, cause, start, content)
    return back
