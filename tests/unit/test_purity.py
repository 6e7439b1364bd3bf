"""The guard of the unit tests refuses what it says it does, also where the code under test catches everything."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from harness.host import clock as harness_clock
from harness.host import commands
from tests.unit.purity import Guard, SteppedClock


def connect() -> None:
    with socket.socket() as client:
        client.connect(("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (lambda: commands.run(["true"]), "reads the harness clock"),
        (lambda: commands.spawn(["true"]), "starts a process"),
        (lambda: subprocess.run(["true"]), "starts a process"),
        (lambda: os.system("true"), "calls os.system"),
        (harness_clock.now, "reads the harness clock"),
        (lambda: harness_clock.sleep(0), "reads the harness clock"),
        (lambda: time.monotonic(), "calls time.monotonic"),
        (lambda: time.sleep(0), "calls time.sleep"),
        (connect, "calls socket.connect"),
    ],
)
def test_what_a_unit_test_may_not_do_is_refused_and_remembered(act: Callable[[], Any], told: str) -> None:
    guard = Guard()
    guard.begin()
    try:
        with pytest.raises(pytest.fail.Exception, match=told):
            act()
        with pytest.raises(pytest.fail.Exception, match=told):
            guard.check()
        guard.check()  # it is told once
    finally:
        guard.end()


def test_a_stepped_clock_moves_when_it_is_told_to_and_never_stands_still(clock: SteppedClock) -> None:
    before = harness_clock.now()
    harness_clock.sleep(2)
    clock.step(1)
    after = harness_clock.now()
    assert after.mono_ns - before.mono_ns == pytest.approx(3e9, abs=10_000)
    assert after.wall_ns - before.wall_ns == pytest.approx(3e9, abs=10_000)
    first, second = harness_clock.mono_ns(), harness_clock.mono_ns()
    assert before.mono_ns < first < second


def test_a_wait_on_the_stepped_clock_takes_no_time(clock: SteppedClock) -> None:
    assert not harness_clock.wait_until(lambda: False, harness_clock.Deadline(3600, "nothing"))
