"""What ``run`` and ``verify`` do: rehearse, judge, report; stdout is the answer, stderr the progress."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import click

from harness import registry
from harness.campaign import rerun
from harness.campaign.campaign import Campaign, exit_code
from harness.campaign.feasibility import feasibility, needs, observed
from harness.campaign.folder import rehearse
from harness.campaign.options import Options
from harness.campaign.outside import Signals
from harness.campaign.selection import capabilities, wall_s
from harness.checkers.contract import QUESTION as CONTRACT
from harness.config.kit_capabilities import KitCapabilities
from harness.errors import ExitCode, HarnessError
from harness.model import Result
from harness.plan import described_steps
from harness.recording.recording import Recording
from harness.report.documents.campaign import NAME as CAMPAIGN
from harness.report.documents.clean import one_line
from harness.report.documents.result import read_document
from harness.report.text import contract, terminal
from harness.report.text.live import LiveView


def run(
    options: Options,
    *,
    out: Path,
    junit: Path | None = None,
    summary: Path | None = None,
    as_json: bool = False,
    live: bool = True,
    dry_run: bool = False,
    failed: str | None = None,
    given: Sequence[str] = (),
) -> int:
    """Run the selected cells, judge each, write the report, print the verdict; the exit code.

    ``failed``: the cells that did not pass in that folder ("": the latest below ``out``), as they were; ``given`` are
    the options that would make them something else.
    """
    signals = Signals()
    if failed is not None:
        options = _failed(options, Path(failed) if failed else out / "latest", given)
    with LiveView(live=None if live else False) as view:
        campaign = Campaign(options, signals, view)
        if dry_run:
            return _print_plan(campaign)
        signals.install()
        folder, results = rehearse(campaign, out)
    for target, name in ((junit, "junit.xml"), (summary, "report.md")):
        if target:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target)
    if as_json:
        click.echo((folder / CAMPAIGN).read_text())
    else:
        terminal.console().print(
            terminal.render_run(results[0]) if len(results) == 1 else terminal.render_campaign(results, folder)
        )
        for line in terminal.attempts(read_document(folder / CAMPAIGN)):
            click.echo(line)
    not_run = campaign.not_run(results)
    if not_run:
        click.echo(f"not run, for {'a signal came' if signals.number else 'a run failed'}: {', '.join(not_run)}")
    click.echo(terminal.closing_line(campaign.outcome(results), results, folder))
    return exit_code(results, signals)


def _failed(options: Options, folder: Path, given: Sequence[str]) -> Options:
    what = f"run again what failed in {folder}"
    if given:
        why = f"{', '.join(given)} would make it something else: cells, system, seed and sizes are those of then"
        raise HarnessError(what, why, f"leave {'it' if len(given) == 1 else 'them'} out, or run without --failed")
    if not (folder / CAMPAIGN).exists():
        why = f"there is no {CAMPAIGN} in it" if folder.exists() else "there is no such folder"
        raise HarnessError(what, why, "name the folder of a campaign below reports/, or run something first")
    return rerun.failed(read_document(folder / CAMPAIGN), folder, options)


def _print_plan(campaign: Campaign) -> int:
    """The plan of every selected cell, why it cannot run here, and what else the system.toml lacks for it."""
    kit = KitCapabilities(campaign.config)
    for selected in campaign.selected:
        cell = selected.cell
        click.echo(f"{selected.scenario.name}:{cell.name}  ({cell.about})")
        plan = campaign.plan(selected)
        click.echo(f"  rounds: {plan.repeat}, after {plan.warmup} for warm-up; budget {cell.budget_s:g} s")
        for step in described_steps(plan.steps, plan.power):
            click.echo(f"  - {step}")
        for fault in (f.described() for f in plan.faults):
            click.echo(f"  fault {fault['name']} {json.dumps(fault['parameters'])} at {fault['at']}")
        if selected.why_not:
            click.echo(f"  UNKNOWN: {selected.why_not}")
        for need in needs(selected.scenario, cell, kit):
            if need not in selected.missing:
                click.echo(f"  needs {one_line(need)}")
    cells = [s.cell for s in campaign.selected]
    alone = sum(c.timing for c in cells)
    click.echo(
        f"{len(cells)} cells, {alone} of them alone for their times are claims, the others {campaign.jobs} at a time: "
        f"about {wall_s(cells, campaign.jobs) / 60:.1f} min by their budgets"
    )
    return ExitCode.PASS


def verify(options: Options, out: Path, as_json: bool, probes_only: bool = False) -> int:
    """Try the contract of a system operation by operation, and say what can be rehearsed on it. ``probes_only``: only
    read; then of operations nothing is seen, and nothing is missing."""
    signals = Signals()
    cell = "reads" if probes_only else "once"
    with LiveView() as view:
        campaign = Campaign(replace(options, scenarios=(f"contract:{cell}",)), signals, view)
        signals.install()
        folder, results = rehearse(campaign, out)
    recording = Recording(folder / campaign.selected[0].run)
    nothing = KitCapabilities(campaign.config, frozenset(), frozenset(), frozenset())
    seen = observed(campaign.config, recording) if recording.events else nothing
    cells = feasibility(
        [s for s in registry.scenarios(options.scenario_dirs).values() if s.name != "contract"],
        KitCapabilities(campaign.config) if probes_only else seen,
        capabilities(campaign.kind),
    )
    outcome = campaign.outcome(results)
    kept = [f for r in results for f in r.findings if f.check == CONTRACT]
    told = contract.document(campaign.config.name, outcome, kept, [asdict(c) for c in cells])
    if as_json:
        click.echo(json.dumps(told, indent=1))
    else:
        for line in contract.render(told):
            click.echo(line)
        _print_beside_the_contract(results)
    click.echo(terminal.closing_line(outcome, results, folder))
    return exit_code(results, signals)


def _print_beside_the_contract(results: Sequence[Result]) -> None:
    """What keeps it from a pass and is no line of the contract: above all a load that was none."""
    for finding in (f for r in results for f in r.findings):
        if finding.outcome not in ("pass", "note") and finding.check != CONTRACT:
            click.echo(f"\n{finding.outcome}: {one_line(finding.title)}: {one_line(finding.sentence)}")
