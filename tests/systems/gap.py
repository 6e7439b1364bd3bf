"""Of a service that is down while the harness holds the kit, the time in which it is down by itself is found.

The kit stops the service before it marks anything, is held there for as long as the other one waits for the lock, and
leaves it down for 2 s more.
"""

from __future__ import annotations

import re

from tests.e2e.command import Done

# The probes of all channels are 10 ms apart; the rest is how exactly the kit tells how long it was held.
_EXACT_MS = 15


def gap_is_found(done: Done) -> str:
    """What was found instead; empty where it is the true gap."""
    (found,) = done.found("pass", "requests.answered")
    (service_log,) = done.report.glob("*/logs/*service.log*")
    up_down = {word: float(at) for word, at in re.findall(r"(up|down) ([\d.]+)", _one_gap(service_log.read_text()))}
    said = "".join(path.read_text() for path in done.report.glob("*/operations/deploy-*.out"))
    (held_s,) = re.findall(r"held for ([\d.]+) s while the service was down", said)
    held_ms, found_ms = 1000 * float(held_s), found["details"]["total_outage_ms"]
    true_ms = 1000 * (up_down["up"] - up_down["down"]) - held_ms
    if held_ms > 2 * true_ms > 4000 and abs(found_ms - true_ms) <= _EXACT_MS:
        return ""
    return f"held for {held_ms:.0f} ms, down by itself for {true_ms:.0f} ms, and {found_ms:.0f} ms were found"


def _one_gap(log: str) -> str:
    """The first time it went down, and the next it was up."""
    return "\n".join(log.splitlines()[1:3])
