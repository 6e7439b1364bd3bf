"""What a scenario is: steps a deployment takes, faults that land on them, and the checkers that judge."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.checkers.core.protocol import AnyChecker
from harness.config.operations import HARNESS_STEPS
from harness.crash.cuts import PowerCuts
from harness.errors import HarnessError
from harness.faults.fault import HeldFault
from harness.model import Edge

Tier = Literal["quick", "full"]
Expect = Literal["success", "failure", "any"]
DiskKind = Literal["sized", "logged"]
Hold = Literal["operation", "other", "end"] | float


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a run does: an operation of the kit, or one of our own (``read_back``, ``validate_damaged``, ``wait``).

    ``version`` names one of [versions]; ``seconds`` is how long ``wait`` lets the load run on. The last two are for
    members of a ``Together``: one starts with the group, or once an edge was met (and the fault there is in), or once
    so many other members have ended; and then so many seconds later, of which a range is drawn from the run's seed.
    """

    do: str
    expect: Expect = "success"
    version: Literal["", "old", "new", "broken"] = ""
    first_repeat_only: bool = False
    seconds: float = 0.0
    after: Edge | int = 0
    offset_s: float | tuple[float, float] = 0.0


@dataclass(frozen=True, slots=True)
class Together:
    """Operations that run beside each other. One that comes to an edge of ``meet`` is held in its gate there until
    every other member has come to one of them too or has ended, but not for longer than ``patience_s``: a race that
    does not depend on luck. A sound kit shows one that is held, while the others give up. A restore is no member:
    what it takes away could not be told from what is lost.
    """

    members: tuple[Step, ...]
    meet: tuple[Edge, ...] = ()
    patience_s: float = 10.0

    def __post_init__(self) -> None:
        alone = [m.do for m in self.members if m.do in ("restore", "seed", *HARNESS_STEPS)]
        if alone or len(self.members) < 2:
            raise HarnessError(
                "build a Together",
                f"{alone[0]} cannot be a member" if alone else "it has fewer than two members",
                "members are operations of the kit, at least two",
            )

    @property
    def first_repeat_only(self) -> bool:
        return all(m.first_repeat_only for m in self.members)


@dataclass(frozen=True, slots=True)
class Trigger:
    """A fault and where it lands: in the ``occurrence``-th operation that meets the edge, the first time it does. An
    edge's phase may be a phase of the kit (``backup.copy``) or a whole operation (``backup``). ``hold``: it is healed
    when that operation ends, when any other one ends (``other``), only at the end of the run, or after so many seconds.
    ``share`` above 0: not on the edge itself, but once that share of the bytes of the newest backup has crossed the
    fault's link.
    """

    fault: HeldFault
    at: Edge
    occurrence: int = 1
    hold: Hold = "operation"
    share: float = 0.0

    def planned(self, rng: random.Random) -> Trigger:
        return replace(self, fault=self.fault.planned(rng))


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a scenario: a variant of its fault. ``budget_s`` is what it should take on two cores.

    ``timing``: its durations are claims; it runs alone. ``repeat`` measured rounds of ``steps`` after ``warmup`` ones.
    ``disk``: what the system's directory lies on; ``logged`` where the power is to be cut (``power``), afterwards and
    as often as wanted. ``size_bytes``: as much data at most, where what is looked at does not grow with it.
    ``restart``: once the load has stopped, the service is stopped and started, and read back.
    """

    name: str
    about: str
    steps: tuple[Step | Together, ...]
    triggers: tuple[Trigger, ...] = ()
    checkers: tuple[AnyChecker, ...] = ()
    tier: Tier = "quick"
    repeat: int = 1
    warmup: int = 0
    timing: bool = False
    budget_s: float = 20.0
    disk: DiskKind = "sized"
    power: PowerCuts | None = None
    size_bytes: int | None = None
    restart: bool = False

    @property
    def single_steps(self) -> tuple[Step, ...]:
        """All steps in order, members of a group one by one."""
        return tuple(s for step in self.steps for s in (step.members if isinstance(step, Together) else (step,)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of cells. ``checkers`` judge every cell, a cell's own come on top."""

    name: str
    title: str
    requirements: tuple[str, ...]
    cells: tuple[Cell, ...]
    checkers: tuple[AnyChecker, ...]

    def cell(self, name: str) -> Cell:
        return next(c for c in self.cells if c.name == name)

    def lacks(self, cell: Cell, capabilities: Mapping[str, bool]) -> list[str]:
        """What this host lacks for a cell, in words."""
        asked = [t.fault.needs(capabilities) for t in cell.triggers]
        asked += [cell.power.needs(capabilities)] if cell.power else []
        return [text for text in asked if text]
