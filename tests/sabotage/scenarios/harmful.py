"""Scenarios whose faults do not do what they should."""

from __future__ import annotations

from typing import Any

from _hollow import Hollow, Leaking, Stuck

from harness import Cell, Edge, Scenario, Step, Trigger, checkers, faults


def _cell(
    name: str,
    *triggers: Trigger,
    more: tuple[Any, ...] = (),
    steps: tuple[Step, ...] = (),
    timing: bool = False,
) -> Cell:
    return Cell(name, "sabotage", steps or (Step("backup"), Step("read_back")), triggers, more, timing=timing)


_AT = Edge("backup", "start")

scenario = Scenario(
    name="harmful",
    title="The harness, broken on purpose",
    requirements=(),
    checkers=checkers.standard(),
    cells=(
        _cell("sound"),
        _cell(
            "unbitten",
            Trigger(Hollow(False, "felt"), _AT),
            Trigger(Hollow(True, ""), _AT),
            Trigger(Hollow(True, "felt", lost_said="somebody removed it"), _AT),
            Trigger(Hollow(True, "felt", is_healed=False), _AT),
            Trigger(Hollow(True, "felt"), Edge("no.such.phase", "start")),
            Trigger(Stuck(True, "felt"), _AT),
            Trigger(Leaking("backup"), _AT),
            # Bites, so that nothing else is unknown.
            Trigger(Hollow(True, "felt"), _AT),
            steps=(Step("backup"), Step("read_back"), Step("backup")),
        ),
        _cell(
            "monitor-not-in-use",
            Trigger(faults.MonitorKilled(), Edge("deploy", "start")),
            steps=(Step("deploy", version="new", expect="any"), Step("read_back")),
            more=(checkers.Monitored(),),
        ),
        _cell("timed", steps=(Step("backup"), Step("deploy", version="new"), Step("read_back")), timing=True),
        _cell(
            "long",
            steps=(Step("backup"), Step("deploy", version="new"), Step("read_back"), Step("wait", seconds=5)),
        ),
    ),
)
