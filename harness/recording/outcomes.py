"""What a client may conclude from how a write of its was answered."""

from __future__ import annotations

from harness.model import LedgerOutcome

# A request that cannot be right (4xx) was not carried out. A server's own trouble tells nothing of what came before it:
# 500 after a connection lost in COMMIT, 502 to 504 of a front whose service went away. By their definition (RFC 9110,
# RFC 4918) these are the exceptions: given up while waiting for the request; not implemented, no such version, no room.
_UNSETTLED = (408,)
_SETTLED = (501, 505, 507)
# By these a service that is well refuses a stranger: it wants another address, another header, a login, or less.
REFUSALS = frozenset({301, 302, 303, 307, 308, 400, 401, 403, 421, 426, 429})


def ledger_outcome(outcome: str, status: int) -> LedgerOutcome:
    """What a client may conclude from ``outcome`` (harness.recording.samples.OUTCOMES) and ``status`` of a write."""
    if outcome == "ok":
        return "acknowledged"
    if outcome == "refused":
        return "refused"
    if outcome == "http_error" and (status in _SETTLED or (400 <= status < 500 and status not in _UNSETTLED)):
        return "refused"
    return "indeterminate"
