"""A campaign: the cells that were selected, run one after the other on islands of their own, each judged."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from harness import __version__, registry
from harness.errors import ExitCode, HarnessError
from harness.host.undo import UndoLog
from harness.island.island import best_kind
from harness.island.spec import WORK, Kind
from harness.model import Result
from harness.run.judge import judge, unjudged
from harness.run.outside import Signals, rehearse
from harness.run.plan import Plan, described_faults, described_steps, planned_triggers
from harness.run.provenance import host_facts, provenance
from harness.scenario import Cell, Scenario, Tier
from harness.system.config import load_system

ISLAND_PORT = 8080
SET_UP_AND_MARGIN_S = 90.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; None or empty: the cell's or the system's own word counts."""

    scenarios: tuple[str, ...] = ()
    system: str = "hardened"
    scenario_dirs: tuple[Path, ...] = ()
    tier: Tier = "quick"
    seed: int = 1
    repeat: int | None = None
    size_bytes: int = 20_000_000
    flaws: tuple[str, ...] = ()
    users: int | None = None
    deadline_s: float = 1200.0
    fail_fast: bool = False
    keep: bool = False
    command: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """A cell to run. ``lacks`` says what this host lacks for it; empty: it can run."""

    scenario: Scenario
    cell: Cell
    lacks: tuple[str, ...]

    @property
    def run(self) -> str:
        return f"{self.scenario.name}-{self.cell.name}"


def capabilities(kind: Kind) -> dict[str, bool]:
    """What faults ask for, by name."""
    return {"island": kind != "none", "sized_disk": kind != "none", "links": kind != "none", "root": kind == "root"}


def select(options: Options, kind: Kind) -> list[Selected]:
    """The cells meant by names (``disk_full``, or one cell: ``disk_full:in-migration``) and tier; none is an error."""
    known = registry.scenarios(options.scenario_dirs)
    names = options.scenarios or tuple(known)
    chosen: list[Selected] = []
    for name in names:
        wanted, colon, cell_name = name.partition(":")
        scenario = registry.scenario(wanted, options.scenario_dirs)
        cells = [c for c in scenario.cells if options.tier == "full" or c.tier == "quick"]
        if colon:
            cells = [c for c in scenario.cells if c.name == cell_name]
            if not cells:
                raise HarnessError(
                    f"find the cell {name!r}",
                    f"{wanted} has no cell {cell_name!r}",
                    f"cells: {', '.join(c.name for c in scenario.cells)}",
                )
        chosen.extend(Selected(scenario, c, tuple(scenario.lacks(c, capabilities(kind)))) for c in cells)
    chosen = list({c.run: c for c in chosen}.values())  # named twice is still one run
    if not chosen:
        raise HarnessError(
            "select scenarios", f"no cell of tier {options.tier} is among {', '.join(names)}", "--tier full"
        )
    return chosen


class Progress(Protocol):
    """Whoever shows how a campaign goes on."""

    def run(self, title: str) -> None: ...

    def note(self, text: str) -> None: ...

    def event(self, event: Mapping[str, Any]) -> None: ...


