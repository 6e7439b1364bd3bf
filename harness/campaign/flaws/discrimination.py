"""A discrimination: the matrix of flaws and cells, what of it is done, and the folder that it is kept in."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from harness import __version__
from harness.campaign.campaign import Campaign, Progress, Turn, in_turn
from harness.campaign.flaws import classification
from harness.campaign.flaws.matrix import Matrix, Row
from harness.campaign.folder import stamp
from harness.campaign.options import Options
from harness.campaign.outside import Signals, check_room
from harness.campaign.provenance import host_facts, provenance
from harness.campaign.selection import Selected, kind_for
from harness.config.schema import VariantConfig
from harness.errors import HarnessError
from harness.host import undo
from harness.host.locks import locked
from harness.host.staging import STAGED
from harness.model import Result
from harness.recording.events import RecordingComplete, RunInterrupted
from harness.recording.recording import Recording
from harness.report.documents.derived import run_seconds
from harness.report.documents.discrimination import NAME, to_discrimination, write_discrimination
from harness.report.documents.result import NAME as RESULT
from harness.report.documents.result import read_document, read_result, to_document, write_result
from harness.report.render import render_missing, render_run


class Discrimination:
    """A matrix and what of it is done. Its folder has a folder for each row, and one in that for each run."""

    def __init__(self, matrix: Matrix, folder: Path, options: Options, kept: Mapping[str, Any]) -> None:
        self._matrix = matrix
        self._folder = folder
        self._options = options
        self._kept = kept
        self._provenance = provenance(matrix.config, options.command, __version__)
        self._warnings: list[str] = []
        self._results: dict[tuple[str, str], Result] = {}
        if (folder / NAME).exists():
            self._take_up(read_document(folder / NAME))
        self._write()

    def _take_up(self, earlier: Mapping[str, Any]) -> None:
        """What is finished counts; what was only begun is removed, first what it left outside its island."""
        then, ours = earlier["provenance"], self._provenance
        if then["system_hash"] != ours["system_hash"]:
            why = f"files of the system have changed since ({then['system_hash']}, now {ours['system_hash']})"
            raise HarnessError(f"resume {self._folder}", why, "its runs would be of two systems: start a new one")
        self._warnings = list(earlier["warnings"])
        if then["commit"] != ours["commit"]:
            self._warnings.append(f"begun by Deploydrill at {then['commit']}, resumed at {ours['commit']}")
        self._provenance = {**ours, **then, "started_utc": earlier["started_utc"]}
        undo.heal(below=self._folder)
        for row in self._matrix.rows:
            for selected in row.cells:
                run = self._folder / row.name / selected.run
                if (run / RESULT).exists():
                    self._results[row.name, selected.run] = read_result(run)
                else:
                    shutil.rmtree(run, ignore_errors=True)
            for torn in (self._folder / row.name).glob(STAGED):
                shutil.rmtree(torn)

    def go_on(self, signals: Signals, progress: Progress) -> None:
        """Make every run that has no result yet. One that a signal broke off is as if it had never begun."""
        rows = {row.name: row for row in self._matrix.rows}
        campaigns = {row.name: Campaign(row.options, signals, progress, row.cells, row.name) for row in rows.values()}
        turns = [
            Turn(campaigns[row.name], selected, self._folder / row.name)
            for row in rows.values()
            for selected in row.cells
            if (row.name, selected.run) not in self._results
        ]
        jobs = next(iter(campaigns.values())).jobs
        progress.note(f"{len(turns)} of {sum(len(r.cells) for r in rows.values())} runs to make; in {self._folder}")
        with closing(in_turn(turns, jobs, signals)) as runs:
            for turn, result, folder in runs:
                if signals.stop and _broken_off(folder):
                    shutil.rmtree(folder)
                    continue
                write_result(result, folder)
                if turn.campaign.alone(turn.selected):
                    render_run(folder, fork=True)
                row = rows[turn.campaign.row]
                self._results[row.name, turn.selected.run] = result
                shown = self._shown(row, turn.selected)
                if shown.mark in ("caught", "quiet", "red", "green") and not self._options.keep:
                    shutil.rmtree(folder / "artefacts", ignore_errors=True)
                progress.note(f"{shown.mark}: {turn.campaign.called(turn.selected)}")
                self._write()

    def finish(self) -> Mapping[str, Any]:
        """The document, once all that is judged is rendered; also what an earlier command did not come to render."""
        render_missing(self._folder / row / run for row, run in self._results)
        self._write()
        return read_document(self._folder / NAME)

    def _shown(self, row: Row, selected: Selected) -> classification.Shown:
        meant = self._matrix.meant(row, selected.name)
        result = self._results.get((row.name, selected.run))
        shown = classification.Shown(
            row=row.name,
            kind=row.kind,
            flaws=row.options.flaws,
            scenario=selected.scenario.name,
            cell=selected.cell.name,
            seed=row.options.seed,
            expected="green" if row.kind == "clean" else "red" if meant else "",
            outcome=result.outcome if result else None,
            mark="not run",
        )
        if result is None:
            return shown
        marked = classification.mark(row.kind, meant, result)
        path, seconds = f"{row.name}/{selected.run}", run_seconds(to_document(result))
        return replace(shown, **asdict(marked), path=path, seconds=seconds)

    def _write(self) -> None:
        runs = [self._shown(row, selected) for row in self._matrix.rows for selected in row.cells]
        document = to_discrimination(
            outcome=classification.verdict(runs),
            system=self._matrix.config.name,
            seed=self._options.seed,
            flaws=[_flaw(f, runs) for f in self._matrix.flaws],
            cells=[s.name for s in self._matrix.cells],
            runs=[asdict(r) for r in runs],
            detection=[asdict(t) for t in classification.tallies(runs, "flaw")],
            false_alarms=[asdict(t) for t in classification.tallies(runs, "clean")],
            left_out=self._matrix.left_out,
            warnings=self._warnings,
            options=self._kept,
            host=host_facts(kind_for(self._matrix.config), self._matrix.config.service.attach),
            provenance=self._provenance,
        )
        write_discrimination(document, self._folder)


def _flaw(flaw: VariantConfig, runs: list[classification.Shown]) -> dict[str, Any]:
    """The flaw with what became of its own runs: caught is one that every cell meant for it caught."""
    own = [r for r in classification.expected(runs) if r.kind == "flaw" and r.flaws == (flaw.name,)]
    worst = min(own, key=lambda r: classification.rank(r.mark), default=None)
    return {
        "name": flaw.name,
        "about": flaw.about,
        "shown_by": list(flaw.shown_by),
        "codes": list(flaw.codes),
        "where": dict(flaw.where),
        "observation": flaw.observation,
        "mark": worst.mark if worst else "not run",
        "sentence": worst.sentence if worst else "",
        "found": list(worst.codes) if worst else [],
        "caught": sum(r.mark == "caught" for r in own),
        "runs": len(own),
    }


def _broken_off(folder: Path) -> bool:
    recording = Recording(folder)
    whole = any(True for _ in recording.of(RecordingComplete))
    return not whole or any(True for _ in recording.of(RunInterrupted))


def begun(out: Path, matrix: Matrix) -> Path:
    """A folder under its own name from the beginning: it is there to be gone on with, whatever happens."""
    check_room(out)
    seed = matrix.rows[0].options.seed
    folder = out / f"{stamp()}-discriminate-{matrix.config.name}-{seed}"
    try:
        folder.mkdir()
    except FileExistsError:
        why = "another one began there in this very second"
        raise HarnessError(f"make {folder}", why, "start it again") from None
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """The lock on the folder; the kernel takes it back from whoever dies with it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if not locked(descriptor):
            raise HarnessError(f"go on in {folder}", "another deploydrill is at it", "wait for it, or end it")
        yield
    finally:
        os.close(descriptor)


def found(resume: str, out: Path) -> Path:
    """The folder meant by --resume."""
    if resume == "latest":
        known = sorted(path.parent for path in out.glob(f"*/{NAME}") if not path.parent.is_symlink())
        if known:
            return known[-1]
        raise HarnessError("resume the latest discrimination", f"there is none in {out}", "name its folder, or --out")
    folder = Path(resume)
    if not (folder / NAME).exists():
        why = f"there is no {NAME} in it" if folder.exists() else "there is no such folder"
        raise HarnessError(f"resume {resume}", why, "name the folder of a discrimination, or: --resume latest")
    return folder.resolve()


def refuse_others(folder: Path, earlier: Mapping[str, Any], ours: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """What is given again must be what it was, or its results would be of two different things; rounds may be more."""
    then = earlier["options"]
    other = [
        spelled
        for name, spelled in given.items()
        if (ours[name] < then[name] if name == "clean" else ours[name] != then[name])
    ]
    if other:
        why = f"{', '.join(other)} would make it something else than was begun"
        hint = f"leave {'it' if len(other) == 1 else 'them'} out, or start a new one without --resume"
        raise HarnessError(f"resume {folder}", why, hint)
