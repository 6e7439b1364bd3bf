"""What each verb of the command does; stdout is the answer, stderr the progress."""

from __future__ import annotations

import itertools
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import click

from harness import registry
from harness.campaign import rerun
from harness.campaign.campaign import Campaign, exit_code
from harness.campaign.feasibility import Seen, able
from harness.campaign.options import Options
from harness.campaign.outside import Signals, check_room
from harness.campaign.provenance import commit
from harness.campaign.selection import capabilities, wall_s
from harness.checkers.contract import QUESTION as CONTRACT
from harness.checkers.contract import lines as contract_lines
from harness.config.reader import load_system
from harness.doctor import examine
from harness.errors import ExitCode, HarnessError
from harness.host import undo
from harness.host.clock import now
from harness.judge.judge import judge
from harness.model import NS, Outcome, Result, merged
from harness.plan import Plan, described_faults, described_steps, planned_steps, planned_triggers
from harness.recording.recording import Recording
from harness.report.documents import comparison
from harness.report.documents.campaign import NAME as CAMPAIGN
from harness.report.documents.campaign import write_campaign
from harness.report.documents.clean import one_line
from harness.report.documents.result import as_text, read_document, write_result
from harness.report.render import render, render_campaign, render_run
from harness.report.text import contract, terminal
from harness.report.text.comparison import render_comparison
from harness.report.text.live import LiveView
from harness.report.text.markdown import comparison_markdown
from harness.scaffold.draft import left_to_do, write_draft


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
        folder, results = _rehearse(campaign, out)
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
    not_run = _not_run(campaign, results)
    if not_run:
        click.echo(f"not run, for {'a signal came' if signals.number else 'a run failed'}: {', '.join(not_run)}")
    click.echo(terminal.closing_line(_outcome(campaign, results), results, folder))
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


def _rehearse(campaign: Campaign, out: Path) -> tuple[Path, list[Result]]:
    """Every run of the campaign; the folder gets its name only once it is finished."""
    check_room(out)
    stamp = datetime.fromtimestamp(now().wall_ns / NS, UTC).strftime("%Y%m%dT%H%M%S")
    log = undo.UndoLog()
    folder, staged, record = _staged(out, f"{stamp}-{campaign.name}", log)
    ended: dict[str, tuple[Result, Path]] = {}
    with closing(campaign.results(staged)) as runs:
        for selected, result, run_folder in runs:
            write_result(result, run_folder)
            if result.outcome == "pass" and not campaign.options.keep:
                shutil.rmtree(run_folder / "artefacts", ignore_errors=True)
            render_run(run_folder)
            ended[selected.run] = (result, run_folder)
    results = [ended[s.run] for s in campaign.selected if s.run in ended]
    outcome = _outcome(campaign, [r for r, _ in results])
    write_campaign(
        staged,
        results,
        outcome=outcome,
        reproduce=campaign.options.command,
        options=rerun.kept(campaign.options, campaign.config.file),
        not_run=_not_run(campaign, [r for r, _ in results]),
    )
    render_campaign(staged, runs_too=False)
    staged.rename(folder)
    log.done(record)
    point_latest(out, folder)
    return folder, [r for r, _ in results]


def _staged(out: Path, name: str, log: undo.UndoLog) -> tuple[Path, Path, str]:
    """The folder a campaign will be, the one it is staged in (made now), and the undo record of that. Campaigns that
    began in the same second get a number."""
    for number in itertools.count(1):
        folder = out / (name if number == 1 else f"{name}-{number}")
        staged = out / f".{folder.name}.partial"
        if folder.exists() or staged.exists():
            continue
        record = log.record("staging", {"path": str(staged)})
        try:
            staged.mkdir()
        except FileExistsError:  # the other one was faster
            log.done(record)
            continue
        return folder, staged, record
    raise AssertionError("unreachable")


