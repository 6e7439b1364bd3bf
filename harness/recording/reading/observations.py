"""The read-backs of a run as read, each with the ledger and operations up to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from harness.model import BEFORE, Artefact, CrashState, Found, Observation, OffsiteCopy, Operation
from harness.recording.events import Observed, OperationStopped
from harness.recording.ledger import Entries, Ledger, Writes, as_writes, upto
from harness.recording.reading.integrity import Integrity
from harness.recording.reading.operations import operation_of


def read_observations(
    folder: Path, observed: Iterable[Observed], integrity: Integrity, ledger: Ledger, operations: Sequence[Operation]
) -> tuple[Observation, ...]:
    """In the order they were made. Those of crash states know only what came before their cut. What an attached system
    held before is with each of them instead. ValueError when one's file is not the one of this run."""
    done: list[Observation] = []
    entries = _EntriesOnce()  # one read-back finds for the most part what the one before found
    held_before: frozenset[str] = frozenset()
    backups_before: frozenset[tuple[str, int]] = frozenset()
    for e in observed:
        if strange := integrity.wrong_with(look_file(e), e.digest):
            raise ValueError(f"{strange.about} is missing, or not the one of this run")
        found, content = _content((folder / look_file(e)).read_bytes())
        if e.cause == BEFORE:
            held_before = frozenset(token for token, _ in found or ())
            backups_before = frozenset((a["path"], a["size"]) for a in content["artefacts"])
            continue
        copies = content.get("offsite")
        look = Observation(
            label=e.label,
            cause=e.cause,
            start_ns=e.start_ns,
            stop_ns=e.t,
            found=None if found is None else Entries(map(entries.__getitem__, found)),
            error=content["error"],
            totals=content["totals"],
            expected_totals=content["expected_totals"],
            totals_with_writes=frozenset(content.get("totals_with_writes", ())),
            artefacts=tuple(Artefact(**{**a, "needs": tuple(a.get("needs", ()))}) for a in content["artefacts"]),
            latest=content["latest"],
            status_error=content["status_error"],
            version=content["version"],
            snapshot_ns=tuple(content["snapshot_ns"]) if content["snapshot_ns"] else None,
            said=content.get("said", {}),
            schemas=tuple(content.get("schemas", ())),
            offsite=None if copies is None else tuple(OffsiteCopy(**c) for c in copies),
            stored=content.get("stored"),
            stored_digests=content.get("stored_digests", {}),
            writes=upto(ledger, e.t),
            operations=tuple(o for o in operations if o.start_ns <= e.t),
            held_before=held_before,
            backups_before=backups_before,
            error_status=content.get("error_status", 0),
            lag_s=content.get("lag_s", 0.0),
            settle_s=content.get("settle_s", 0.0),
            not_provided=frozenset(content.get("not_provided", ())),
        )
        if "crash" in content:
            after = [operation_of(msgspec.convert(o, OperationStopped), o["output"]) for o in content["operations"]]
            look = _crashed(look, CrashState(**content["crash"]), after)
        earlier = (o for o in done if o.crash is None and (look.crash is None or o.stop_ns <= look.crash.at_ns))
        done.append(replace(look, earlier=tuple(earlier)))
    return tuple(done)


def look_file(event: Observed) -> str:
    """Where the content of an observation lies."""
    return f"observations/{event.label}.json"


class _EntriesOnce(dict[tuple[str, str | None], Found]):
    """(token, payload) -> one entry for all read-backs that found it."""

    def __missing__(self, row: tuple[str, str | None]) -> Found:
        entry = self[row] = Found(*row)
        return entry


def _content(raw: bytes) -> tuple[list[tuple[str, str | None]] | None, dict[str, Any]]:
    """What was found, and what else a read-back holds."""
    try:
        parts = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        found = msgspec.json.decode(parts.pop("found"), type=list[tuple[str, str | None]] | None)
        return found, {name: json.loads(bytes(part)) for name, part in parts.items()}
    except msgspec.MsgspecError:  # a total that is NaN, half a surrogate: json reads what json wrote
        content: dict[str, Any] = json.loads(raw.decode())
        rows = content.pop("found")
        return None if rows is None else [(token, payload) for token, payload in rows], content


def _crashed(look: Observation, crash: CrashState, after: list[Operation]) -> Observation:
    """The observation as of the cut: what had no end by then has none, what came later never happened; ``after`` was
    run on the state it left."""
    at_ns = crash.at_ns
    before = [
        o if o.stop_ns <= at_ns else replace(o, exit=None, stop_ns=at_ns)
        for o in look.operations
        if o.start_ns <= at_ns
    ]
    owed_ns = crash.owed_ns or at_ns
    writes = [
        w if w.end_ns < owed_ns else replace(w, outcome="indeterminate") for w in look.writes if w.sent_ns <= at_ns
    ]
    ledger = Ledger(writes, like=as_writes(look.writes).ledger)
    return replace(look, crash=crash, operations=(*before, *after), writes=Writes(ledger, ledger.every))