class Campaign:
    """Runs what ``select`` gave; iterate over ``results`` once."""

    def __init__(self, options: Options, signals: Signals, progress: Progress) -> None:
        self.options = options
        self.signals = signals
        self.kind = best_kind()
        self.config = load_system(options.system, registry.BUNDLED, variants=options.flaws)
        self.selected = select(options, self.kind)
        self._progress = progress
        self._undo = UndoLog()

    @property
    def name(self) -> str:
        """Of the report folder, after its UTC stamp."""
        names = "+".join(dict.fromkeys(s.scenario.name for s in self.selected))
        what = self.options.tier if not self.options.scenarios else names[:60]
        flaws = "".join(f"~{f}" for f in self.options.flaws)
        return f"{what}-{self.config.name}{flaws}-{self.options.seed}"

    def plan(self, selected: Selected) -> Plan:
        """The plan of one cell with this campaign's options."""
        cell, options = selected.cell, self.options
        return Plan(
            run=selected.run,
            system=str(self.config.file),
            system_name=self.config.name,
            variants=options.flaws,
            scenario=selected.scenario.name,
            scenario_dirs=tuple(str(d.resolve()) for d in options.scenario_dirs),
            cell=cell.name,
            seed=options.seed,
            size_bytes=options.size_bytes,
            repeat=options.repeat if options.repeat and cell.timing else cell.repeat,
            warmup=cell.warmup,
            users=options.users or self.config.load.users,
            kind=self.kind,
            work=str(WORK),
            port=ISLAND_PORT,
            python=sys.executable,
            keep_data=True,
        )

    def results(self, out: Path) -> Iterator[tuple[Result, Path]]:
        """Each result with the folder of its run, in order; a signal ends the campaign after the run it met."""
        for number, selected in enumerate(self.selected, 1):
            plan = self.plan(selected)
            about = self._about(selected, plan)
            folder = out / plan.run
            self._progress.run(
                f"{plan.scenario}:{plan.cell} on {self.config.name}, {number} of {len(self.selected)} "
                f"(about {selected.cell.budget_s:g} s)"
            )
            if selected.lacks:
                why = "this host lacks " + "; ".join(selected.lacks)
                folder.mkdir(parents=True)
                (folder / "run.json").write_text(json.dumps({"plan": plan.to_dict(), **about}))
                result = unjudged({"plan": plan.to_dict(), **about}, why)
            else:
                deadline_s = self._deadline_s(selected.cell, plan)
                staged = rehearse(
                    plan, self.config, about, out, self._undo, self.signals, self._progress.event, deadline_s
                )
                staged.rename(folder)
                self._progress.note("judging, and writing the report")
                result = judge(folder, selected.scenario, selected.cell)
            self._progress.note(f"{result.outcome}: {plan.scenario}:{plan.cell}")
            yield result, folder
            if self.signals.number is not None or (self.options.fail_fast and result.outcome == "fail"):
                return

    def _deadline_s(self, cell: Cell, plan: Plan) -> float:
        """Its budget and the system's limit are for the rounds the cell has; more are given more time."""
        rounds = (plan.repeat + plan.warmup) / (cell.repeat + cell.warmup)
        allowed = max(self.config.limits.max_run_s, cell.budget_s) * max(1.0, rounds)
        return min(self.options.deadline_s, allowed + SET_UP_AND_MARGIN_S)

    def _about(self, selected: Selected, plan: Plan) -> dict[str, Any]:
        """What is written down beside the plan, so that the run can be judged again from its folder alone."""
        cell = selected.cell
        return {
            "schema": 1,
            "title": f"{selected.scenario.title}: {cell.about}",
            "requirements": list(selected.scenario.requirements),
            "steps": described_steps(cell),
            "faults": described_faults(planned_triggers(selected.scenario, cell, plan.seed)),
            "timing": cell.timing,
            "claims": [asdict(c) for c in self.config.claims],
            "waives": [{"name": w.name, "reason": w.reason, "until": w.until.isoformat()} for w in self.config.waives],
            "deadline_ms": self.config.service.deadline_ms,
            "slow_requests": [r.name for r in self.config.load.requests if r.kind == "slow"],
            "rollback_restores": bool(
                "rollback" in self.config.operations and self.config.operations["rollback"].restores
            ),
            "host": host_facts(self.kind),
            "provenance": provenance(self.config, self.options.command, __version__),
            "reproduce": self._reproduce(selected),
        }

    def _reproduce(self, selected: Selected) -> str:
        options = self.options
        words = ["deploydrill run", f"{selected.scenario.name}:{selected.cell.name}", f"--system {options.system}"]
        words += [f"--flaw {f}" for f in options.flaws]
        words += [f"--seed {options.seed}", f"--size {options.size_bytes}"]
        words += [f"--scenarios {d}" for d in options.scenario_dirs]
        return " ".join(words)


def exit_code(results: Sequence[Result], signals: Signals) -> ExitCode:
    """What the command ends with: a signal over a fail over an unknown over a pass."""
    if signals.number is not None:
        return signals.exit_code
    outcomes = {r.outcome for r in results}
    if "fail" in outcomes:
        return ExitCode.FAIL
    return ExitCode.UNKNOWN if "unknown" in outcomes or not outcomes else ExitCode.PASS
