"""The time in which the harness held the kit with the service down is nobody's downtime, and no more than that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.judged.downtime import overall
from harness.judged.kit_held import down_while_held, others_held_s
from harness.judged.requests import held_up
from harness.model import NS
from tests.unit.checkers.build import BEGAN, Run
from tests.unit.judged.planted import MS, START_NS, fail, grid, stall

DEADLINE_MS = 1000.0


Held = tuple[float, float]
Down = Callable[..., list[Held]]


def since_began_s(ms: float) -> float:
    """Of a moment of the samples, as a run counts."""
    return (START_NS + ms * MS - BEGAN.mono_ns) / NS


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def held(run: Run, start_ms: float, stop_ms: float, operation: str = "deploy-1") -> None:
    """The kit was held from ... to ..."""
    gate_ns = int((stop_ms - start_ms) * MS)
    told = {"operation": operation, "phase": "deploy.switch", "event": "start", "gate_ns": gate_ns}
    run.event("phase", since_began_s(start_ms), **told)


@pytest.fixture
def down_ms(run: Run) -> Down:
    """When the service was down because the kit was held then; faults came at ``faults_ms``."""

    def down(probes: Any, *holds_ms: Held, faults_ms: Sequence[float] = ()) -> list[Held]:
        run._events.clear()
        for number, at_ms in enumerate(faults_ms):
            run.fault(since_began_s(at_ms), None, id=f"fault-{number}")
        for start_ms, stop_ms in holds_ms:
            held(run, start_ms, stop_ms)
        found = down_while_held(run.done(), probes, DEADLINE_MS)
        return [((start - START_NS) / MS, (stop - START_NS) / MS) for start, stop in found]

    return down


def test_a_kit_that_stops_first_and_is_held_then_is_down_because_of_that(down_ms: Down) -> None:
    assert down_ms(fail(grid(3), 900, 2200), (1000, 2000)) == [(1000, 2000)]


def test_it_is_so_only_until_the_service_answers_again(down_ms: Down) -> None:
    ((start, stop),) = down_ms(fail(grid(3), 900, 1500), (1000, 2000))
    assert (start, stop) == (1000, pytest.approx(1522, abs=10))


def test_what_was_up_when_the_hold_began_went_down_for_another_reason(down_ms: Down) -> None:
    assert down_ms(fail(grid(3), 1200, 2200), (1000, 2000)) == []
    assert down_ms(grid(3), (1000, 2000)) == []


def test_a_mark_right_after_the_stop_comes_before_the_next_probe(down_ms: Down) -> None:
    assert down_ms(fail(grid(3), 999, 2200), (1000, 2000)) == [(1000, 2000)]
    for fault_ms in (999.5, 1004, 1010.5):  # since the last good probe, until the first bad one had ended
        assert down_ms(fail(grid(3), 1005, 2200), (1000.5, 2000), faults_ms=[fault_ms]) == []
    assert down_ms(fail(grid(3), 1005, 2200), (1000.5, 2000), faults_ms=[2100]) == [(1000.5, 2000)]


def test_a_gate_that_is_opened_at_once_holds_nobody(down_ms: Down) -> None:
    assert down_ms(fail(grid(3), 900, 2200), (1000, 1004)) == []
    assert down_ms(fail(grid(3), 900, 2200), (1000, 1006)) == [(1000, 1006)]


def test_whoever_waits_for_the_lock_of_one_that_is_held_waits_for_the_harness(run: Run) -> None:
    held(run, 1000, 2000)
    run.op("deploy", since_began_s(0), since_began_s(3000), gate=1)
    run.op("deploy", since_began_s(500), since_began_s(1500))
    recording = run.done()
    first, second = recording.operations
    assert others_held_s(recording, second) == pytest.approx(0.5)
    assert others_held_s(recording, first) == 0


def left_in(records: Any, *held_ms: tuple[float, float]) -> Any:
    spans = [(START_NS + int(start * MS), START_NS + int(stop * MS)) for start, stop in held_ms]
    return records[~held_up(records, spans, DEADLINE_MS)]


def test_a_gap_beside_the_hold_is_measured_to_a_probe() -> None:
    """Down for 100 ms before the hold and for 200 ms after it."""
    seen = overall(left_in(fail(grid(5), 900, 2200), (1000, 2000)), DEADLINE_MS)
    assert seen.bad == 29  # the one due as the hold ends is in it


def test_who_waited_for_the_hold_and_not_longer_than_allowed_besides_waited_for_the_harness() -> None:
    """Due 100 ms before a hold of 3 s, and answered 0.5 s or 1.5 s after it."""
    soon, late = (left_in(stall(grid(7), 900, stop), (1000, 4000)) for stop in (4500, 5500))
    due_before = lambda r: overall(r[r["intended_ns"] < START_NS + 1000 * MS], DEADLINE_MS).bad  # noqa: E731
    assert (due_before(soon), due_before(late)) == (0, 10)


def test_what_was_lost_before_the_hold_began_stays_lost() -> None:
    refused = left_in(fail(grid(5), 900, 2200, outcome="refused"), (1000, 2000))
    assert overall(refused[refused["intended_ns"] < START_NS + 1000 * MS], DEADLINE_MS).bad == 10
