"""A scenario, a cell and a seed made into the plan of a run: every choice drawn, every object turned into data."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from harness import faults
from harness.checkers import CHECKERS, Checker
from harness.config.schema import VersionsConfig
from harness.errors import HarnessError
from harness.host.modules import source_of
from harness.model import Source
from harness.plan import Plan, PlannedChecker, PlannedFault, Step, Together
from harness.scenario import Cell, Scenario, Trigger


def compiled(plan: Plan, scenario: Scenario, cell: Cell, versions: VersionsConfig) -> Plan:
    """``plan`` (whose scenario, cell and seed these are) with the steps, faults and checkers of the cell."""
    named = {"old": versions.old, "new": versions.new, "broken": versions.broken}
    return replace(
        plan,
        steps=_promising(planned_steps(scenario, cell, plan.seed), named),
        faults=planned_faults(planned_triggers(scenario, cell, plan.seed)),
        checkers=planned_checkers((*scenario.checkers, *cell.checkers)),
        power=cell.power,
        disk=cell.disk,
        restart=cell.restart,
        reads_only=cell.reads_only,
        timing=cell.timing,
        versions=named,
    )


def planned_triggers(scenario: Scenario, cell: Cell, seed: int) -> tuple[Trigger, ...]:
    """The cell's triggers with every open choice made. Each cell draws from its own stream of the seed, so that
    running one cell alone gives what it got among others."""
    rng = random.Random(f"{seed}:{scenario.name}:{cell.name}")
    return tuple(replace(trigger, fault=trigger.fault.resolved(rng)) for trigger in cell.triggers)


def planned_steps(scenario: Scenario, cell: Cell, seed: int) -> tuple[Step | Together, ...]:
    """The cell's steps with every offset drawn, from a stream of their own: a fault more does not change them."""
    rng = random.Random(f"{seed}:{scenario.name}:{cell.name}:offsets")

    def drawn(step: Step) -> Step:
        if isinstance(step.offset_s, tuple):
            return replace(step, offset_s=round(rng.uniform(*step.offset_s), 3))
        return step

    return tuple(
        replace(s, members=tuple(drawn(m) for m in s.members)) if isinstance(s, Together) else drawn(s)
        for s in cell.steps
    )


def planned_faults(triggers: Sequence[Trigger]) -> tuple[PlannedFault, ...]:
    """The faults of these triggers as data, numbered in their order."""
    return tuple(
        PlannedFault(
            id=f"fault-{number}",
            name=t.fault.name,
            parameters=_plain(f"the fault {t.fault.name}", t.fault.parameters),
            targets=dict(t.fault.aimed_at),
            effects=tuple(sorted(t.fault.effects)),
            at=t.at,
            occurrence=t.occurrence,
            hold=t.hold,
            share=t.share,
            source=_source(type(t.fault), faults.named(t.fault.name)),
        )
        for number, t in enumerate(triggers, 1)
    )


def planned_checkers(checkers: Sequence[Checker]) -> tuple[PlannedChecker, ...]:
    """Checkers as data, in their order."""
    return tuple(
        PlannedChecker(c.name, _plain(f"the checker {c.name}", _parameters(c)), _source(type(c), CHECKERS.get(c.name)))
        for c in checkers
    )


def _promising(steps: tuple[Step | Together, ...], versions: Mapping[str, str]) -> tuple[Step | Together, ...]:
    """Each step with the version that must answer once it has succeeded; only a deployment and a roll-back have one."""

    def promising(step: Step) -> Step:
        asked = versions[step.version] if step.version else ""
        promises = {"deploy": asked or versions["new"], "rollback": versions["old"]}.get(step.do, "")
        return replace(step, promises=promises)

    return tuple(
        replace(s, members=tuple(promising(m) for m in s.members)) if isinstance(s, Together) else promising(s)
        for s in steps
    )


def _parameters(checker: Any) -> Mapping[str, Any]:
    if is_dataclass(checker):
        return {f.name: getattr(checker, f.name) for f in fields(checker)}
    return dict(getattr(checker, "__dict__", {}))


def _plain(whose: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """They go through JSON, or they could not be given to it again."""
    try:
        json.dumps(parameters)
    except (TypeError, ValueError) as error:
        hint = "parameters are numbers, texts, true or false, and lists of these"
        raise HarnessError(f"plan {whose}", f"its parameters are no plain values ({error})", hint) from error
    return dict(parameters)


def _source(cls: type, ours: type | None) -> Source | None:
    """None for a class that comes with the harness."""
    if cls is ours:
        return None
    source = source_of(cls)
    if source is None:
        hint = "define it at the top level of a module"
        raise HarnessError(
            f"plan {cls.__qualname__}", "it is no name of its module, and could not be found again", hint
        )
    return source
