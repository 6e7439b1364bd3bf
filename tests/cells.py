"""The page of all cells, scenarios/CELLS.md, made from the scenarios themselves: ``python -m tests.cells``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness import registry
from harness.campaign.compile import planned_faults
from harness.campaign.selection import wall_s
from harness.scenario import Cell, Scenario

PAGE = registry.SCENARIOS / "CELLS.md"
_INTRO = """\
<!-- Made from the scenarios by `make docs`. -->
# Cells

A cell is one variant of a scenario: `deploydrill run SCENARIO:CELL` runs it. The *budget* is the time that a run of it
may take on two cores. A cell that is *alone* measures times, so no other run goes on beside it. `backup.copy.start #2`
is the second backup that comes to its copy. [README.md](README.md) says what a scenario is made of.
"""


def tiers(cells: list[Cell]) -> Iterator[str]:
    """What a tier takes by the budgets of its cells; the full tier holds the quick one."""
    yield "| tier | cells | alone | one run at a time | two runs at a time |"
    yield "|---|---|---|---|---|"
    for tier, its in (("quick", [c for c in cells if c.tier == "quick"]), ("full", cells)):
        alone = sum(c.timing for c in its)
        yield f"| {tier} | {len(its)} | {alone} | {_minutes(wall_s(its, 1))} | {_minutes(wall_s(its, 2))} |"


def table(scenario: Scenario) -> Iterator[str]:
    """The quick cells of a scenario, and below them, folded, those that only the full tier runs."""
    yield f"## {scenario.name}: {scenario.title}"
    yield ""
    yield f"Rows of the review: {', '.join(scenario.requirements) or 'none'}."
    quick = [c for c in scenario.cells if c.tier == "quick"]
    full = [c for c in scenario.cells if c.tier != "quick"]
    yield from _rows(scenario, quick) if quick else ()
    if full:
        yield ""
        yield f"<details><summary>{len(full)} more in the full tier</summary>"
        yield from _rows(scenario, full)
        yield ""
        yield "</details>"


def _rows(scenario: Scenario, cells: list[Cell]) -> Iterator[str]:
    yield ""
    yield "| cell | budget | what happens | faults |"
    yield "|---|---|---|---|"
    for cell in cells:
        budget = f"{cell.budget_s:g} s{', alone' if cell.timing else ''}"
        yield f"| `{scenario.name}:{cell.name}` | {budget} | {cell.about} | {_faults(cell)} |"


def _faults(cell: Cell) -> str:
    said = [
        f"{f['name']}({_named(f['parameters'])}) at {_at(f['at'])}"
        for f in (p.described() for p in planned_faults(cell.triggers))
    ]
    said += [str(cell.power)] if cell.power else []
    return "; ".join(said).replace("|", "\\|") or "none"


def _at(at: str) -> str:
    return " ".join(word for word in at.split() if word != "#1")


def _named(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{k}={_value(v)}" for k, v in parameters.items())


def _value(value: object) -> str:
    return f"{value[0]}..{value[1]}" if isinstance(value, tuple) and len(value) == 2 else str(value)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def page() -> str:
    """The text of the page."""
    scenarios = registry.scenarios().values()
    blocks = [tiers([c for s in scenarios for c in s.cells]), *(table(s) for s in scenarios)]
    tables = "\n\n".join("\n".join(lines) for lines in blocks)
    return f"{_INTRO}\n{tables}\n"


if __name__ == "__main__":
    PAGE.write_text(page())
