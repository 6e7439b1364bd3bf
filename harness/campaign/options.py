"""What a command was asked for, and the command that asks for the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.scenario import Tier


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
    jobs: int | None = None
    retry_late: int = 0
    command: str = ""


def command_line(options: Options) -> str:
    """The command that runs the same cells in the same way."""
    words = ["deploydrill run", *options.scenarios, f"--system {options.system}"]
    words += [f"--flaw {f}" for f in options.flaws]
    words += [f"--seed {options.seed}", f"--size {options.size_bytes}"]
    words += [f"--repeat {options.repeat}"] if options.repeat else []
    words += [f"--users {options.users}"] if options.users else []
    words += [f"--scenarios {d}" for d in options.scenario_dirs]
    return " ".join(words)
