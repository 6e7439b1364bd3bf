"""The read-back: everything the system still knows of the ledger, and what else is looked at with it, recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from harness.config.schema import ReadBackConfig
from harness.host.clock import Deadline, mono_ns
from harness.model import NS, OUR_TOKEN
from harness.recording.events import Warned
from harness.system import http
from harness.system.clients.talk import ClientGone, Talk
from harness.system.largest_file import identity
from harness.system.live import LiveSystem
from harness.system.operations import Status
from harness.system.read_back_by_id import each_by_id, ledger_of
from harness.system.read_pages import DEADLINE_S, PAGE_DEADLINE_S, ReadBack, all_pages, bounded


def read_back(system: LiveSystem) -> ReadBack:
    """Read while the load goes on: judge only by what was acknowledged before it began."""
    if system.talk is not None:
        return _by_client(system.talk)
    config = system.config.load.read_back
    if config is None:
        return ReadBack(None, {}, "the system declares no [load.read_back]")
    deadline = Deadline(DEADLINE_S, "the read-back")
    return each_by_id(system, config, deadline) if config.by_id else _as_each_account(system, config, deadline)


def _as_each_account(system: LiveSystem, config: ReadBackConfig, deadline: Deadline) -> ReadBack:
    """As the first account sees it; what that lacks may be what only another one sees."""
    began_ns = mono_ns()
    whole = all_pages(system, config, deadline)
    for account in range(1, system.service.accounts):
        there = {token for token, _ in whole.found or ()}
        told = ledger_of(system).acknowledged()
        if whole.found is None or all(w.token in there for w in told if w.end_ns < began_ns):
            return whole
        more = all_pages(system, config, deadline, account)
        if more.found is None:
            return more
        found = (*whole.found, *(entry for entry in more.found if entry[0] not in there))
        whole = replace(whole, found=found, asked_again=(*whole.asked_again, *more.asked_again))
        if there and there <= {token for token, _ in more.found}:  # all of them see the same
            return whole
    return whole


def _by_client(talk: Talk) -> ReadBack:
    """What a client of the user's own says is stored."""
    try:
        found = talk.entries(DEADLINE_S)
    except (TimeoutError, ClientGone, ValueError, KeyError, TypeError) as error:
        return ReadBack(None, {}, f"read_all of the client: {error}")
    return ReadBack(tuple((bounded(t), None if p is None else bounded(p)) for t, p in found), {}, "")


def read_with_totals(system: LiveSystem) -> tuple[ReadBack, dict[str, float]]:
    """The read-back, and then what each of [load.totals] tells, less the entries of ours that were found where it
    counts them; what the load writes meanwhile is in it still. One that could not be asked is not there."""
    back = read_back(system)
    totals, told = dict(back.totals), _told_totals(system)
    for name, total in system.config.load.totals.items():
        if name in told and not (total.with_writes and back.found is None):
            totals[name] = told[name] - _ours(back) * total.with_writes
    return back, totals


def first_totals(system: LiveSystem) -> dict[str, float]:
    """What each of [load.totals] without `equals` tells before any client writes. A system that runs already may hold
    entries of ours from an earlier run."""
    wanted = {name: total for name, total in system.config.load.totals.items() if total.equals is None}
    counted = system.config.service.attach and any(total.with_writes for total in wanted.values())
    ours = _ours(read_back(system)) if counted else 0
    told = _told_totals(system) if wanted else {}
    return {name: told[name] - ours * total.with_writes for name, total in wanted.items() if name in told}


def _ours(back: ReadBack) -> int:
    return sum(OUR_TOKEN.match(token) is not None for token, _ in back.found or ())


def _told_totals(system: LiveSystem) -> dict[str, float]:
    told: dict[str, float] = {}
    for name, total in system.config.load.totals.items():
        answer = system.service.ask_as_client("GET", total.path, PAGE_DEADLINE_S)
        value = http.pointer(answer.json(), total.pointer) if answer.ok else None
        if isinstance(value, int | float) and not isinstance(value, bool):
            told[name] = value
    return told


def _expected_totals(system: LiveSystem) -> dict[str, float]:
    load = system.config.load
    expected = dict(load.read_back.totals) if load.read_back else {}
    own = {name: total.equals for name, total in load.totals.items() if total.equals is not None}
    return expected | own | {n: v for n, v in system.first_totals.items() if n not in own}


def observe(
    system: LiveSystem,
    label: str,
    cause: str,
    status: Status,
    snapshot_ns: tuple[int, int] | None,
    again: Callable[[ReadBack, int], bool] = lambda *_: False,
) -> ReadBack:
    """Read back and record it as the observation ``label``, which follows the operation ``cause``; once more as long as
    ``again`` says so of one that began then. What others wrote to a system that runs already is theirs: it is neither
    kept nor judged."""
    start = mono_ns()
    (back, totals), lag_s = read_with_totals(system), 0.0
    while again(back, start):
        (back, totals), lag_s = read_with_totals(system), round((mono_ns() - start) / NS, 3)
    if system.config.service.attach and back.found is not None:
        back = replace(back, found=tuple(entry for entry in back.found if OUR_TOKEN.match(entry[0])))
    version = system.service.version()
    content = {
        "found": back.found,
        "error": back.error,
        "error_status": back.error_status,
        "not_provided": _not_provided(system),
        "asked_again": back.asked_again,
        "totals": totals,
        "totals_with_writes": [n for n, total in system.config.load.totals.items() if total.with_writes],
        "expected_totals": _expected_totals(system),
        "lag_s": lag_s,
        "settle_s": system.config.load.read_back.settle_s if system.config.load.read_back else 0.0,
        "artefacts": [asdict(artefact) for artefact in status.artefacts],
        "latest": status.latest,
        "backup_identities": {a.path: found for a in status.artefacts if (found := identity(a.path))},
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
    # One that is no path is an object in a store, or a snapshot: there is no file of it here.
    files = {a.path: _bytes(Path(a.path)) for a in status.artefacts if a.is_file}
    system.recorder.observation(label, cause, start, content, backup_files=files)
    return back


def _not_provided(system: LiveSystem) -> list[str]:
    config = system.config
    lacking = {"status": not config.tells_backups, "read_back": not config.reads_back}
    return [name for name, lacks in lacking.items() if lacks]


def _bytes(path: Path) -> int | None:
    """What a backup that `status` names takes on the disk (a directory: all of it); None when it is not there."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
    except OSError:
        return None
