"""The plan of one run: everything that is decided before anything happens; the same seed gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.schema import SystemConfig
from harness.faults.monitor import Monitor
from harness.island.spec import Kind
from harness.model import Edge
from harness.scenario import Cell, Scenario, Step, Together, Trigger


@dataclass(frozen=True, slots=True)
class Plan:
    """What ``run.json`` holds; the inside half rebuilds the scenario from its name and draws from the same seed.

    ``fds`` are inherited descriptors of disk images; ``work`` the directory live work is done in.
    """

    run: str
    system: str
    system_name: str
    variants: tuple[str, ...]
    scenario: str
    scenario_dirs: tuple[str, ...]
    cell: str
    seed: int
    size_bytes: int
    repeat: int
    warmup: int
    users: int
    kind: Kind
    work: str
    port: int
    python: str
    keep_data: bool
    fds: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Plan:
        return cls(
            **{
                **raw,
                "variants": tuple(raw["variants"]),
                "scenario_dirs": tuple(raw["scenario_dirs"]),
            }
        )


def planned_triggers(scenario: Scenario, cell: Cell, seed: int) -> tuple[Trigger, ...]:
    """The cell's triggers with every open choice made. Each cell draws from its own stream of the seed, so that
    running one cell alone gives what it got among others."""
    rng = random.Random(f"{seed}:{scenario.name}:{cell.name}")
    return tuple(trigger.planned(rng) for trigger in cell.triggers)


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


def described_steps(cell: Cell, steps: Iterable[Step | Together] = ()) -> list[str]:
    """The steps of a cell in words, for the plan and --dry-run; ``steps`` are its own with what the seed drew."""
    said = [_in_words(s) for s in steps or cell.steps]
    return [*said, f"then, in what was recorded: {cell.power}"] if cell.power else said


def _in_words(step: Step | Together) -> str:
    if isinstance(step, Together):
        meet = f", held at {' or '.join(map(str, step.meet))}" if step.meet else ""
        return f"together{meet}: {'; '.join(_in_words(m) for m in step.members)}"
    after = f" after {step.after}{'' if isinstance(step.after, Edge) else ' ended'}" if step.after else ""
    offset = f" + {step.offset_s} s" if step.offset_s else ""
    return f"{step.do}{f' {step.version}' if step.version else ''}{after}{offset} (expect {step.expect})"


def described_faults(triggers: tuple[Trigger, ...]) -> list[dict[str, Any]]:
    """The faults as plain values: id, name, parameters, where; without a time they last as long as the operation."""
    return [
        {
            "id": f"fault-{i}",
            "name": t.fault.name,
            "parameters": dict(t.fault.parameters),
            "at": f"{t.at} #{t.occurrence}{_share(t)}{_held(t)}",
            "hold": t.hold,
        }
        for i, t in enumerate(triggers, 1)
    ]


def _share(trigger: Trigger) -> str:
    return f" at {100 * trigger.share:g} % of its bytes" if trigger.share else ""


def links(triggers: tuple[Trigger, ...]) -> tuple[str, ...]:
    """The links that faults of this run are on."""
    named = (str(t.fault.parameters.get("link", "")) for t in triggers)
    return tuple(dict.fromkeys(name for name in named if name))


def missing_in(config: SystemConfig, cell: Cell) -> list[str]:
    """What a system.toml does not have and the cell is about: a link to cut, a monitor to kill, a bad version."""
    found = [f"[links.{name}]" for name in links(cell.triggers) if name not in config.links]
    if not config.monitors and any(isinstance(t.fault, Monitor) for t in cell.triggers):
        found.append("[monitors]")
    if not config.versions.broken and any(s.version == "broken" for s in cell.single_steps):
        found.append("[versions] broken")
    return found


def _held(trigger: Trigger) -> str:
    if isinstance(trigger.hold, str):
        return {"end": " to the end of the run", "other": " until another operation ends"}.get(trigger.hold, "")
    return f" for {trigger.hold:g} s"


def staging_path(out: Path, run: str) -> Path:
    """Where a run is recorded until it is judged: hidden, so that `reports/` shows finished runs only."""
    return out / f".{run}.partial"
