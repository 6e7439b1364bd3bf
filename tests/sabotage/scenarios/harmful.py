"""Scenarios whose faults and checkers do not do what they should."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.checkers import standard
from harness.faults.fault import Undo
from harness.model import Edge, Evidence, Verdict
from harness.recording.recording import Recording
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
class Raising:
    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "raising"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        raise ZeroDivisionError("on purpose")


@dataclass(frozen=True)
class Silent:
    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "silent"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        return None  # type: ignore[return-value]  # the sabotage


def _cell(name: str, *triggers: Trigger, checkers: tuple[Any, ...] = (), steps: tuple[Step, ...] = ()) -> Cell:
    return Cell(name, "sabotage", steps or (Step("backup"), Step("read_back")), triggers, checkers)


_AT = Edge("backup", "start")

scenario = Scenario(
    name="harmful",
    title="The harness, broken on purpose",
    requirements=(),
    checkers=standard(),
    cells=(
        _cell("sound"),
        _cell("not-applied", Trigger(Hollow(False, "felt"), _AT)),
        _cell("not-felt", Trigger(Hollow(True, ""), _AT)),
        _cell("lost-early", Trigger(Hollow(True, "felt", lost_said="somebody removed it"), _AT)),
        _cell("not-healed", Trigger(Hollow(True, "felt", is_healed=False), _AT)),
        _cell("never-fired", Trigger(Hollow(True, "felt"), Edge("no.such.phase", "start"))),
        _cell("raising", checkers=(Raising(),)),
        _cell("silent", checkers=(Silent(),)),
        _cell(
            "long",
            steps=(Step("backup"), Step("deploy", version="new"), Step("read_back"), Step("wait", seconds=5)),
        ),
    ),
)
