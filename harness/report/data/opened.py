"""A report that is opened to be read: the folder of a run, of a campaign or of a discrimination."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import HarnessError
from harness.model import Result
from harness.recording.recording import Recording
from harness.report.documents import campaign, discrimination
from harness.report.documents.result import NAME, read_document, read_result


class Report:
    """What a folder below ``reports/`` holds, read when it is asked for. Runs are named as their folders are:
    ``baseline-once``, in a discrimination with their row before it (``clean-1/baseline-once``)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"open_report({str(self.folder)!r})"

    @cached_property
    def campaign(self) -> Mapping[str, Any] | None:
        """The content of campaign.json or discriminate.json; None for the folder of one run."""
        for name in (discrimination.NAME, campaign.NAME):
            if (self.folder / name).exists():
                return read_document(self.folder / name)
        return None

    @cached_property
    def runs(self) -> Mapping[str, Path]:
        """The folder of each judged run, by its name."""
        if self.campaign is None:
            return MappingProxyType({read_result(self.folder).run: self.folder})
        paths = [run["path"] for run in self.campaign["runs"] if run["path"]]
        return MappingProxyType({path: self.folder / path for path in paths})

    @cached_property
    def results(self) -> Mapping[str, Result]:
        """Each run as judged, by its name."""
        return MappingProxyType({name: read_result(folder) for name, folder in self.runs.items()})

    @property
    def result(self) -> Result:
        """The result of the only run; HarnessError (64) when there are several, or none."""
        if len(self.results) != 1:
            names = ", ".join(self.results) or "none"
            raise HarnessError(f"take the result of {self.folder}", f"its runs are: {names}", "ask for .results[NAME]")
        return next(iter(self.results.values()))

    @cached_property
    def recordings(self) -> Mapping[str, Recording]:
        """What each run recorded, by its name: events, samples, ledger, read-backs."""
        return MappingProxyType({name: Recording(folder) for name, folder in self.runs.items()})


def open_report(path: str | Path) -> Report:
    """The report in a folder such as ``reports/latest``; HarnessError (64) when there is none."""
    folder = Path(path)
    if not any((folder / name).exists() for name in (NAME, campaign.NAME, discrimination.NAME)):
        why = f"it holds no {NAME}, {campaign.NAME} or {discrimination.NAME}" if folder.exists() else "no such folder"
        raise HarnessError(f"open the report {folder}", why, "name a folder below reports/, such as reports/latest")
    return Report(folder.resolve())