def _outcome(campaign: Campaign, results: Sequence[Result]) -> Outcome:
    """A run that was never begun, for a signal came, passed as little as one that was broken off."""
    missing: list[Outcome] = ["unknown"] if len(results) < len(campaign.selected) else []
    return merged([*(r.outcome for r in results), *missing])


def _not_run(campaign: Campaign, results: Sequence[Result]) -> list[str]:
    """The cells that were selected and never begun."""
    ran = {r.run for r in results}
    return [s.name for s in campaign.selected if s.run not in ran]


def point_latest(out: Path, folder: Path) -> None:
    """``latest`` is the newest report from now on."""
    link = out / f".latest-{os.getpid()}"
    link.symlink_to(folder.name)
    link.replace(out / "latest")


def _print_plan(campaign: Campaign) -> int:
    """The plan of every selected cell, and why it cannot run here."""
    for selected in campaign.selected:
        cell = selected.cell
        click.echo(f"{selected.scenario.name}:{cell.name}  ({cell.about})")
        rounds = campaign.plan(selected)
        click.echo(f"  rounds: {rounds.repeat}, after {rounds.warmup} for warm-up; budget {cell.budget_s:g} s")
        for step in described_steps(cell, planned_steps(selected.scenario, cell, campaign.options.seed)):
            click.echo(f"  - {step}")
        for fault in described_faults(planned_triggers(selected.scenario, cell, campaign.options.seed)):
            click.echo(f"  fault {fault['name']} {json.dumps(fault['parameters'])} at {fault['at']}")
        if selected.why_not:
            click.echo(f"  UNKNOWN: {selected.why_not}")
    cells = [s.cell for s in campaign.selected]
    alone = sum(c.timing for c in cells)
    click.echo(
        f"{len(cells)} cells, {alone} of them alone for their times are claims, the others {campaign.jobs} at a time: "
        f"about {wall_s(cells, campaign.jobs) / 60:.1f} min by their budgets"
    )
    return ExitCode.PASS


def doctor(as_json: bool) -> int:
    """Print what was tried and found. Nothing but Python is needed for a first look, so what is missing is no error."""
    found = examine()
    if as_json:
        click.echo(json.dumps([asdict(c) for c in found], indent=1))
        return ExitCode.PASS
    for c in found:
        click.echo(f"{'ok     ' if c.ok else 'MISSING'}  {c.name}: {c.why}")
        if not c.ok:
            click.echo(f"         needed for {c.needed_for}; try: {c.hint}")
    return ExitCode.PASS


def list_all(system: str, scenario_dirs: Sequence[Path]) -> int:
    for scenario in registry.scenarios(scenario_dirs).values():
        rows = f" [{', '.join(scenario.requirements)}]" if scenario.requirements else ""
        click.echo(f"{scenario.name}: {scenario.title}{rows}")
        for cell in scenario.cells:
            click.echo(f"  {scenario.name}:{cell.name} ({cell.tier}): {cell.about}")
    click.echo(f"systems: {', '.join(registry.systems())}")
    config = load_system(system, registry.BUNDLED)
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
        for step in described_steps(cell):
            click.echo(f"  - {step}")
        for trigger in cell.triggers:
            click.echo(
                f"  fault {trigger.fault.name} {dict(trigger.fault.parameters)} at {trigger.at} #{trigger.occurrence}"
            )
        click.echo(f"  judged by: {', '.join(c.name for c in (*scenario.checkers, *cell.checkers))}")
    return ExitCode.PASS


def init(folder: Path) -> int:
    """Write a first system.toml, say what was found and what is to be done."""
    file, found = write_draft(folder)
    for line in found.said:
        click.echo(f"found {one_line(line)}")
    click.echo(f"wrote {file}, its guesses marked as GUESS")
    for line in left_to_do(file):
        click.echo(f"fill in {one_line(line)}")
    click.echo(f"then: deploydrill verify --system {folder}")
    return ExitCode.PASS


