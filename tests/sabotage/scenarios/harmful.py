"""Scenarios whose faults do not do what they should."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.checkers import standard
from harness.checkers.service.monitored import Monitored
from harness.faults.disk_full import DiskFull, FullDisk
from harness.faults.fault import Undo
from harness.faults.monitor import Monitor
from harness.model import Edge, Evidence
from harness.scenario import Cell, Scenario, Step, Trigger
from harness.system.live import LiveSystem


@dataclass(frozen=True)
class Hollow:
    """A fault that changes nothing: what it claims about itself is all there is."""

    applied: bool
    felt_said: str
    lost_said: str = ""
    is_healed: bool = True

    @property
    def name(self) -> str:
        return "hollow"

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {"applied": self.applied}

    def planned(self, rng: random.Random) -> Hollow:
        return self

    def needs(self, capabilities: Mapping[str, bool]) -> str:
        return ""

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Hollow:
        return self

    def confirm(self) -> Evidence:
        return Evidence(self.applied, False, "our probe " + ("failed" if self.applied else "went through"))

    def lost(self) -> str:
        return self.lost_said

    def felt(self, said: str) -> str:
        return self.felt_said

    def healed(self) -> bool:
        return self.is_healed


@dataclass(frozen=True)
class Stuck(Hollow):
    """What takes it back fails."""

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Hollow:
        def failing() -> None:
            raise OSError("the undo failed on purpose")

        undo(failing)
        return self


@dataclass(frozen=True)
class Leaking(DiskFull):
    """A full disk that is not full after all: what fills it is gone at once."""

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> FullDisk:
        full = super().inject(system, operation, undo)
        os.ftruncate(full.filler, 0)
        return full


def _cell(
    name: str,
    *triggers: Trigger,
    checkers: tuple[Any, ...] = (),
    steps: tuple[Step, ...] = (),
    timing: bool = False,
) -> Cell:
    return Cell(name, "sabotage", steps or (Step("backup"), Step("read_back")), triggers, checkers, timing=timing)


_AT = Edge("backup", "start")

scenario = Scenario(
    name="harmful",
    title="The harness, broken on purpose",
    requirements=(),
    checkers=standard(),
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
            Trigger(Monitor("killed"), Edge("deploy", "start")),
            steps=(Step("deploy", version="new", expect="any"), Step("read_back")),
            checkers=(Monitored(),),
        ),
        _cell("timed", steps=(Step("backup"), Step("deploy", version="new"), Step("read_back")), timing=True),
        _cell(
            "long",
            steps=(Step("backup"), Step("deploy", version="new"), Step("read_back"), Step("wait", seconds=5)),
        ),
    ),
)
