"""A limit that was missed is a failure on an idle machine, and inconclusive on one that had no time."""

from __future__ import annotations

from collections import namedtuple

import pytest

from tests import busy
from tests.inconclusive import Inconclusive

Times = namedtuple("Times", "user nice system idle iowait guest")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, used: float, idle: float, waiting: float) -> busy.Machine:
    """One that used, and left idle, so many seconds since it was first looked at."""
    times = iter([Times(10, 0, 10, 100, 1, 5), *[Times(10 + used, 0, 10, 100 + idle, 1 + waiting, 5 + used)] * 2])
    monkeypatch.setattr("tests.busy.psutil.cpu_times", lambda: next(times))
    return busy.Machine()


@pytest.mark.parametrize(("used", "idle", "waiting"), [(9.5, 0.5, 0)])
def test_a_missed_limit_is_inconclusive_where_the_processors_had_no_time(machine: busy.Machine) -> None:
    with pytest.raises(Inconclusive, match="took 3 s; meanwhile the processors were idle for 5 % of the time only"):
        machine.must(False, "took 3 s")


@pytest.mark.parametrize(("used", "idle", "waiting"), [(5, 5, 0), (9, 0.5, 0.5), (0, 0, 0)])
def test_a_missed_limit_fails_where_they_stood_idle_or_waited_for_a_disk(machine: busy.Machine) -> None:
    with pytest.raises(AssertionError, match="took 3 s"):
        machine.must(False, "took 3 s")


@pytest.mark.parametrize(("used", "idle", "waiting"), [(10, 0, 0)])
def test_a_limit_that_was_kept_is_no_matter_of_the_machine(machine: busy.Machine) -> None:
    machine.must(True, "took 1 s")
