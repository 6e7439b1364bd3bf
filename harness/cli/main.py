"""The command line: verbs to calls, no logic. What a verb needs is imported by its function, so that each starts at
once, and ``--help`` and a usage error without any of it."""

from __future__ import annotations

import errno
import math
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from harness import __version__
from harness.errors import ExitCode, HarnessError
from harness.host.checkout import REPORTS
from harness.host.sizes import parse_size
from harness.report.documents.clean import clean

# What the host says when it is full, or will not be written to: no bug of ours.
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)


class Size(click.ParamType[int]):
    """``100MB``, ``64m``: bytes."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else parse_size(value)
        except HarnessError as error:
            self.fail(f"{value!r} {error.why}: {error.hint}", param, ctx)


class Duration(click.ParamType[float]):
    """``90``, ``90s``, ``20m``, ``1h``: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value)
        unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:], 0.0)
        try:
            seconds = float(text[:-1]) * unit if unit else float(text)
        except ValueError:
            seconds = 0.0
        if not 0 < seconds < math.inf:  # nan neither
            self.fail(f"{text!r} is not a duration such as 90s or 20m", param, ctx)
        return seconds


_system = click.option(
    "--system", default="hardened", metavar="NAME|PATH", help="Bundled system, or a system.toml or its folder."
)
_dirs = click.option(
    "--scenarios",
    "scenario_dirs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Also load scenarios from here.",
)
_out = click.option(
    "--out",
    type=click.Path(path_type=Path, resolve_path=True),
    default=REPORTS,
    show_default="reports/",
    help="Where reports are written.",
)


class _NobodyReads(Exception):
    """Whoever read our output has seen enough, as `| head` does."""


class _Verbs(click.Group):
    """Tells a closed pipe apart from somebody's sys.exit: click makes the one into the other."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise _NobodyReads from error


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80})
@click.version_option(__version__, prog_name="deploydrill")
def deploydrill() -> None:
    """Rehearse a deployment under real load and real failures, and compare what
    was measured with what was claimed.

    Exit: 0 all pass, 1 something failed, 3 unknown, 64 usage, 69 this host
    cannot, 70 our bug, 130/143 interrupted. The last line of stdout is
    outcome=pass|fail|unknown.
    """


@deploydrill.command()
@click.argument("scenarios", nargs=-1, metavar="[SYSTEM] [SCENARIO[:CELL]]...")
@_system
@_dirs
@click.option(
    "--failed",
    is_flag=False,
    flag_value="",
    metavar="[FOLDER]",
    help="Run again, as they were, the cells that did not pass in that report [default: latest].",
)
@click.option("--tier", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Same seed, same plan.")
@click.option("--repeat", type=click.IntRange(1, 1000), help="Measured rounds of timing cells.")
@click.option("--size", "size_bytes", type=Size(), default="20MB", show_default=True, help="Seed data of the system.")
@click.option("--flaw", "--variant", "flaws", multiple=True, help="Switch a variant of the system on.")
@click.option("--users", type=click.IntRange(1, 10_000), help="Concurrent users of the load.")
@_out
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Also write JUnit XML to this file.")
@click.option(
    "--summary", type=click.Path(path_type=Path, dir_okay=False), help="Also write the Markdown summary to this file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")
@click.option("--no-live", is_flag=True, help="One line an event instead of the live view.")
@click.option("--deadline", "deadline_s", type=Duration(), default="20m", show_default=True, help="Limit of one run.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Runs side by side [default: 2]; those that time are alone.")
@click.option("--fail-fast", is_flag=True, help="Begin no more runs once one has failed.")
@click.option(
    "--retry-late",
    type=click.IntRange(0, 10),
    default=1,
    show_default=True,
    help="So often, at the end, run again what is unknown only because the harness was late.",
)
@click.option("--keep", is_flag=True, help="Keep the system's data also of runs that pass.")
@click.option("--dry-run", is_flag=True, help="Print the plan, run nothing.")
def run(
    out: Path,
    junit: Path | None,
    summary: Path | None,
    as_json: bool,
    no_live: bool,
    dry_run: bool,
    failed: str | None,
    **options: Any,
) -> int:
    """Run scenarios on a system, judge and report.

    Without SCENARIO: every cell of the tier. A word that no scenario is called
    by names the system, as after --system.
    """
    from harness.campaign.options import Options
    from harness.campaign.rerun import RERUN_KEYS
    from harness.campaign.selection import system_among
    from harness.cli import rehearsals

    named, options["scenarios"] = system_among(options["scenarios"], options["scenario_dirs"])
    if named and _given(["system"]):
        raise click.UsageError(f"the system is named twice: {named} and --system {options['system']}")
    options["system"] = named or options["system"]
    return rehearsals.run(
        Options(**options, command=_command_line()),
        out=out,
        junit=junit,
        summary=summary,
        as_json=as_json,
        live=not no_live,
        dry_run=dry_run,
        failed=failed,
        given=list(_given(("scenarios", *RERUN_KEYS, "tier")).values()),
    )


@deploydrill.command(short_help="Show that each flaw of a system is caught, and nothing else.")
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO[:CELL]]...")
@_system
@_dirs
@click.option("--flaw", "flaws", multiple=True, help="Only this flaw [default: every variant with shown_by].")
@click.option("--clean", type=click.IntRange(0, 1000), default=1, show_default=True, help="Rounds without a flaw.")
@click.option("--all-cells", is_flag=True, help="Each flaw in every cell, also in those not meant for it.")
@click.option("--resume", metavar="FOLDER|latest", help="Go on with one, as it was begun; --clean may be more.")
@click.option("--tier", type=click.Choice(["quick", "full"]), default="quick", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="Clean rounds take this one and the next.")
@click.option("--repeat", type=click.IntRange(1, 1000), help="Measured rounds of timing cells.")
@click.option("--size", "size_bytes", type=Size(), default="20MB", show_default=True, help="Seed data of the system.")
@click.option("--users", type=click.IntRange(1, 10_000), help="Concurrent users of the load.")
@_out
@click.option("--json", "as_json", is_flag=True, help="Print the matrix as JSON on stdout.")
@click.option("--no-live", is_flag=True, help="One line an event instead of the live view.")
@click.option("--deadline", "deadline_s", type=Duration(), default="20m", show_default=True, help="Limit of one run.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Runs side by side [default: 2]; those that time are alone.")
@click.option("--keep", is_flag=True, help="Keep the system's data also of runs that are as expected.")
@click.option("--dry-run", is_flag=True, help="Print the rows of the matrix, run nothing.")
def discriminate(
    clean: int,
    all_cells: bool,
    resume: str | None,
    out: Path,
    as_json: bool,
    no_live: bool,
    dry_run: bool,
    **options: Any,
) -> int:
    """Show that each flaw of a system is caught, and nothing else.

    Switches each flaw on alone in the cells that must show it, none at all in
    every cell, and all at once. A flaw is a variant with shown_by and
    codes. Exit 1 when one escapes or a run without a flaw is red.
    Without SCENARIO: the cells of the flaws named, else the whole tier.
    """
    from harness.campaign.options import Options
    from harness.campaign.rerun import RERUN_MATRIX_KEYS
    from harness.cli import discriminate as discrimination

    return discrimination.discriminate(
        Options(**options, command=_command_line()),
        clean,
        all_cells,
        out=out,
        resume=resume,
        as_json=as_json,
        live=not no_live,
        dry_run=dry_run,
        given=_given(RERUN_MATRIX_KEYS),
    )


@deploydrill.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def doctor(as_json: bool) -> int:
    """Say what this host can do, and how to get what it cannot."""
    from harness.cli import housekeeping

    return housekeeping.doctor(as_json)


@deploydrill.command("list", short_help="List scenarios, cells, systems and variants.")
@_system
@_dirs
def list_(system: str, scenario_dirs: Sequence[Path]) -> int:
    """List scenarios with their cells, bundled systems and the system's variants."""
    from harness.cli import catalogue

    return catalogue.list_all(system, scenario_dirs)


