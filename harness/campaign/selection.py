"""Which cells are run: those that were named, each with what this host or the system lacks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import registry
from harness.campaign.fit import missing_in, refuse_misspelt
from harness.campaign.options import Options
from harness.checkers.core.codes import Details
from harness.checkers.core.sentences import told
from harness.config.schema import SystemConfig
from harness.errors import HarnessError
from harness.island.island import best_kind
from harness.judge import codes
from harness.links.toxiproxy_server import find_server
from harness.model import Kind
from harness.scenario import Cell, Scenario


@dataclass(frozen=True, slots=True)
class Selected:
    """A cell to run. ``lacks``: what this host does not have for it, by name (``attached``: what an island would have);
    ``missing``: what the system.toml does not have that the cell is about."""

    scenario: Scenario
    cell: Cell
    lacks: tuple[str, ...]
    missing: tuple[str, ...] = ()
    attached: bool = False

    @property
    def obstacle(self) -> Details | None:
        """Why it cannot run; None when it can."""
        if self.lacks:
            return (codes.AttachedLacks if self.attached else codes.HostLacks)(list(self.lacks))
        return codes.SystemLacks(list(self.missing)) if self.missing else None

    @property
    def why_not(self) -> str:
        """The same as a sentence, with what to do; empty when it can run."""
        return told(self.obstacle) if self.obstacle else ""

    @property
    def run(self) -> str:
        return f"{self.scenario.name}-{self.cell.name}"

    @property
    def name(self) -> str:
        """As it is written on the command line."""
        return f"{self.scenario.name}:{self.cell.name}"


def wall_s(cells: Sequence[Cell], jobs: int) -> float:
    """About how long these cells take, by their budgets: timing cells alone, then the others ``jobs`` at a time."""
    busy_s = [0.0] * jobs
    for cell in (c for c in cells if not c.timing):
        busy_s[busy_s.index(min(busy_s))] += cell.budget_s
    return sum(c.budget_s for c in cells if c.timing) + max(busy_s)


def capabilities(kind: Kind) -> dict[str, bool]:
    """What faults ask for, by name."""
    return {
        "island": kind != "none",
        "sized_disk": kind != "none",
        "links": kind != "none",
        "toxiproxy": find_server() is not None,
        "root": kind == "root",
        "logged_disk": kind == "root" and all(Path(p).exists() for p in ("/dev/fuse", "/dev/loop-control")),
    }


def kind_for(config: SystemConfig) -> Kind:
    """The island that runs of this system are made on: the best there is, but none of one that runs already."""
    return "none" if config.service.attach else best_kind()


def system_among(words: Sequence[str], directories: Sequence[Path] = ()) -> tuple[str, tuple[str, ...]]:
    """Which of the words names a system (none: ""), and those that name scenarios. HarnessError for two systems."""
    if not words:
        return "", ()
    known, systems = registry.scenarios(directories), registry.systems()
    named = [
        w for w in words if w.partition(":")[0] not in known and ("/" in w or w in systems or (w and Path(w).exists()))
    ]
    if len(named) > 1:
        raise HarnessError(f"run on {' and '.join(named)}", "a run has one system", "name one of them")
    return "".join(named), tuple(w for w in words if w not in named)


def select(options: Options, kind: Kind, config: SystemConfig | None = None) -> list[Selected]:
    """The cells meant by names (``disk_full``, or one cell: ``disk_full:in-migration``) and tier; none is an error.
    ``config``: the system they are to run on."""
    attached = bool(config and config.service.attach)
    known = registry.scenarios(options.scenario_dirs)
    names = options.scenarios or tuple(known)
    chosen: list[Selected] = []
    for name in names:
        wanted, colon, cell_name = name.partition(":")
        scenario = registry.scenario(wanted, options.scenario_dirs)
        every = scenario.cells_on(config.links) if config else scenario.cells
        cells = [c for c in every if options.tier == "full" or c.tier == "quick"]
        if colon:
            cells = [c for c in every if c.name == cell_name]
            if not cells:
                raise HarnessError(
                    f"find the cell {name!r}",
                    f"{wanted} has no cell {cell_name!r}",
                    f"cells: {', '.join(c.name for c in every)}",
                )
        for cell in cells:
            if config:
                refuse_misspelt(config, scenario, cell)
            missing = tuple(missing_in(config, cell)) if config else ()
            chosen.append(Selected(scenario, cell, scenario.lacks(cell, capabilities(kind)), missing, attached))
    chosen = list({c.run: c for c in chosen}.values())  # named twice is still one run
    if not chosen:
        raise HarnessError(
            "select scenarios", f"no cell of tier {options.tier} is among {', '.join(names)}", "--tier full"
        )
    return chosen
