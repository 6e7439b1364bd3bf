"""The guard of a run ends it once a limit is met, and once nothing is known of the service any more."""

from __future__ import annotations

import pytest

from harness.config.schema import StopWhenConfig
from harness.host.clock import mono_ns
from harness.load.driver import LoadProgress
from harness.model import NS
from harness.rehearsal.guard import LoadLimits
from tests.unit.purity import SteppedClock


def met(limits: StopWhenConfig, *lines: LoadProgress) -> str:
    """By which limit it stops at one of these lines of the load; empty: it does not."""
    shown = LoadLimits(limits)
    return next((found.limit for told in lines if (found := shown.met(told))), "")


def line(ok: int = 0, bad: int = 0, age_s: float = 0.0, latency_ms: float = 0.0) -> LoadProgress:
    return LoadProgress(ok + bad, ok, bad, 0, 1, mono_ns() - int(age_s * NS), latency_ms_p95=latency_ms)


SHARE = StopWhenConfig(bad_share=0.2)


def test_a_share_of_bad_requests_is_met_once_there_are_enough(clock: SteppedClock) -> None:
    assert met(SHARE, line(), line(10, 9)) == ""
    assert met(SHARE, line(), line(16, 4)) == ""
    assert met(SHARE, line(), line(15, 5)) == "bad_share"


def test_requests_from_before_its_window_do_not_count(clock: SteppedClock) -> None:
    assert met(SHARE, line(0, 100), line(100, 100)) == ""
    shown = LoadLimits(SHARE)
    for after_s, told in ((0, (0, 0)), (1, (0, 15)), (6, (0, 15)), (0.5, (10, 20))):
        clock.step(after_s)
        assert shown.met(line(*told)) is None  # 20 of 30 would be too many, were the first 15 among them
    clock.step(0.5)
    assert shown.met(line(10, 31)) is not None


def test_a_latency_is_met(clock: SteppedClock) -> None:
    limits = StopWhenConfig(latency_ms_p95=100)
    assert met(limits, line(latency_ms=100)) == ""
    assert met(limits, line(latency_ms=101)) == "latency_ms_p95"


@pytest.mark.parametrize(("age_s", "limit"), [(2.9, ""), (3.1, "load")])
def test_a_load_that_tells_nothing_any_more_guards_nobody(clock: SteppedClock, age_s: float, limit: str) -> None:
    assert met(SHARE, line(50), line(60, age_s=age_s)) == limit