@deploydrill.command(short_help="Say what a scenario does, or what a finding means.")
@click.argument("name", metavar="SCENARIO|CODE")
@_dirs
def explain(name: str, scenario_dirs: Sequence[Path]) -> int:
    """Say what a scenario does, where its faults land, and what judges it; or
    what a finding means, what causes it and what to try, by its code such as
    data.acknowledged_lost.
    """
    from harness.cli import catalogue

    return catalogue.explain(name, scenario_dirs)


@deploydrill.command(short_help="Write a first system.toml for a directory.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
def init(folder: Path) -> int:
    """Look at a directory and write a first system.toml into it, every key with a comment.

    One that is there is left alone.
    """
    from harness.cli import housekeeping

    return housekeeping.init(folder)


@deploydrill.command(short_help="Try what a system.toml promises, operation by operation.")
@click.argument("named", metavar="[SYSTEM]", required=False)
@_system
@_dirs
@click.option("--size", "size_bytes", type=Size(), default="20MB", show_default=True, help="Seed data of the system.")
@click.option("--flaw", "--variant", "flaws", multiple=True, help="Switch a variant of the system on.")
@click.option("--users", type=click.IntRange(1, 10_000), help="Concurrent users of the load.")
@click.option("--probes-only", is_flag=True, help="Only read: no write, no operation of the kit.")
@_out
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def verify(out: Path, as_json: bool, named: str | None, probes_only: bool, **options: Any) -> int:
    """Try what a system.toml promises, operation by operation, without faults.

    SYSTEM is a bundled system, or a system.toml or its folder, as after --system.

    Each line is ok, wrong (exit 1), or not provided or not seen (exit 3), with
    what to try. Then, for each scenario: whether it can be rehearsed on this
    system and this host, and what it would need.
    """
    from harness.campaign.options import Options
    from harness.cli import rehearsals

    if named is not None:
        if _given(["system"]):
            raise click.UsageError(f"the system is named twice: {named} and --system {options['system']}")
        options["system"] = named
    return rehearsals.verify(Options(**options, command=_command_line()), out, as_json, probes_only)


@deploydrill.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--scenarios",
    "scenario_dirs",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Also look here for checkers of your own.",
)
def judge(folder: Path, scenario_dirs: Sequence[Path]) -> int:
    """Judge a recorded run again, from its recording alone.

    No scenario is needed. A checker of your own whose file is not as it was
    when the run was made is an unknown.
    """
    from harness.cli import reports

    return reports.judge_again(folder, scenario_dirs)


