"""A report as pandas DataFrames: samples, operations, phases, findings, claims, measurements and resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from harness.model import NS
from harness.recording.recording import Recording
from harness.recording.samples import (
    CHANNELS,
    FLAG_FRESH,
    FLAG_KNOWN,
    FLAG_SLOW,
    FLAG_STRANGE,
    FLAG_WRITE,
    OUTCOMES,
    SampleFile,
)
from harness.report.data.opened import Report, open_report
from harness.report.data.tables import CLAIMS, FINDINGS, MEASUREMENTS, OPERATIONS, PHASES, Table
from harness.report.documents.result import NAME, read_document

_RUN = ("run", "scenario", "cell")
_SAMPLES = (
    "source",
    "channel",
    "request",
    "intended_s",
    "sent_s",
    "end_s",
    "latency_ms",
    "outcome",
    "status",
    "write",
    "fresh",
    "slow",
    "known",
    "strange",
)
_RESOURCES = (
    "t_s",
    "cpu_percent",
    "load1",
    "mem_available_bytes",
    "sut_rss_bytes",
    "rx_bytes",
    "tx_bytes",
)
_IN_BYTES = ("mem_available", "sut_rss", "rx", "tx")


class Frames:
    """DataFrames over all runs of a report, each made when it is first asked for.

    Every row says whose it is: ``run`` (its folder), ``scenario``, ``cell``. Times ending in ``_s`` are seconds since
    the run's first event, so that rows of one run can be laid beside each other.
    """

    def __init__(self, report: Report) -> None:
        self._report = report

    @cached_property
    def findings(self) -> pd.DataFrame:
        """One row a finding; ``details`` are mappings, as the code declares them."""
        return self._table(FINDINGS)

    @cached_property
    def claims(self) -> pd.DataFrame:
        """One row a claim and a run; ``limit``, ``min``, ``median``, ``max`` and ``resolution`` are in ``unit``."""
        return self._table(CLAIMS)

    @cached_property
    def measurements(self) -> pd.DataFrame:
        """One row a measured value; ``value`` and ``resolution`` are in ``unit``."""
        return self._table(MEASUREMENTS)

    @cached_property
    def operations(self) -> pd.DataFrame:
        """One row an operation of the kit; ``seconds`` are its own, without the ``gate_s`` the harness held it."""
        return self._table(OPERATIONS)

    @cached_property
    def phases(self) -> pd.DataFrame:
        """One row a phase of an operation; of ``stop_s`` less ``start_s`` the harness held it for ``gate_s``."""
        return self._table(PHASES)

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row a request of load and prober. ``latency_ms`` counts from when it was due (``intended_s``) to
        ``end_s``; ``outcome`` is one of ok, http_error, refused, reset, timeout, unfinished."""
        parts = [
            _samples(file, recording.log.start.mono_ns).assign(**dict(zip(_RUN, own)))
            for own, recording in self._recordings()
            for file in (*recording.samples.load, *recording.samples.probe)
            if len(file.records)
        ]
        columns = [*_RUN, *_SAMPLES]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    @cached_property
    def resources(self) -> pd.DataFrame:
        """One row a sample of the resource meter (four a second): CPU in percent, memory, disks and network in bytes,
        ``disk_used_NAME_bytes`` for each disk, ``NAME_cpu_percent`` for each watched process."""
        rows = [
            {**dict(zip(_RUN, own)), **_resources(row, recording.log.start.mono_ns)}
            for own, recording in self._recordings()
            for row in recording.samples.resources
        ]
        more = dict.fromkeys(name for row in rows for name in row if name not in (*_RUN, *_RESOURCES))
        return pd.DataFrame(rows, columns=[*_RUN, *_RESOURCES, *more])

    def _table(self, table: Table) -> pd.DataFrame:
        rows = [row for document in self._documents() for row in table.rows(document)]
        return pd.DataFrame(rows, columns=list(table.columns))

    def _documents(self) -> Iterator[dict[str, Any]]:
        for name, folder in self._report.runs.items():
            yield {**read_document(folder / NAME), "run": name}

    def _recordings(self) -> Iterator[tuple[tuple[str, str, str], Recording]]:
        """Those that recorded anything, with the values of the columns that say whose a row is."""
        for name, recording in self._report.recordings.items():
            if recording.events:
                result = self._report.results[name]
                yield (name, result.scenario, result.cell), recording


def frames(report: Report | str | Path) -> Frames:
    """The DataFrames of a report, as ``open_report`` gives it, or of its folder."""
    return Frames(report if isinstance(report, Report) else open_report(report))


def _samples(file: SampleFile, start_ns: int) -> pd.DataFrame:
    records = file.records
    flags = records["flags"]
    return pd.DataFrame(
        {
            "source": file.worker,
            "channel": pd.Series(CHANNELS, dtype="str").to_numpy()[records["channel"]],
            "request": pd.Series(file.operations, dtype="str").to_numpy()[records["operation"]],
            "intended_s": (records["intended_ns"] - start_ns) / NS,
            "sent_s": (records["sent_ns"] - start_ns) / NS,
            "end_s": (records["end_ns"] - start_ns) / NS,
            "latency_ms": (records["end_ns"] - records["intended_ns"]) / 1e6,
            "outcome": pd.Series(OUTCOMES, dtype="str").to_numpy()[records["outcome"]],
            "status": records["status"],
            "write": (flags & FLAG_WRITE) != 0,
            "fresh": (flags & FLAG_FRESH) != 0,
            "slow": (flags & FLAG_SLOW) != 0,
            "known": (flags & FLAG_KNOWN) != 0,
            "strange": (flags & FLAG_STRANGE) != 0,
        }
    )


def _resources(row: Mapping[str, Any], start_ns: int) -> dict[str, Any]:
    named = {f"{name}_bytes" if name in _IN_BYTES else name: value for name, value in row.items()}
    disks = named.pop("disk_used", {})
    named["t_s"] = (named.pop("t") - start_ns) / NS
    return {**named, **{f"disk_used_{name}_bytes": used for name, used in disks.items()}}
