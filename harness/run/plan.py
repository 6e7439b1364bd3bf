"""The plan of one run: everything that is decided before anything happens; the same seed gives the same plan."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.island.spec import Kind
from harness.scenario import Cell, Scenario, Trigger


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


def described_steps(cell: Cell) -> list[str]:
    """The steps in words, for the plan and --dry-run."""
    steps = [f"{s.do}{f' {s.version}' if s.version else ''} (expect {s.expect})" for s in cell.steps]
    return [*steps, f"then, in what was recorded: {cell.power}"] if cell.power else steps


def described_faults(triggers: tuple[Trigger, ...]) -> list[dict[str, Any]]:
    """The faults as plain values: id, name, parameters, where; without a time they last as long as the operation."""
    return [
        {
            "id": f"fault-{i}",
            "name": t.fault.name,
            "parameters": dict(t.fault.parameters),
            "at": f"{t.at} #{t.occurrence}{_held(t)}",
        }
        for i, t in enumerate(triggers, 1)
    ]


def _held(trigger: Trigger) -> str:
    if isinstance(trigger.hold, str):
        return " to the end of the run" if trigger.hold == "end" else ""
    return f" for {trigger.hold:g} s"


def staging_path(out: Path, run: str) -> Path:
    """Where a run is recorded until it is judged: hidden, so that `reports/` shows finished runs only."""
    return out / f".{run}.partial"
