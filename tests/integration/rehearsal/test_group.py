"""Operations that run together: when members start, and how long one is held for the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.campaign.compile import planned_steps
from harness.errors import HarnessError
from harness.model import Edge
from harness.plan import described_steps
from harness.recording.events import Barrier
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal.group import Group
from harness.scenario import Cell, Scenario, Step, Together

MEET = Edge("deploy.migrate", "start")
DEPLOY = Step("deploy")


class Rehearsed:
    """A group whose members do what a test says: each gets its number and the group."""

    def __init__(self, folder: Path, group: Together) -> None:
        self.folder = folder
        self.recorder = Recorder(folder)
        self.group = Group(group, group.members, self.recorder)
        self.log: list[str] = []

    def run(self, operate: Callable[[int], None]) -> None:
        try:
            self.group.run(operate)
        finally:
            self.recorder.close()

    def reach(self, number: int, edge: Edge) -> float:
        """The seconds it was held there."""
        began = time.monotonic()
        self.group.on_edge(edge, f"deploy-{number + 1}")
        return time.monotonic() - began

    def end(self, number: int) -> None:
        self.log.append(f"end {number}")
        self.group.on_edge(Edge("deploy", "stop"), f"deploy-{number + 1}")

    @property
    def barriers(self) -> list[tuple[str, bool]]:
        return [(e.operation, e.complete) for e in Recording(self.folder).of(Barrier)]


def test_those_that_meet_go_on_only_when_all_are_there(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,)))
    both = threading.Barrier(2)

    def operate(number: int) -> None:
        time.sleep(0.3 * number)
        made.reach(number, MEET)
        both.wait(20)  # fails unless both are past the barrier before either has ended
        made.end(number)

    made.run(operate)
    assert sorted(made.barriers) == [("deploy-1", True), ("deploy-2", True)]


def test_one_that_was_only_seen_at_the_meeting_is_not_said_to_be_held(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,), patience_s=60))

    def operate(number: int) -> None:
        made.group.on_edge(MEET, f"deploy-{number + 1}", held=False)
        made.end(number)

    began = time.monotonic()
    made.run(operate)
    assert time.monotonic() - began < 60  # its patience
    assert made.barriers == []


def test_one_that_ended_is_not_waited_for(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,), patience_s=60))
    waiting = threading.Event()

    def operate(number: int) -> None:
        if number == 0:
            waiting.set()
            assert made.reach(0, MEET) < 60  # let go by the end of the other, not by its patience
        else:
            assert waiting.wait(10)
            time.sleep(0.3)
        made.end(number)

    made.run(operate)
    assert made.log == ["end 1", "end 0"]


def test_nobody_is_held_for_longer_than_the_patience_and_that_is_recorded(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,), patience_s=0.3))
    let_go = threading.Event()
    held: list[float] = []

    def operate(number: int) -> None:
        if number == 0:
            held.append(made.reach(0, MEET))
            let_go.set()
        else:
            assert let_go.wait(10)  # it is let go while the other has neither come nor ended
        made.end(number)

    made.run(operate)
    assert held[0] >= 0.3
    assert made.barriers == [("deploy-1", False)]


def test_one_that_is_killed_where_it_is_held_is_let_go(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,), patience_s=60))
    let_go = threading.Event()
    held: list[float] = []

    def operate(number: int) -> None:
        if number == 0:
            gate = threading.Thread(target=lambda: held.append(made.reach(0, MEET)))
            gate.start()
            time.sleep(0.2)
            made.end(0)
            gate.join(10)
            assert not gate.is_alive()
            let_go.set()
        else:
            assert let_go.wait(20)  # by its own end, not by that of the other
            made.end(1)

    made.run(operate)
    assert held[0] < 60


def test_a_member_starts_after_an_edge_or_after_others_have_ended(tmp_path: Path) -> None:
    late, last = Step("deploy", after=Edge("deploy.switch", "start")), Step("deploy", after=2)
    made = Rehearsed(tmp_path, Together((DEPLOY, late, last)))
    late_ended = threading.Event()

    def operate(number: int) -> None:
        made.log.append(f"start {number}")
        if number == 0:
            time.sleep(0.2)  # nobody else starts meanwhile
            made.log.append("edge")
            made.reach(0, Edge("deploy.switch", "start"))
            assert late_ended.wait(10)
        made.end(number)
        if number == 1:
            late_ended.set()

    made.run(operate)
    assert made.log == ["start 0", "edge", "start 1", "end 1", "end 0", "start 2", "end 2"]


def test_a_member_whose_edge_never_comes_runs_alone_in_the_end(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, Step("deploy", after=Edge("deploy.never", "start")))))

    def operate(number: int) -> None:
        made.end(number)

    made.run(operate)
    assert made.log == ["end 0", "end 1"]


def test_an_error_in_a_member_is_raised_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    made = Rehearsed(tmp_path, Together((DEPLOY, DEPLOY), (MEET,), patience_s=60))

    def operate(number: int) -> None:
        if number == 1:
            raise HarnessError("start kit", "no such file", "install it")
        made.reach(0, MEET)
        made.end(0)

    began = time.monotonic()
    with pytest.raises(HarnessError, match="no such file"):
        made.run(operate)
    assert time.monotonic() - began < 60  # its patience


# -- the plan ------------------------------------------------------------------------------------------------------
def cell(*members: Step) -> tuple[Scenario, Cell]:
    made = Cell("cell", "about", steps=(Together(members, (MEET,)), Step("backup")))
    return Scenario("scenario", "title", (), (made,), ()), made


def test_the_same_seed_draws_the_same_offsets_and_another_one_others() -> None:
    scenario, made = cell(*[Step("deploy", offset_s=(0.0, 0.5))] * 4)

    def offsets(seed: int) -> list[object]:
        group = planned_steps(scenario, made, seed)[0]
        assert isinstance(group, Together)
        return [m.offset_s for m in group.members]

    assert offsets(1) == offsets(1) != offsets(2)
    assert all(isinstance(o, float) and 0 <= o <= 0.5 for o in offsets(1))
    assert len(set(offsets(1))) > 1


def test_a_group_is_told_in_words_and_its_members_count_as_steps() -> None:
    _, made = cell(DEPLOY, Step("rollback", after=1, expect="any"))
    assert described_steps(made.steps, None) == [
        "together, held at deploy.migrate.start: deploy (expect success); rollback after 1 ended (expect any)",
        "backup (expect success)",
    ]
    assert [s.do for s in made.single_steps] == ["deploy", "rollback", "backup"]


@pytest.mark.parametrize("members", [(DEPLOY,), (DEPLOY, Step("restore")), (DEPLOY, Step("read_back"))])
def test_what_cannot_run_together_is_refused(members: tuple[Step, ...]) -> None:
    with pytest.raises(HarnessError, match="build a Together"):
        Together(members)


def test_a_run_that_is_broken_off_begins_nothing_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for another member would begin as soon as that one ends, also after Ctrl-C."""
    made = Rehearsed(tmp_path, Together((DEPLOY, Step("deploy", after=1))))
    under_way, may_end = threading.Event(), threading.Event()
    began: list[int] = []
    join, members = threading.Thread.join, [t for t in threading.enumerate() if t.name.startswith("member-")]

    def operate(number: int) -> None:
        began.append(number)
        under_way.set()
        may_end.wait(10)
        made.end(number)

    def interrupted(_thread: threading.Thread) -> None:
        under_way.wait(10)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        made.group.run(operate)
    may_end.set()
    for thread in (t for t in threading.enumerate() if t.name.startswith("member-") and t not in members):
        join(thread, 10)
    made.recorder.close()
    assert began == [0]
