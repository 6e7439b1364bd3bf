"""What a scenario is: steps a deployment takes, faults that land on them, and the checkers that judge."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.checkers.protocol import RunChecker, StateChecker
from harness.crash.cuts import PowerCuts
from harness.faults.fault import HeldFault
from harness.model import Edge

Tier = Literal["quick", "full"]
Expect = Literal["success", "failure", "any"]
DiskKind = Literal["sized", "logged"]
Hold = Literal["operation", "end"] | float


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run does: an operation of the kit, or one of our own (``read_back``, ``validate_damaged``, ``wait``).

    ``version`` names one of [versions]; ``seconds`` is how long ``wait`` lets the load run on.
    """

    do: str
    expect: Expect = "success"
    version: Literal["", "old", "new", "broken"] = ""
    first_repeat_only: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Trigger:
    """A fault and where it lands: the ``occurrence``-th time the edge is met. An edge's phase may be a phase of the
    kit (``backup.copy``) or a whole operation (``backup``). ``hold``: it is healed when that operation ends, only at
    the end of the run, or after so many seconds.
    """

    fault: HeldFault
    at: Edge
    occurrence: int = 1
    hold: Hold = "operation"

    def planned(self, rng: random.Random) -> Trigger:
        return replace(self, fault=self.fault.planned(rng))


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a scenario: a variant of its fault. ``budget_s`` is what it should take on two cores.

    ``timing``: its durations are claims; it runs alone. ``repeat`` measured rounds of ``steps`` after ``warmup`` ones.
    ``disk``: what the system's directory lies on; ``logged`` where the power is to be cut (``power``), afterwards and
    as often as wanted. ``size_bytes``: as much data at most, where what is looked at does not grow with it.
    """

    name: str
    about: str
    steps: tuple[Step, ...]
    triggers: tuple[Trigger, ...] = ()
    checkers: tuple[RunChecker | StateChecker, ...] = ()
    tier: Tier = "quick"
    repeat: int = 1
    warmup: int = 0
    timing: bool = False
    budget_s: float = 20.0
    disk: DiskKind = "sized"
    power: PowerCuts | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of cells. ``checkers`` judge every cell, a cell's own come on top."""

    name: str
    title: str
    requirements: tuple[str, ...]
    cells: tuple[Cell, ...]
    checkers: tuple[RunChecker | StateChecker, ...]

    def cell(self, name: str) -> Cell:
        return next(c for c in self.cells if c.name == name)

    def lacks(self, cell: Cell, capabilities: Mapping[str, bool]) -> list[str]:
        """What this host lacks for a cell, in words."""
        asked = [t.fault.needs(capabilities) for t in cell.triggers]
        asked += [cell.power.needs(capabilities)] if cell.power else []
        return [text for text in asked if text]
