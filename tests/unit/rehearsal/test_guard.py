"""The guard of a run ends it once a limit is met, and once nothing is known of the service any more."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from harness.config.schema import StopWhenConfig
from harness.host.clock import mono_ns
from harness.load.driver import LoadProgress
from harness.model import NS
from harness.rehearsal.guard import Guard
from tests.unit.purity import SteppedClock


def met(limits: StopWhenConfig, *lines: LoadProgress) -> tuple[str, int]:
    """By which limit it stops at the last of these lines of the load, and how often faults were taken out; empty: it
    does not."""
    told, withdrawn = iter(lines), [0]
    recorded: list[str] = []

    def withdraw() -> None:
        withdrawn[0] += 1

    load = SimpleNamespace(progress=lambda: next(told))
    recorder = SimpleNamespace(record=lambda event: recorded.append(event.limit))
    guard = Guard(limits, "", load, withdraw, recorder)  # type: ignore[arg-type]  # it asks no more of them
    guard._over = SimpleNamespace(wait=lambda _: len(recorded) > 0)  # type: ignore[assignment]
    try:
        guard._look()
    except StopIteration:
        pass
    assert guard.stopped == bool(recorded)
    return "".join(recorded), withdrawn[0]


def line(ok: int = 0, bad: int = 0, age_s: float = 0.0, latency_ms: float = 0.0) -> LoadProgress:
    return LoadProgress(ok + bad, ok, bad, 0, 1, mono_ns() - int(age_s * NS), latency_ms_p95=latency_ms)


SHARE = StopWhenConfig(bad_share=0.2)


def test_a_share_of_bad_requests_is_met_once_there_are_enough(clock: SteppedClock) -> None:
    assert met(SHARE, line(), line(10, 9)) == ("", 0)
    assert met(SHARE, line(), line(16, 4)) == ("", 0)
    assert met(SHARE, line(), line(15, 5)) == ("bad_share", 1)


def test_requests_from_before_its_window_do_not_count(clock: SteppedClock) -> None:
    assert met(SHARE, line(0, 100), line(100, 100)) == ("", 0)
    assert met(SHARE, line(0, 100), line(100, 126)) == ("bad_share", 1)


def test_a_latency_is_met(clock: SteppedClock) -> None:
    limits = StopWhenConfig(latency_ms_p95=100)
    assert met(limits, line(latency_ms=100)) == ("", 0)
    assert met(limits, line(latency_ms=101)) == ("latency_ms_p95", 1)


@pytest.mark.parametrize(("age_s", "limit"), [(2.9, ""), (3.1, "load")])
def test_a_load_that_tells_nothing_any_more_guards_nobody(clock: SteppedClock, age_s: float, limit: str) -> None:
    assert met(SHARE, line(50), line(60, age_s=age_s)) == (limit, int(bool(limit)))
