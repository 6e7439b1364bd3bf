"""Of a service that is down while the harness holds the kit, the time in which it is down by itself is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.command import conclusive, deploydrill
from tests.systems.rehearse import commands
from tests.systems.rows import GAP

pytestmark = [pytest.mark.island, pytest.mark.calm]
# The probes of all channels are 10 ms apart; the rest is how exactly the kit tells how long it was held.
_EXACT_MS = 15


def test_a_true_gap_beside_a_hold_is_found(tmp_path: Path) -> None:
    """The kit stops the service before it marks anything, is held there for as long as the other waits for the lock,
    and leaves it down for 2 s more."""
    ((_, words),) = commands(GAP, tmp_path)
    done = deploydrill(*words)
    if done.exit == 3:
        conclusive(done)
    assert done.exit == 0, done.out
    (found,) = done.found("pass", "requests.answered")
    (service_log,) = done.report.glob("*/logs/*service.log*")
    up_down = {word: float(at) for word, at in re.findall(r"(up|down) ([\d.]+)", _one_gap(service_log.read_text()))}
    said = "".join(path.read_text() for path in done.report.glob("*/operations/deploy-*.out"))
    (held_s,) = re.findall(r"held for ([\d.]+) s while the service was down", said)
    true_ms = 1000 * (up_down["up"] - up_down["down"] - float(held_s))
    assert 1000 * float(held_s) > 2 * true_ms
    assert true_ms > 2000
    assert found["details"]["total_outage_ms"] == pytest.approx(true_ms, abs=_EXACT_MS)


def _one_gap(log: str) -> str:
    """The first time it went down, and the next it was up."""
    return "\n".join(log.splitlines()[1:3])
