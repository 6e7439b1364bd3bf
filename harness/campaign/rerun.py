"""An earlier campaign to be run again exactly as it was: the cells that did not pass, or what a matrix still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import registry
from harness.campaign.options import Options, command_line
from harness.errors import HarnessError

# The options that decide what is tested: campaign.json records them. All others (where to write, how many jobs) may
# differ.
RERUN_KEYS = ("system", "scenario_dirs", "seed", "repeat", "size_bytes", "flaws", "users")


def rerun_options(options: Options, file: Path) -> dict[str, Any]:
    """What campaign.json records of the options. ``file`` is the system.toml, whose whole path is recorded for a system
    of the user's own."""
    return {
        **{name: getattr(options, name) for name in RERUN_KEYS},
        "system": options.system if options.system in registry.systems() else str(file.resolve()),
        "scenario_dirs": [str(d.resolve()) for d in options.scenario_dirs],
        "flaws": list(options.flaws),
    }


def failed(document: Mapping[str, Any], folder: Path, options: Options) -> Options:
    """``options`` for a rerun of the cells of that campaign.json that did not pass or never began. HarnessError if
    there is none, or if the file does not record its options."""
    cells = [f"{r['scenario']}:{r['cell']}" for r in document["runs"] if r["outcome"] != "pass"]
    cells += document.get("not_run", [])
    if not cells:
        raise HarnessError(
            f"run again what failed in {folder}",
            f"all of its {len(document['runs'])} runs passed",
            "name a folder below reports/ with a campaign that did not, or: deploydrill run",
        )
    known = document.get("options")
    if not known:
        raise HarnessError(
            f"run again what failed in {folder}",
            "its campaign.json does not say with which options it ran",
            f"deploydrill run {' '.join(cells)}, with the options of then",
        )
    again = replace(options, scenarios=tuple(cells), **_read(known))
    return replace(again, command=command_line(again))


# The same for a discrimination, which tests flaws in cells.
RERUN_MATRIX_KEYS = ("scenarios", *RERUN_KEYS, "tier", "clean", "all_cells")


def matrix_options(options: Options, file: Path, clean: int, all_cells: bool) -> dict[str, Any]:
    """What discriminate.json records of the options."""
    more = {"scenarios": list(options.scenarios), "tier": options.tier, "clean": clean, "all_cells": all_cells}
    return {**rerun_options(options, file), **more}


def restore_options(known: Mapping[str, Any], options: Options) -> tuple[Options, int, bool]:
    """``options`` with those that discriminate.json records, its number of clean rounds, and whether it ran every flaw
    in all cells."""
    same = {**_read(known), "scenarios": tuple(known["scenarios"]), "tier": known["tier"]}
    return replace(options, **same), int(known["clean"]), bool(known["all_cells"])


def _read(known: Mapping[str, Any]) -> dict[str, Any]:
    """The options of RERUN_KEYS, from JSON."""
    same = {name: known[name] for name in RERUN_KEYS}
    return {
        **same,
        "scenario_dirs": tuple(Path(d) for d in known["scenario_dirs"]),
        "flaws": tuple(known["flaws"]),
    }
