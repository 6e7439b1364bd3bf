"""The folder of a campaign below ``reports/``: staged under a hidden name, named once it is whole, found as latest."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Generator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from harness.campaign import rerun
from harness.campaign.campaign import Campaign, Ended, late_alone
from harness.campaign.outside import check_room
from harness.host import staging, undo
from harness.host.clock import now
from harness.model import NS, Result
from harness.report.documents.campaign import write_campaign
from harness.report.documents.result import write_result
from harness.report.render import get_ready, render_campaign, render_missing, render_run

# Below the folder of a campaign: runs that were made again, one folder an attempt.
ATTEMPTS = "attempts"


def stamp() -> str:
    """The second it is, in UTC: what names of folders begin with."""
    return datetime.fromtimestamp(now().wall_ns / NS, UTC).strftime("%Y%m%dT%H%M%S")


def rehearse(campaign: Campaign, out: Path) -> tuple[Path, list[Result]]:
    """Every run of the campaign; the folder gets its name only once it is finished."""
    check_room(out)
    log = undo.UndoLog()
    folder, staged, record = _staged(out, f"{stamp()}-{campaign.name}", log)
    ended: dict[str, tuple[Result, Path]] = {}
    if len(campaign.selected) == 1:
        # While the load of the only run becomes steady nothing is measured, and a core is idle.
        campaign.meanwhile = get_ready
    earlier: list[tuple[Result, Path]] = []
    _end(campaign, campaign.results(staged), ended)
    for _ in range(campaign.options.retry_late):
        earlier += _again(campaign, staged, ended)
    results = [ended[s.run] for s in campaign.selected if s.run in ended]
    write_campaign(
        staged,
        results,
        outcome=campaign.outcome([r for r, _ in results]),
        reproduce=campaign.options.command,
        options=rerun.rerun_options(campaign.options, campaign.config.file),
        not_run=campaign.not_run([r for r, _ in results]),
        earlier=earlier,
    )
    hurry = campaign.signals.stop  # whoever sent it may kill us next: a page can be rendered again from what is there
    made = [run_folder for _, run_folder in (*ended.values(), *earlier)]
    if not hurry:
        render_missing(made)
    render_campaign(staged, runs_too=False)
    staged.rename(folder)
    log.done(record)
    point_latest(out, folder)
    if hurry:
        render_missing(folder / run_folder.relative_to(staged) for run_folder in made)
    return folder, [r for r, _ in results]


def _end(campaign: Campaign, runs: Generator[Ended, None, None], ended: dict[str, tuple[Result, Path]]) -> None:
    """Make the runs, and keep each result beside what it was judged from; ``ended`` has them by their names."""
    with closing(runs):
        for selected, result, run_folder in runs:
            write_result(result, run_folder)
            if result.outcome == "pass" and not campaign.options.keep:
                shutil.rmtree(run_folder / "artefacts", ignore_errors=True)
            if campaign.alone(selected):
                render_run(run_folder, fork=True)
            ended[selected.run] = (result, run_folder)


def _again(campaign: Campaign, staged: Path, ended: dict[str, tuple[Result, Path]]) -> list[tuple[Result, Path]]:
    """Run again what is unknown only because the harness was late: the new attempt takes the place of the one before,
    which goes below ``attempts`` and is given back. One that was never begun leaves all as it was."""
    late = [s for s in campaign.selected if s.run in ended and late_alone(ended[s.run][0])]
    if not late or campaign.signals.stop:
        return []
    before = {selected.run: ended.pop(selected.run) for selected in late}
    moved = {run: _out_of_the_way(run_folder, staged) for run, (_, run_folder) in before.items()}
    _end(campaign, campaign.results(staged, late), ended)
    for run in [run for run in before if run not in ended]:
        moved.pop(run).rename(before[run][1])
        ended[run] = before[run]
    if not any((staged / ATTEMPTS).iterdir()):
        (staged / ATTEMPTS).rmdir()
    return [(before[run][0], place) for run, place in moved.items()]


def _out_of_the_way(run_folder: Path, staged: Path) -> Path:
    """The folder of an attempt that is made again, moved to ``attempts/<run>-<number>``."""
    places = (staged / ATTEMPTS / f"{run_folder.name}-{number}" for number in itertools.count(1))
    place = next(p for p in places if not p.exists())
    place.parent.mkdir(exist_ok=True)
    return run_folder.rename(place)


def _staged(out: Path, name: str, log: undo.UndoLog) -> tuple[Path, Path, str]:
    """The folder a campaign will be, the one it is staged in (made now), and the undo record of that. Campaigns that
    began in the same second get a number."""
    for number in itertools.count(1):
        folder = out / (name if number == 1 else f"{name}-{number}")
        staged = staging.staged(folder)
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


def point_latest(out: Path, folder: Path) -> None:
    """``latest`` is the newest report from now on."""
    link = out / f".latest-{os.getpid()}"
    link.symlink_to(folder.name)
    link.replace(out / "latest")
