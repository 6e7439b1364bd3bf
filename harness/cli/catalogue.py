"""What ``list`` and ``explain`` do: tell what there is, of scenarios and systems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from harness import registry
from harness.config.reader import load_system
from harness.errors import ExitCode
from harness.host.checkout import BUNDLED
from harness.plan import described_steps
from harness.report.documents.clean import one_line


def list_all(system: str, scenario_dirs: Sequence[Path]) -> int:
    for scenario in registry.scenarios(scenario_dirs).values():
        rows = f" [{', '.join(scenario.requirements)}]" if scenario.requirements else ""
        click.echo(f"{scenario.name}: {scenario.title}{rows}")
        for cell in scenario.cells:
            click.echo(f"  {scenario.name}:{cell.name} ({cell.tier}): {cell.about}")
    click.echo(f"systems: {', '.join(registry.systems())}")
    config = load_system(system, BUNDLED)
    click.echo(f"variants of {config.name} (--flaw NAME):")
    for variant in config.variants.values():
        shown_by = f" (a flaw, shown by {', '.join(variant.shown_by)})" if variant.shown_by else ""
        click.echo(f"  {variant.name}: {one_line(variant.about)}{shown_by}")
    return ExitCode.PASS


def explain(name: str, scenario_dirs: Sequence[Path]) -> int:
    scenario = registry.scenario(name, scenario_dirs)
    click.echo(f"{scenario.name}: {scenario.title}")
    if scenario.requirements:
        click.echo(f"rows of the review: {', '.join(scenario.requirements)}")
    for cell in scenario.cells:
        click.echo(
            f"\n{scenario.name}:{cell.name}\n  {cell.about}; {cell.repeat} rounds after {cell.warmup}; tier {cell.tier}"
        )
        for step in described_steps(cell.steps, cell.power):
            click.echo(f"  - {step}")
        for trigger in cell.triggers:
            click.echo(
                f"  fault {trigger.fault.name} {dict(trigger.fault.parameters)} at {trigger.at} #{trigger.occurrence}"
            )
        click.echo(f"  judged by: {', '.join(c.name for c in (*scenario.checkers, *cell.checkers))}")
    return ExitCode.PASS
