"""What the verb ``discriminate`` does: run the matrix of flaws and cells, and say what was caught."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from harness.campaign import rerun
from harness.campaign.flaws.discrimination import Discrimination, alone, begun, found, refuse_others
from harness.campaign.flaws.matrix import Matrix, plan_matrix
from harness.campaign.folder import point_latest
from harness.campaign.options import Options
from harness.campaign.outside import Signals
from harness.campaign.selection import kind_for, wall_s
from harness.config.reader import find_system
from harness.errors import ExitCode
from harness.host.checkout import BUNDLED
from harness.report.documents.discrimination import NAME
from harness.report.documents.result import read_document
from harness.report.render import PAGE, render_discrimination
from harness.report.text import terminal
from harness.report.text.live import LiveView


def discriminate(
    options: Options,
    clean: int,
    all_cells: bool,
    *,
    out: Path,
    resume: str | None = None,
    as_json: bool = False,
    live: bool = True,
    dry_run: bool = False,
    given: Mapping[str, str] | None = None,
) -> int:
    """Run no flaw ``clean`` times, each flaw alone and all at once; print what was caught; the exit code.

    ``resume``: the folder of one that was broken off, or ``latest``; ``given`` are the options on the command line.
    """
    signals = Signals()
    folder = None
    if resume is not None:
        folder = found(resume, out)
        earlier = read_document(folder / NAME)
        given = given or {}
        refuse_others(folder, earlier, rerun.matrix_options(options, _file(options), clean, all_cells), given)
        options, clean_then, all_cells = rerun.restore_options(earlier["options"], options)
        clean = clean if "clean" in given else clean_then
        options = replace(options, command=earlier["provenance"]["command"])
    matrix = plan_matrix(options, clean, all_cells)
    if dry_run:
        return _print_plan(matrix, options, clean)
    with LiveView(live=None if live else False) as view:
        signals.install()
        folder = folder or begun(out, matrix)
        with alone(folder):
            work = Discrimination(
                matrix, folder, options, rerun.matrix_options(options, matrix.config.file, clean, all_cells)
            )
            work.go_on(signals, view)
            document = work.finish()
            render_discrimination(folder, runs_too=False)
            point_latest(folder.parent, folder)
    if as_json:
        click.echo((folder / NAME).read_text())
    else:
        terminal.console().print(terminal.render_discrimination(document))
    if document["counts"]["not_run"]:
        click.echo(f"not run: {document['counts']['not_run']}; go on: deploydrill discriminate --resume {folder}")
    click.echo(terminal.discrimination_line(document, folder / PAGE))
    if signals.number is not None:
        return signals.exit_code
    return ExitCode.of(document["outcome"])


def _file(options: Options) -> Path:
    return find_system(options.system, BUNDLED)


def _print_plan(matrix: Matrix, options: Options, clean: int) -> int:
    config = matrix.config
    click.echo(f"{len(matrix.flaws)} flaws of {config.name}, {len(matrix.cells)} cells, {clean} times without a flaw")
    for row in matrix.rows:
        click.echo(f"{row.name} (seed {row.options.seed}): {', '.join(s.name for s in row.cells)}")
    for selected in matrix.cells:
        if selected.why_not:
            click.echo(f"UNKNOWN: {selected.name}: {selected.why_not}")
    for left in matrix.left_out:
        click.echo(f"left out: {left}")
    cells = [s.cell for row in matrix.rows for s in row.cells]
    jobs = 1 if kind_for(config) == "none" else options.jobs or min(2, len(os.sched_getaffinity(0)))
    click.echo(
        f"{len(cells)} runs, {sum(c.timing for c in cells)} of them alone for their times are claims, the others {jobs}"
        f" at a time: about {wall_s(cells, jobs) / 60:.0f} min by their budgets"
    )
    return ExitCode.PASS
