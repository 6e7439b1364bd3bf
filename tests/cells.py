"""The table of cells in scenarios/README.md, made from the scenarios themselves: ``python -m tests.cells``."""

from __future__ import annotations

from harness import registry

README = registry.SCENARIOS / "README.md"
MARK = "<!-- cells"


def table() -> str:
    rows = ["| cell | tier | budget, s | what happens | faults | rows of the review |", "|---|---|---|---|---|---|"]
    for scenario in registry.scenarios().values():
        for cell in scenario.cells:
            faults = ", ".join(f"{t.fault.name} {dict(t.fault.parameters)} at {t.at}" for t in cell.triggers)
            faults = faults or (str(cell.power) if cell.power else "none")
            rows.append(
                f"| `{scenario.name}:{cell.name}` | {cell.tier} | {cell.budget_s:g} | {cell.about} | {faults} "
                f"| {', '.join(scenario.requirements)} |"
            )
    return "\n".join(rows) + "\n"


def written() -> str:
    """The README with its table as it should be."""
    head, mark, rest = README.read_text().partition(MARK)
    return f"{head}{mark}{rest.partition('-->')[0]}-->\n\n{table()}"


if __name__ == "__main__":
    README.write_text(written())
