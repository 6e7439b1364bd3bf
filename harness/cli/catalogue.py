"""What ``list`` and ``explain`` do: tell what there is, of scenarios, systems and codes. Each imports what it tells of:
scenarios, or all checkers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

import click

from harness.config.suggest import did_you_mean
from harness.errors import ExitCode, HarnessError
from harness.host.checkout import BUNDLED
from harness.plan import described_steps
from harness.report.documents.clean import one_line

COLUMNS = 80


def list_all(system: str, scenario_dirs: Sequence[Path]) -> int:
    from harness import registry
    from harness.config.reader import load_system

    for scenario in registry.scenarios(scenario_dirs).values():
        rows = f" [{', '.join(scenario.requirements)}]" if scenario.requirements else ""
        click.echo(f"{scenario.name}: {scenario.title}{rows}")
        for cell in scenario.cells:
            click.echo(f"  {scenario.name}:{cell.name} ({cell.tier}): {cell.about}")
    click.echo(f"systems: {', '.join(registry.systems())}")
    config = load_system(system, BUNDLED)
    if not config.variants:
        click.echo(f"variants of {config.name}: none")
        return ExitCode.PASS
    click.echo(f"variants of {config.name} (--flaw NAME):")
    for variant in config.variants.values():
        shown_by = f" (a flaw, shown by {', '.join(variant.shown_by)})" if variant.shown_by else ""
        click.echo(f"  {variant.name}: {one_line(variant.about)}{shown_by}")
    return ExitCode.PASS


def explain(name: str, scenario_dirs: Sequence[Path]) -> int:
    """A scenario, or the code of a finding: a code has a dot, and a scenario has none."""
    return _explain_code(name, scenario_dirs) if "." in name else _explain_scenario(name, scenario_dirs)


def _explain_code(name: str, scenario_dirs: Sequence[Path]) -> int:
    from harness.judge.declared import declared
    from harness.report.text import explanation

    if scenario_dirs:
        from harness import registry

        registry.scenarios(scenario_dirs)  # with the checkers of the user's own, and so their codes
    known = declared()
    if name not in known:
        raise _nothing_of_that_name(name, scenario_dirs)
    for line in explanation.explain(known[name]):
        for part in line.split("\n"):
            hanging = " " * (len(part) - len(part.lstrip(" -")))
            click.echo(textwrap.fill(part, COLUMNS, subsequent_indent=hanging, break_on_hyphens=False))
    return ExitCode.PASS


def _nothing_of_that_name(name: str, scenario_dirs: Sequence[Path]) -> HarnessError:
    from harness import registry
    from harness.judge.declared import declared

    scenarios = registry.scenarios(scenario_dirs)
    hint = did_you_mean(name, [*scenarios, *declared()])
    hint = hint or f"scenarios: {', '.join(scenarios)}; harness/docs/findings.md has all codes"
    hint += "" if scenario_dirs else "; one of your own needs --scenarios DIR"
    return HarnessError(f"explain {name!r}", "no scenario and no code of a finding has that name", hint)


def _explain_scenario(name: str, scenario_dirs: Sequence[Path]) -> int:
    from harness import registry

    known = registry.scenarios(scenario_dirs)
    if name not in known:
        raise _nothing_of_that_name(name, scenario_dirs)
    scenario = known[name]
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
