"""What a scenario is: steps a deployment takes, faults that land on them, and the checkers that judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from harness.model import Edge
from harness.plan import DiskKind, Expect, Hold, PowerCuts, Step, Together, single_steps
from harness.scenario import check

if TYPE_CHECKING:
    from harness.checkers.core.protocol import Checker
    from harness.faults.fault import Fault

__all__ = ["Cell", "Edge", "Expect", "Hold", "PowerCuts", "Scenario", "Step", "Tier", "Together", "Trigger"]

Tier = Literal["quick", "full"]


@dataclass(frozen=True, slots=True)
class Trigger:
    """A fault and where it lands: in the ``occurrence``-th operation that meets the edge, the first time it does. An
    edge's phase may be a phase of the kit (``backup.copy``) or a whole operation (``backup``). ``hold``: it is reverted
    when that operation ends, when any other one ends (``other``), only at the end of the run, or after so many seconds.
    ``share`` above 0: not on the edge itself, but once that share of the bytes of the newest backup has crossed the
    fault's link.
    """

    fault: Fault
    at: Edge
    occurrence: int = 1
    hold: Hold = "operation"
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Cell:
    """One run of a scenario: a variant of its fault. ``budget_s`` is what it should take on two cores.

    ``timing``: its durations are claims; it runs alone. ``repeat`` measured rounds of ``steps`` after ``warmup`` ones.
    ``disk``: what the system's directory lies on; ``logged`` where the power is to be cut (``power``), afterwards and
    as often as wanted. ``size_bytes``: as much data at most, where what is looked at does not grow with it.
    ``restart``: once the load has stopped, the service is stopped and started, and read back. ``reads_only``: nothing
    is written to the system, and no operation of its kit is run.
    """

    name: str
    about: str
    steps: tuple[Step | Together, ...]
    triggers: tuple[Trigger, ...] = ()
    checkers: tuple[Checker, ...] = ()
    tier: Tier = "quick"
    repeat: int = 1
    warmup: int = 0
    timing: bool = False
    budget_s: float = 20.0
    disk: DiskKind = "sized"
    power: PowerCuts | None = None
    size_bytes: int | None = None
    restart: bool = False
    reads_only: bool = False

    @property
    def single_steps(self) -> tuple[Step, ...]:
        """All steps in order, members of a group one by one."""
        return single_steps(self.steps)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of cells. ``checkers`` judge every cell, a cell's own come on top. ``of_link`` gives the cells of a
    link that a system declares and that no cell names. What no system could make sense of (a hold, a share, a disk that
    there is not) is a HarnessError here."""

    name: str
    title: str
    requirements: tuple[str, ...]
    cells: tuple[Cell, ...]
    checkers: tuple[Checker, ...]
    of_link: Callable[[str], tuple[Cell, ...]] | None = None

    def __post_init__(self) -> None:
        check.scenario(self)

    def cell(self, name: str) -> Cell:
        return next(c for c in self.cells if c.name == name)

    def cells_on(self, links: Iterable[str]) -> tuple[Cell, ...]:
        """All cells on a system that has these links."""
        if (of_link := self.of_link) is None:
            return self.cells
        named = {t.fault.aimed_at.get("link") for c in self.cells for t in c.triggers}
        more = replace(self, cells=tuple(c for link in links if link not in named for c in of_link(link)))
        return (*self.cells, *more.cells)

    def lacks(self, cell: Cell, capabilities: Mapping[str, bool]) -> tuple[str, ...]:
        """Of what a cell needs of a host (harness/host/host_needs.py) what is not there."""
        asked = [name for t in cell.triggers for name in t.fault.needs]
        asked += cell.power.needs if cell.power else ()
        return tuple(name for name in dict.fromkeys(asked) if not capabilities.get(name))
