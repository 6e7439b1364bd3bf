"""The time in which the harness held the kit with the service down is nobody's downtime, and no more than that."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from harness.judged.downtime import overall
from harness.judged.kit_held import down_while_held, others_held_s
from harness.judged.requests import held_up
from harness.recording.events import PhaseEdge
from harness.recording.recording import Recording
from tests.unit.judged.planted import MS, START_NS, fail, grid, stall

DEADLINE_MS = 1000.0


def recording(*held_ms: tuple[float, float], operation: str = "deploy-1", faults_ms: Sequence[float] = ()) -> Recording:
    """The kit was held from ... to ..."""
    edges = [
        PhaseEdge(
            t=START_NS + int(start * MS),
            operation=operation,
            phase="deploy.switch",
            event="start",
            gate_ns=int((stop - start) * MS),
        )
        for start, stop in held_ms
    ]
    faults = [SimpleNamespace(injected_ns=START_NS + int(at * MS)) for at in faults_ms]
    return SimpleNamespace(of=lambda _: edges, faults=faults)  # type: ignore[return-value]  # so much of one


def down_ms(probes: Any, *held_ms: tuple[float, float], faults_ms: Sequence[float] = ()) -> list[tuple[float, float]]:
    found = down_while_held(recording(*held_ms, faults_ms=faults_ms), probes, DEADLINE_MS)
    return [((start - START_NS) / MS, (stop - START_NS) / MS) for start, stop in found]


def test_a_kit_that_stops_first_and_is_held_then_is_down_because_of_that() -> None:
    assert down_ms(fail(grid(3), 900, 2200), (1000, 2000)) == [(1000, 2000)]


def test_it_is_so_only_until_the_service_answers_again() -> None:
    ((start, stop),) = down_ms(fail(grid(3), 900, 1500), (1000, 2000))
    assert (start, stop) == (1000, pytest.approx(1522, abs=10))


def test_what_was_up_when_the_hold_began_went_down_for_another_reason() -> None:
    assert down_ms(fail(grid(3), 1200, 2200), (1000, 2000)) == []
    assert down_ms(grid(3), (1000, 2000)) == []


def test_a_mark_right_after_the_stop_comes_before_the_next_probe() -> None:
    assert down_ms(fail(grid(3), 999, 2200), (1000, 2000)) == [(1000, 2000)]
    for fault_ms in (999.5, 1004, 1010.5):  # since the last good probe, until the first bad one had ended
        assert down_ms(fail(grid(3), 1005, 2200), (1000.5, 2000), faults_ms=[fault_ms]) == []
    assert down_ms(fail(grid(3), 1005, 2200), (1000.5, 2000), faults_ms=[2100]) == [(1000.5, 2000)]


def test_a_gate_that_is_opened_at_once_holds_nobody() -> None:
    assert down_ms(fail(grid(3), 900, 2200), (1000, 1004)) == []
    assert down_ms(fail(grid(3), 900, 2200), (1000, 1006)) == [(1000, 1006)]


def test_whoever_waits_for_the_lock_of_one_that_is_held_waits_for_the_harness() -> None:
    second = SimpleNamespace(id="deploy-2", start_ns=START_NS + 500 * MS, stop_ns=START_NS + 1500 * MS)
    first = SimpleNamespace(id="deploy-1", start_ns=START_NS, stop_ns=START_NS + 3000 * MS)
    of_first = recording((1000, 2000))
    assert others_held_s(of_first, second) == pytest.approx(0.5)  # type: ignore[arg-type]  # so much of one
    assert others_held_s(of_first, first) == 0  # type: ignore[arg-type]


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
