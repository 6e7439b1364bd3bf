"""What ``doctor``, ``init``, ``clean`` and ``heal`` do: look at the host, draft a system.toml, remove what is old, undo
what was left."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from harness.campaign.retention import remove_beyond, reports
from harness.doctor import examine
from harness.errors import ExitCode
from harness.host import undo
from harness.host.sizes import size
from harness.report.documents.clean import one_line
from harness.scaffold.draft import left_to_do, write_draft


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


def init(folder: Path) -> int:
    """Write a first system.toml, say what was found and what is to be done."""
    file, found = write_draft(folder)
    for line in found.said:
        click.echo(f"found {one_line(line)}")
    click.echo(f"wrote {file}, its guesses marked as GUESS")
    for line in left_to_do(file):
        click.echo(f"to do: {one_line(line)}")
    click.echo(f"then: deploydrill verify --system {folder}")
    return ExitCode.PASS


def clean(keep: int, out: Path, dry_run: bool) -> int:
    """Remove the oldest reports beyond ``keep``, and say what became of each; exit 1 if one could not be removed."""
    before = len(reports(out))
    gone, freed, failed = 0, 0, False
    for one in remove_beyond(keep, out, dry_run):
        click.echo(f"{one.outcome}: {one.name} ({one.why or size(one.freed_bytes)})")
        gone += one.outcome in ("removed", "would remove")
        freed += one.freed_bytes
        failed = failed or one.outcome == "failed"
    told = f"{gone} of {before} reports in {out}, {size(freed)}"
    click.echo(f"would remove {told}" if dry_run else f"removed {told} freed")
    return ExitCode.FAIL if failed else ExitCode.PASS


def heal(dry_run: bool, check: bool = False) -> int:
    """``check``: nothing is undone, and what would be is a failure."""
    healed = undo.heal(dry_run=dry_run or check)
    for one in healed:
        click.echo(f"{one.outcome}: {one.subject}: {one.said}")
    if not healed:
        click.echo("nothing to heal")
    left = [h for h in healed if h.outcome not in ("live", "gone")]
    if check and left:
        click.echo(f"{len(left)} left behind: `deploydrill heal` undoes it")
        return ExitCode.FAIL
    return ExitCode.FAIL if any(h.outcome in ("failed", "refused") for h in healed) else ExitCode.PASS