@deploydrill.command(short_help="Render a report again from its recording.")
@click.argument("folder", type=click.Path(path_type=Path), default=REPORTS / "latest")
def report(folder: Path) -> int:
    """Render the files of a report again from result.json and the recording."""
    from harness.cli import reports

    return reports.report(folder)


@deploydrill.command(short_help="Say what changed from one report to another.")
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.option(
    "--summary", type=click.Path(path_type=Path, dir_okay=False), help="Also write it as Markdown to this file."
)
def compare(a: Path, b: Path, as_json: bool, summary: Path | None) -> int:
    """Compare two reports, each the folder of a run or of a campaign, cell by
    cell: outcomes, claims and measured times, A before B.

    What was not the same to begin with (system, seed, size, disks, host) comes
    first. Exit: 0 nothing is worse, 1 a check or a claim fails that did not,
    3 something is unknown or in only one of them, 64 usage.
    """
    from harness.cli import reports

    return reports.compare(a, b, as_json=as_json, summary=summary)


@deploydrill.command("clean", short_help="Remove the oldest reports.")
@click.option("--keep", type=click.IntRange(1), default=10, show_default=True, help="How many of the newest stay.")
@_out
@click.option("--dry-run", is_flag=True, help="Say what would be removed.")
def clean_(keep: int, out: Path, dry_run: bool) -> int:
    """Remove the oldest finished reports beyond the newest KEEP.

    What latest points to stays, and so do runs under way and a discrimination
    that is not finished.
    """
    from harness.cli import housekeeping

    return housekeeping.clean(keep, out, dry_run)


@deploydrill.command()
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@click.option("--check", is_flag=True, help="Do nothing; exit 1 if anything is left.")
def heal(dry_run: bool, check: bool) -> int:
    """Undo what a crashed run left outside its island. Safe beside a live run.

    With --check it is the last step of a CI job: nothing is left, or exit 1.
    """
    from harness.cli import housekeeping

    return housekeeping.heal(dry_run, check)


def _given(names: Sequence[str]) -> dict[str, str]:
    """Which of these options and arguments stand on the command line, and how they are written there."""
    context = click.get_current_context()
    command_line = click.core.ParameterSource.COMMANDLINE
    spelled = {p.name: p.opts[0] if isinstance(p, click.Option) else "SCENARIO" for p in context.command.params}
    return {
        n: spelled[n] for n in names if context.get_parameter_source(n) is command_line and context.params.get(n) != ()
    }


def _command_line() -> str:
    return " ".join(["deploydrill", *sys.argv[1:]])


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point: every way out has its exit code, and an error its one clear message on stderr."""
    code: int
    try:
        code = deploydrill.main(args=None if arguments is None else list(arguments), standalone_mode=False) or 0
    except click.exceptions.Exit as exit_:
        code = exit_.exit_code
    except click.ClickException as error:
        where = getattr(error, "ctx", None)  # click says it for wrong usage only: which verb it was
        path = where.command_path if where else "deploydrill"
        click.echo(f"deploydrill: {clean(error.format_message())}\ntry: {path} --help", err=True)
        code = ExitCode.USAGE
    except click.Abort:
        code = ExitCode.INTERRUPTED
    except HarnessError as error:
        click.echo(f"deploydrill: {clean(str(error))}", err=True)
        code = error.code
    except _NobodyReads:
        # What is still buffered must not be complained about at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.UNKNOWN
    except SystemExit as error:  # click ends with an exit code instead: somebody else's code called sys.exit
        click.echo(f"deploydrill: this is our bug: something called exit({error.code})", err=True)
        code = ExitCode.OUR_BUG
    except OSError as error:
        if error.errno in _CANNOT_WRITE:
            click.echo(
                f"deploydrill: write a file: {error.strerror}: {str(error.filename or 'which one is not known')!r}\n"
                "try: again with free space there, or another place (--out, --junit, --summary)",
                err=True,
            )
            code = ExitCode.HOST_CANNOT
        else:
            code = _our_bug(error)
    except Exception as error:  # noqa: BLE001 - our own bug; the traceback is for us, the sentence for the person
        code = _our_bug(error)
    sys.exit(int(code))


def _our_bug(error: Exception) -> ExitCode:
    if os.environ.get("DEPLOYDRILL_TRACEBACK"):
        traceback.print_exc()
    click.echo(
        f"deploydrill: this is our bug: {type(error).__name__}: {clean(str(error))}\n"
        "try: again with DEPLOYDRILL_TRACEBACK=1, and send us what it prints",
        err=True,
    )
    return ExitCode.OUR_BUG
