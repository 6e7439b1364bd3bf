"""A campaign: the cells that were selected, each run on an island of its own and judged; those that claim no timing
side by side."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import msgspec

from harness import __version__
from harness.campaign.compile import compiled
from harness.campaign.fit import refuse_small_disks
from harness.campaign.jobs import run_parallel
from harness.campaign.options import Options, command_line
from harness.campaign.outside import Signals, rehearse
from harness.campaign.provenance import host_facts, provenance
from harness.campaign.review_rows import read_rows
from harness.campaign.selection import Selected, kind_for, select
from harness.checkers.core.codes import Details, answer, code_of
from harness.checkers.core.late import HarnessLate
from harness.config.policies import policies
from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.host.accounts import account
from harness.host.checkout import BUNDLED
from harness.host.undo import UndoLog
from harness.island.spec import WORK
from harness.judge.codes import NotMade
from harness.judge.judge import OBSTACLE, judge, unjudged
from harness.model import Outcome, Result, merged
from harness.plan import Plan, described_steps, staging_path
from harness.recording.events import Event, LoadStarted
from harness.recording.format import FORMAT
from harness.recording.secrets import mask, secrets_of, starred
from harness.scenario import Cell

ISLAND_PORT = 8080
SET_UP_AND_MARGIN_S = 90.0


Ended = tuple[Selected, Result, Path]


class Progress(Protocol):
    """Whoever shows how a campaign goes on; called from several threads."""

    def run(self, title: str, run: str = "") -> None:
        """A run begins; ``run`` is the name its lines go by, empty for one that is alone."""
        ...

    def note(self, text: str) -> None: ...

    def event(self, event: Event, run: str = "") -> None: ...

    def end(self, run: str, text: str) -> None:
        """It was judged, ``text`` says how."""
        ...


class Campaign:
    """Runs what ``select`` gave, or what is handed in as ``selected``; iterate over ``results`` once. ``row`` tells its
    runs apart from those of other campaigns of the same command."""

    def __init__(
        self,
        options: Options,
        signals: Signals,
        progress: Progress,
        selected: Sequence[Selected] = (),
        row: str = "",
    ) -> None:
        self.row = row
        self.options = options
        self.signals = signals
        self.config = load_system(options.system, BUNDLED, variants=options.flaws)
        self.kind = kind_for(self.config)
        rate = self.config.load.arrival_rate
        if options.users and rate:
            raise HarnessError(
                f"load {self.config.name} with --users {options.users}",
                f"it has no users: {self.config.file} says arrival_rate = {rate:g}, whatever is answered",
                "leave --users out, or take arrival_rate out of its [load]",
            )
        if self.config.user:
            account(self.config.user)  # an error here and now when nobody can become it
        self.selected = list(selected) or select(options, self.kind, self.config)
        if self.kind != "none":
            refuse_small_disks(self.config, max(self._size_bytes(s.cell) for s in self.selected))
        # Without namespaces two runs would meet: their ports, files and processes; and so would two at one system.
        self.jobs = 1 if self.kind == "none" else options.jobs or min(2, len(os.sched_getaffinity(0)))
        self._progress = progress
        self._undo = UndoLog()
        self._secrets = secrets_of(self.config, os.environ)
        # Called once, in a thread of its own, while the load of a run begins: nothing is measured yet.
        self.meanwhile: Callable[[], None] | None = None
        self._enough = False  # a run failed, and --fail-fast was asked for

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
        plan = Plan(
            run=selected.run,
            system=str(self.config.file),
            system_name=self.config.name,
            variants=options.flaws,
            scenario=selected.scenario.name,
            cell=cell.name,
            seed=options.seed,
            size_bytes=self._size_bytes(cell),
            repeat=options.repeat if options.repeat and cell.timing else cell.repeat,
            warmup=cell.warmup,
            users=0 if self.config.load.arrival_rate else options.users or self.config.load.users,
            kind=self.kind,
            work=str(WORK),
            port=ISLAND_PORT,
            python=sys.executable,
            keep_data=not self.config.service.attach,  # what is in use is nobody's to take away
        )
        return compiled(plan, selected.scenario, cell, self.config.versions)

    def _size_bytes(self, cell: Cell) -> int:
        return min(self.options.size_bytes, cell.size_bytes or self.options.size_bytes)

    def results(self, out: Path, again: Sequence[Selected] = ()) -> Generator[Ended, None, None]:
        """Each result with the folder of its run, as ``in_turn`` has them; of the cells of ``again`` alone if there are
        any. The first fail of ``fail_fast`` lets nothing more begin."""
        if self.options.jobs and self.jobs < self.options.jobs:
            self._progress.note(f"{self.jobs} at a time: without islands runs side by side would meet")
        turns = [Turn(self, selected, out) for selected in again or self.selected]
        with closing(in_turn(turns, self.jobs, self.signals, lambda: self._enough)) as runs:
            for turn, result, folder in runs:
                self._enough = self._enough or (self.options.fail_fast and result.outcome == "fail")
                yield turn.selected, result, folder

    def outcome(self, results: Sequence[Result]) -> Outcome:
        """A run that was never begun, for a signal came, passed as little as one that was broken off."""
        missing: list[Outcome] = ["unknown"] if len(results) < len(self.selected) else []
        return merged([*(r.outcome for r in results), *missing])

    def not_run(self, results: Sequence[Result]) -> list[str]:
        """The cells that were selected and never begun."""
        ran = {r.run for r in results}
        return [s.name for s in self.selected if s.run not in ran]

    def rehearse(self, selected: Selected, out: Path, place: str, alone: bool) -> Path:
        """The staged recording of one run, ``place`` (such as 2 of 6) among all; in a thread of its own."""
        cell = selected.cell
        label = "" if alone else self.called(selected)
        plan = self.plan(selected)
        about_s = cell.budget_s * _rounds(cell, plan)
        self._progress.run(f"{self.called(selected)} on {self.config.name}, {place} (about {about_s:.0f} s)", label)
        return rehearse(
            plan,
            self.config,
            self._about(selected, plan),
            out,
            self._undo,
            self.signals,
            partial(self._event, label),
            self._deadline_s(cell, plan),
        )

    def _event(self, label: str, event: Event) -> None:
        if isinstance(event, LoadStarted) and self.meanwhile:
            meanwhile, self.meanwhile = self.meanwhile, None
            threading.Thread(target=meanwhile, name="meanwhile").start()
        self._progress.event(starred(event, self._secrets), label)

    def alone(self, selected: Selected) -> bool:
        """Whether nothing else is measured while this run is under way and right after it."""
        return self.jobs == 1 or selected.cell.timing or bool(selected.obstacle)

    def called(self, selected: Selected) -> str:
        """A run's name beside others, which may be of other campaigns."""
        return f"{self.row} {selected.name}" if self.row else selected.name

    def ended(self, selected: Selected, out: Path, obstacle: Details | None = None) -> tuple[Result, Path]:
        """Give the recording its name and judge it; ``obstacle`` says why there is none, which is an unknown."""
        plan = self.plan(selected)
        folder = out / plan.run
        staged = staging_path(out, plan.run)
        if staged.exists():
            mask(staged, self._secrets)
            staged.rename(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if obstacle:
            told = msgspec.to_builtins(answer(obstacle))
            run = {"plan": plan.to_dict(), **self._about(selected, plan), OBSTACLE: told}
            (folder / "run.json").write_text(json.dumps(run))
            result = unjudged(run, obstacle)
        else:
            result = judge(folder)
        self._progress.end(self.called(selected), f"{result.outcome}: {self.called(selected)}")
        return result, folder

    def _deadline_s(self, cell: Cell, plan: Plan) -> float:
        """Its budget and the system's limit are for the rounds the cell has; more are given more time."""
        allowed = max(self.config.limits.max_run_s, cell.budget_s) * max(1.0, _rounds(cell, plan))
        return min(self.options.deadline_s, allowed + SET_UP_AND_MARGIN_S)

    def _about(self, selected: Selected, plan: Plan) -> dict[str, Any]:
        """What is written down beside the plan, so that the run can be judged again from its folder alone."""
        cell = selected.cell
        return {
            "format": FORMAT,
            "title": f"{selected.scenario.title}: {cell.about}",
            "requirements": list(selected.scenario.requirements),
            "review": read_rows(self.config.folder, self.config.claims),
            "steps": described_steps(plan.steps, plan.power),
            "faults": [f.described() for f in plan.faults],
            "timing": plan.timing,
            "claims": [asdict(c) for c in self.config.claims],
            "waives": [{"name": w.name, "reason": w.reason, "until": w.until.isoformat()} for w in self.config.waives],
            "policies": policies(self.config),
            "deadline_ms": self.config.service.deadline_ms,
            "slow_requests": [r.name for r in self.config.load.requests if r.kind == "slow"],
            "rollback_restores": bool(
                "rollback" in self.config.operations and self.config.operations["rollback"].restores
            ),
            "host": host_facts(self.kind, self.config.service.attach),
            "provenance": provenance(self.config, self.options.command, __version__),
            "reproduce": self._reproduce(selected),
        }

    def _reproduce(self, selected: Selected) -> str:
        return command_line(replace(self.options, scenarios=(selected.name,)))


def _rounds(cell: Cell, plan: Plan) -> float:
    """How many rounds are planned for each that the cell has."""
    return (plan.repeat + plan.warmup) / (cell.repeat + cell.warmup)


@dataclass(frozen=True, slots=True)
class Turn:
    """A run that is to be made: a cell of a campaign, recorded below ``out``."""

    campaign: Campaign
    selected: Selected
    out: Path


def in_turn(
    turns: Sequence[Turn], jobs: int, signals: Signals, enough: Callable[[], bool] = lambda: False
) -> Generator[tuple[Turn, Result, Path], None, None]:
    """Each turn with its result and its folder, as they end: what this host cannot run first, then timing cells one by
    one, then the others ``jobs`` at a time. They are judged here, in the caller's thread. A signal ends what goes on
    and begins nothing more; so does, without ending anything, ``enough``."""
    for turn in (t for t in turns if t.selected.obstacle):
        yield turn, *turn.campaign.ended(turn.selected, turn.out, turn.selected.obstacle)
    places = {id(turn): f"{i} of {len(turns)}" for i, turn in enumerate(turns, 1)}

    def rehearsed(alone: bool, turn: Turn) -> Path:
        return turn.campaign.rehearse(turn.selected, turn.out, places[id(turn)], alone)

    runnable = [t for t in turns if not t.selected.obstacle]
    timing = [t for t in runnable if t.selected.cell.timing]
    for group, at_once in ((timing, 1), ([t for t in runnable if not t.selected.cell.timing], jobs)):
        runs = run_parallel(
            group,
            partial(rehearsed, at_once == 1 or len(group) == 1),
            at_once,
            stop=lambda: signals.stop or enough(),
            abandon=signals.abandon,
        )
        with closing(runs):
            for turn, done in runs:
                if isinstance(done, BaseException) and not isinstance(done, HarnessError):
                    raise done
                obstacle = NotMade(f"{done.what}: {done.why}", done.hint) if isinstance(done, HarnessError) else None
                yield turn, *turn.campaign.ended(turn.selected, turn.out, obstacle)


def late_alone(result: Result) -> bool:
    """Whether a run is unknown for no other reason than that the harness was late: another attempt may tell."""
    unknown = {f.code for f in result.findings if f.outcome == "unknown"}
    return result.outcome == "unknown" and unknown == {code_of(HarnessLate).name}


def exit_code(results: Sequence[Result], signals: Signals) -> ExitCode:
    """What the command ends with: a signal over a fail over an unknown over a pass."""
    if signals.number is not None:
        return signals.exit_code
    return ExitCode.of(merged([r.outcome for r in results]))
