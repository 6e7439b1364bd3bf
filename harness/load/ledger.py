"""The client-side ledger: what became of every write one process attempted, one JSON line each."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harness.load.requests import Request
from harness.model import LedgerOutcome

# A request that cannot be right (4xx) was not carried out. A server's own trouble tells nothing of what came before it:
# 500 after a connection lost in COMMIT, 502 to 504 of a front whose service went away. By their definition (RFC 9110,
# RFC 4918) these are the exceptions: given up while waiting for the request; not implemented, no such version, no room.
_UNSETTLED = (408,)
_SETTLED = (501, 505, 507)
_encode = msgspec.json.Encoder().encode  # a tenth of json's cost, paid in the load generator


def ledger_outcome(outcome: str, status: int) -> LedgerOutcome:
    """What a client may conclude from ``outcome`` (harness.recording.samples.OUTCOMES) and ``status`` of a write."""
    if outcome == "ok":
        return "acknowledged"
    if outcome == "refused":
        return "refused"
    if outcome == "http_error" and (status in _SETTLED or (400 <= status < 500 and status not in _UNSETTLED)):
        return "refused"
    return "indeterminate"


class Ledger:
    """Appends to one file of one process; the caller flushes."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=64 * 1024)

    def add(self, request: Request, sent_ns: int, end_ns: int, outcome: str, status: int) -> None:
        line = {
            "token": request.token,
            "operation": request.template.name,
            "payload": request.payload,
            "sent_ns": sent_ns,
            "end_ns": end_ns,
            "outcome": ledger_outcome(outcome, status),
            "status": status,
        }
        self._file.write(_encode(line) + b"\n")

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self._file.close()
