"""What ``judge``, ``report`` and ``compare`` do with what was recorded before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click

from harness.campaign.campaign import exit_code
from harness.campaign.outside import Signals
from harness.campaign.provenance import commit
from harness.errors import ExitCode, HarnessError
from harness.judge.judge import judge
from harness.model import Result
from harness.report.documents import comparison
from harness.report.documents.result import as_text, write_result
from harness.report.render import render, render_run
from harness.report.text import terminal
from harness.report.text.comparison import render_comparison
from harness.report.text.markdown import comparison_markdown


def judge_again(folder: Path, scenario_dirs: Sequence[Path]) -> int:
    """Judge one recorded run anew and render it; its folder keeps everything else."""
    if not (folder / "run.json").exists():
        raise HarnessError(
            f"judge {folder}", "there is no run.json in it", "name the folder of one run, not of a campaign"
        )
    try:
        result = _by_whom(judge(folder, scenario_dirs))
    except (ValueError, KeyError, TypeError) as error:
        why = f"its run.json is torn, or of another version ({type(error).__name__}: {error})"
        raise HarnessError(f"judge {folder}", why, "run it again: nothing else says what was to be done") from error
    write_result(result, folder)
    render_run(folder, fork=True)
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
    return ExitCode.of(document["outcome"])