def verify(options: Options, out: Path, as_json: bool) -> int:
    """Try the contract of a system operation by operation, and say what can be rehearsed on it."""
    signals = Signals()
    with LiveView() as view:
        campaign = Campaign(replace(options, scenarios=("contract:once",)), signals, view)
        signals.install()
        folder, results = _rehearse(campaign, out)
    recording = Recording(folder / campaign.selected[0].run)
    lines = contract_lines(recording) if recording.events else []
    cells = able(
        [s for s in registry.scenarios(options.scenario_dirs).values() if s.name != "contract"],
        campaign.config,
        capabilities(campaign.kind),
        Seen.of(recording) if recording.events else Seen(),
    )
    outcome = _outcome(campaign, results)
    told = contract.document(campaign.config.name, outcome, lines, [asdict(c) for c in cells])
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


def judge_again(folder: Path, scenario_dirs: Sequence[Path]) -> int:
    """Judge one recorded run anew and render it; its folder keeps everything else."""
    if not (folder / "run.json").exists():
        raise HarnessError(
            f"judge {folder}", "there is no run.json in it", "name the folder of one run, not of a campaign"
        )
    try:
        plan = Plan.from_dict(Recording(folder).plan["plan"])
    except (ValueError, KeyError, TypeError) as error:
        why = f"its run.json is torn, or of another version ({type(error).__name__}: {error})"
        raise HarnessError(f"judge {folder}", why, "run it again: nothing else says what was to be done") from error
    scenario = registry.scenario(plan.scenario, [*scenario_dirs, *(Path(d) for d in plan.scenario_dirs)])
    if plan.cell not in [c.name for c in scenario.cells]:
        why = f"the scenario {scenario.name} has no cell {plan.cell!r} any more"
        raise HarnessError(f"judge {folder}", why, "judge it with the version that recorded it")
    result = _by_whom(judge(folder, scenario, scenario.cell(plan.cell)))
    write_result(result, folder)
    render_run(folder)
    terminal.console().print(terminal.render_run(result))
    click.echo(terminal.closing_line(result.outcome, [result], folder))
    return exit_code([result], Signals())


def _by_whom(result: Result) -> Result:
    """The same code gives the same verdict; what another one says is told to be another one's."""
    then, here = result.provenance.get("commit", ""), commit()
    if then == here:
        return result
    warning = f"recorded by {then or 'a version without a commit'}, judged again by {here or 'one without a commit'}"
    return replace(result, warnings=(*result.warnings, warning))


def report(folder: Path) -> int:
    if not folder.exists():
        raise HarnessError(f"render {folder}", "there is no such folder", "run something first: deploydrill run")
    for path in render(folder):
        click.echo(str(path))
    return ExitCode.PASS


def compare(a: Path, b: Path, *, as_json: bool = False, summary: Path | None = None) -> int:
    """Print what changed from one judged run or campaign to another; the exit code says whether anything is worse."""
    document = comparison.compare(a, b)
    if as_json:
        click.echo(as_text(document), nl=False)
    else:
        terminal.console().print(render_comparison(document))
    if summary:
        summary.parent.mkdir(parents=True, exist_ok=True)
        summary.write_text(comparison_markdown(document), encoding="utf-8", errors="replace")
    counts = " ".join(f"{change}={document[change]}" for change in ("worse", "unknown", "better", "same"))
    alone = f"only_in_a={len(document['only_in_a'])} only_in_b={len(document['only_in_b'])}"
    click.echo(f"compared={len(document['cells'])} {counts} {alone}")
    return {"pass": ExitCode.PASS, "fail": ExitCode.FAIL, "unknown": ExitCode.UNKNOWN}[document["outcome"]]


def heal(dry_run: bool) -> int:
    healed = undo.heal(dry_run=dry_run)
    for one in healed:
        click.echo(f"{one.outcome}: {one.subject}: {one.said}")
    if not healed:
        click.echo("nothing to heal")
    return ExitCode.FAIL if any(h.outcome in ("failed", "refused") for h in healed) else ExitCode.PASS
