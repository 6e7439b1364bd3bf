"""Faults on links as values: what they say of themselves, what they lack, and when sockets show them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from harness.campaign.compile import planned_faults
from harness.faults.partition import Partition, unanswered
from harness.faults.support.byte_mark import Landing
from harness.faults.toxics import CutAt, Down, Reset, SlowDrip, StalledPeer
from harness.links.sockets import SocketState
from harness.model import Edge
from harness.scenario import Cell, Scenario, Step, Trigger

ALL: tuple[Any, ...] = (Partition("a"), StalledPeer("a"), Reset("a"), Down("a"), SlowDrip("a"), CutAt("a", 0.5))
OPEN = SocketState("ESTAB", "198.18.1.1:5", "198.18.1.2:8666", 0, 5001, 0, 0, 0, 0, 20)
telling = StalledPeer.telling


@pytest.mark.parametrize("fault", ALL, ids=lambda f: f.name)
def test_a_fault_on_a_link_lacks_what_this_host_does_not_have(fault: Any) -> None:
    cell = Cell("cut", "about", (Step("backup"),), (Trigger(fault, Edge("backup", "start")),))
    scenario = Scenario("links", "", (), (cell,), ())
    assert scenario.lacks(cell, {"links": True, "toxiproxy": True}) == ()
    assert scenario.lacks(cell, {"links": False, "toxiproxy": True}) == ("links",)
    assert scenario.lacks(cell, {"links": True}) == ("toxiproxy",)


def test_names_are_their_own_and_the_link_is_among_the_parameters() -> None:
    assert len({f.name for f in ALL}) == len(ALL)
    assert all(f.parameters["link"] == "a" for f in ALL)


def test_a_range_is_drawn_from_the_seed_once() -> None:
    fault = CutAt("a", (0.2, 0.8))
    first, again = (fault.resolved(random.Random(7)) for _ in range(2))
    assert first == again and isinstance(first.share, float) and 0.2 <= first.share <= 0.8
    assert first.resolved(random.Random(8)) == first


def test_a_plan_says_where_a_fault_lands_how_long_it_stays_and_on_which_links() -> None:
    edge = Edge("backup.upload", "start")
    triggers = (
        Trigger(Partition("a"), edge, 2, hold=2.0, share=0.5),
        Trigger(Partition("b"), edge, hold="end"),
        Trigger(Down("a"), edge),
    )
    at = [(entry["at"], entry["hold"]) for entry in (f.described() for f in planned_faults(triggers))]
    assert at == [
        ("backup.upload.start #2 at 50 % of its bytes for 2 s", 2.0),
        ("backup.upload.start #1 to the end of the run", "end"),
        ("backup.upload.start #1", "operation"),
    ]
    assert [f.targets for f in planned_faults(triggers)] == [{"link": "a"}, {"link": "b"}, {"link": "a"}]


# -- what sockets show -------------------------------------------------------------------------------------------
def test_bytes_that_stay_unacknowledged_show_a_partition_and_those_that_move_do_not() -> None:
    waiting = replace(OPEN, queued=100)
    assert "held 100 bytes that nobody acknowledged (5001 were before)" in unanswered(OPEN, waiting, waiting)
    assert unanswered(OPEN, waiting, replace(waiting, acked=5050)) == ""
    assert unanswered(OPEN, OPEN, OPEN) == ""


def test_a_connect_seen_twice_got_no_answer_one_seen_once_may() -> None:
    connecting = replace(OPEN, state="SYN-SENT", queued=1, acked=0)
    assert "got no answer" in unanswered(None, connecting, connecting)
    assert unanswered(None, connecting, OPEN) == ""


def test_a_stalled_peer_is_shown_by_bytes_sent_since_and_silence_not_by_an_idle_connection() -> None:
    sent = replace(OPEN, acked=9001, silent_ms=400)
    assert telling(OPEN, sent, sent).startswith("4000 bytes of the system's socket")
    idle = replace(OPEN, silent_ms=9000)
    assert telling(OPEN, idle, idle) == "", "nothing was sent since the fault came"
    assert telling(OPEN, sent, replace(sent, received=1)) == "", "it answered"
    assert telling(OPEN, sent, replace(sent, queued=5)) == "", "something waits"
    assert telling(OPEN, sent, replace(sent, silent_ms=20)) == "", "it may yet answer"


# -- where it landed ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("planned", "crossed", "exact"),
    [(0.5, 500, True), (0.5, 529, True), (0.5, 540, False), (0.5, 460, False), (0.99, 999, True), (0.99, 1000, False)],
)
def test_a_landing_is_exact_within_three_points_and_never_after_the_last_byte(
    planned: float, crossed: int, exact: bool
) -> None:
    landing = Landing(planned, crossed, 1000)
    assert landing.exact is exact
    assert ("which is more than 3 % off" in landing.said) is not exact


def test_an_upload_of_nothing_lands_nowhere() -> None:
    assert not Landing(0.5, 0, 0).exact
