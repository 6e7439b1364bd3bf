"""The rows of a discrimination: no flaw, each flaw of a system alone, all of them at once, and in which cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from harness import registry
from harness.campaign.flaws.flaw_signs import check_signs
from harness.campaign.options import Options
from harness.campaign.selection import Selected, kind_for, select
from harness.config.reader import load_system
from harness.config.schema import SystemConfig, VariantConfig
from harness.config.suggest import did_you_mean
from harness.errors import HarnessError
from harness.host.checkout import BUNDLED

RowKind = Literal["clean", "flaw", "all"]


@dataclass(frozen=True, slots=True)
class Row:
    """One set of flaws (``options.flaws``) with its seed, and the cells it is run in; ``name`` is its folder."""

    kind: RowKind
    name: str
    options: Options
    cells: tuple[Selected, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """``left_out``: what the system has and this matrix says nothing about, and why."""

    config: SystemConfig
    flaws: tuple[VariantConfig, ...]
    cells: tuple[Selected, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...]

    def meant(self, row: Row, cell: str) -> tuple[VariantConfig, ...]:
        """The flaws of a row that the cell must show."""
        return tuple(f for f in self.flaws if f.name in row.options.flaws and cell in f.shown_by)


def plan_matrix(options: Options, clean: int, all_cells: bool) -> Matrix:
    """``options.flaws`` are the flaws asked for, none of them means all; ``options.scenarios`` the cells. Flaws without
    cells ask for the cells meant for them, neither for the whole tier. ``clean`` is how often nothing is switched on,
    each time with the next seed; ``all_cells`` tries each flaw in every cell."""
    config = load_system(options.system, BUNDLED)
    chosen = _chosen(config, options)
    cells = options.scenarios
    if options.flaws and not cells:
        cells = tuple(dict.fromkeys(c for f in chosen for c in f.shown_by))
    selected = tuple(select(replace(options, scenarios=cells), kind_for(config), config))
    there = {s.name for s in selected}
    flaws = [f for f in chosen if there.intersection(f.shown_by)]
    missed = [f for f in chosen if f not in flaws]
    if missed and (options.flaws or not flaws):
        why = f"{missed[0].name} is shown by {', '.join(missed[0].shown_by)}, which is not among the cells selected"
        raise HarnessError("plan a discrimination", why, "name that cell too, or another tier")
    left_out = [f"{', '.join(f.name for f in missed)}: no cell of theirs is selected"] if missed else []
    rows = [
        Row("clean", f"clean-{i + 1}", replace(options, flaws=(), seed=options.seed + i), selected)
        for i in range(clean)
    ]
    for flaw in flaws:
        where = tuple(s for s in selected if all_cells or s.name in flaw.shown_by)
        rows.append(Row("flaw", f"flaw-{flaw.name}", replace(options, flaws=(flaw.name,)), where))
    if len(flaws) > 1:
        names = tuple(f.name for f in flaws)
        try:
            load_system(options.system, BUNDLED, variants=names)
        except HarnessError as error:
            left_out.append(f"all flaws at once: {error.why} ({error.hint})")
        else:
            shown = {cell for f in flaws for cell in f.shown_by}
            where = tuple(s for s in selected if all_cells or s.name in shown)
            rows.append(Row("all", "all-flaws", replace(options, flaws=names), where))
    return Matrix(config, tuple(flaws), selected, tuple(rows), tuple(left_out))


def _chosen(config: SystemConfig, options: Options) -> tuple[VariantConfig, ...]:
    """The variants that are flaws and were asked for, in the order of the file, each checked."""
    what = f"discriminate on {config.name}"
    flaws = {v.name: v for v in config.variants.values() if v.shown_by}
    if not flaws:
        hint = 'shown_by = ["baseline:round-trip"] and codes = ["a finding code"] make a variant a flaw'
        raise HarnessError(what, f"no [variants.NAME] of {config.file} says which cell shows it", hint)
    for name in options.flaws:
        if name not in config.variants:
            hint = did_you_mean(name, flaws) or f"flaws: {', '.join(flaws)}"
            raise HarnessError(what, f"there is no [variants.{name}]", hint)
        if name not in flaws:
            raise HarnessError(what, f"[variants.{name}] is no flaw: it has no shown_by", f"flaws: {', '.join(flaws)}")
    chosen = tuple(v for v in flaws.values() if not options.flaws or v.name in options.flaws)
    known = _cells(options, config)
    for flaw in chosen:
        _check(config, flaw, known)
    return chosen


def _cells(options: Options, config: SystemConfig) -> list[str]:
    known = registry.scenarios(options.scenario_dirs).values()
    return [f"{scenario.name}:{cell.name}" for scenario in known for cell in scenario.cells_on(config.links)]


def _check(config: SystemConfig, flaw: VariantConfig, known: Sequence[str]) -> None:
    what = f"read {config.file}: variants.{flaw.name}"
    for cell in flaw.shown_by:
        if cell not in known:
            hint = did_you_mean(cell, known) or "`deploydrill list` names every cell; --scenarios DIR adds your own"
            raise HarnessError(f"{what}.shown_by", f"there is no cell {cell!r}", hint)
    check_signs(flaw, what)
