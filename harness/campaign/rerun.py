"""An earlier campaign to be run again exactly as it was: the cells that did not pass, or what a matrix still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import registry
from harness.campaign.options import Options, command_line
from harness.errors import HarnessError

# What makes a run the same run; kept in campaign.json. All else (where to write, how many at once) may differ.
SAME = ("system", "scenario_dirs", "seed", "repeat", "size_bytes", "flaws", "users")


def kept(options: Options, file: Path) -> dict[str, Any]:
    """What campaign.json keeps; ``file`` is the system.toml: one of the user's own is found from anywhere by that."""
    return {
        **{name: getattr(options, name) for name in SAME},
        "system": options.system if options.system in registry.systems() else str(file.resolve()),
        "scenario_dirs": [str(d.resolve()) for d in options.scenario_dirs],
        "flaws": list(options.flaws),
    }


def failed(document: Mapping[str, Any], folder: Path, options: Options) -> Options:
    """``options`` with the cells of that campaign.json that did not pass or were never begun, as they were."""
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


# The same for a discrimination, whose flaws and cells are part of what it is.
SAME_MATRIX = ("scenarios", *SAME, "tier", "clean", "all_cells")


def kept_matrix(options: Options, file: Path, clean: int, all_cells: bool) -> dict[str, Any]:
    """What discriminate.json keeps."""
    more = {"scenarios": list(options.scenarios), "tier": options.tier, "clean": clean, "all_cells": all_cells}
    return {**kept(options, file), **more}


def asked(known: Mapping[str, Any], options: Options) -> tuple[Options, int, bool]:
    """``options`` as that discrimination was asked for, how often it was to run clean, and whether in all cells."""
    same = {**_read(known), "scenarios": tuple(known["scenarios"]), "tier": known["tier"]}
    return replace(options, **same), int(known["clean"]), bool(known["all_cells"])


def _read(known: Mapping[str, Any]) -> dict[str, Any]:
    """The options of SAME as they are made of JSON."""
    same = {name: known[name] for name in SAME}
    return {
        **same,
        "scenario_dirs": tuple(Path(d) for d in known["scenario_dirs"]),
        "flaws": tuple(known["flaws"]),
    }
