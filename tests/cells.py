"""The tables of cells in scenarios/README.md, made from the scenarios themselves: ``python -m tests.cells``."""

from __future__ import annotations

from collections.abc import Iterator

from harness import registry
from harness.run.campaign import wall_s
from harness.scenario import Cell, Scenario, Trigger

README = registry.SCENARIOS / "README.md"
MARK = "<!-- cells"


def tiers(cells: list[Cell]) -> Iterator[str]:
    """What a tier takes by the budgets of its cells; the full tier holds the quick one."""
    yield "| tier | cells | of these alone, for their times are claims | one by one | two side by side |"
    yield "|---|---|---|---|---|"
    for tier, its in (("quick", [c for c in cells if c.tier == "quick"]), ("full", cells)):
        alone = sum(c.timing for c in its)
        yield f"| {tier} | {len(its)} | {alone} | {_minutes(wall_s(its, 1))} | {_minutes(wall_s(its, 2))} |"


def table(scenario: Scenario) -> Iterator[str]:
    yield f"### {scenario.name}: {scenario.title}"
    yield ""
    yield f"Rows of the review: {', '.join(scenario.requirements) or 'none'}."
    yield ""
    yield "| cell | tier | budget | what happens | faults |"
    yield "|---|---|---|---|---|"
    for cell in scenario.cells:
        budget = f"{cell.budget_s:g} s{', alone' if cell.timing else ''}"
        faults = "; ".join(map(_fault, cell.triggers)) or "none"
        yield f"| `{scenario.name}:{cell.name}` | {cell.tier} | {budget} | {cell.about} | {faults} |"


def _fault(trigger: Trigger) -> str:
    named = ", ".join(f"{k}={_value(v)}" for k, v in trigger.fault.parameters.items())
    hold = {"operation": "", "end": ", to the end"}.get(str(trigger.hold), f", for {trigger.hold} s")
    number = f" #{trigger.occurrence}" if trigger.occurrence > 1 else ""
    return f"{trigger.fault.name}({named}) at {trigger.at}{number}{hold}".replace("|", "\\|")


def _value(value: object) -> str:
    return f"{value[0]}..{value[1]}" if isinstance(value, tuple) and len(value) == 2 else str(value)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min"


def written() -> str:
    """The README with its tables as they should be."""
    head, mark, rest = README.read_text().partition(MARK)
    scenarios = registry.scenarios().values()
    blocks = [tiers([c for s in scenarios for c in s.cells]), *(table(s) for s in scenarios)]
    tables = "\n\n".join("\n".join(lines) for lines in blocks)
    return f"{head}{mark}{rest.partition('-->')[0]}-->\n\n{tables}\n"


if __name__ == "__main__":
    README.write_text(written())
