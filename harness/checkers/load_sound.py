"""The load was a load: steady, complete, on time, and the server counted what the clients sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from harness.checkers.stated import deadline_ms
from harness.model import NS, Verdict
from harness.recording.recording import Recording
from harness.stats.downtime import bad_mask, within
from harness.stats.soundness import count_reasons, reasons

_LONGEST_SILENCE_NS = 2 * NS


@dataclass(frozen=True, slots=True)
class LoadSound:
    """Never fails a system: an unsound load makes everything measured with it unknown."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "load_sound"
    requirement: ClassVar[str] = ""

    def check(self, recording: Recording) -> list[Verdict]:
        why = [*recording.problems, *_not_steady(recording)]
        if recording.measured_ns != (0, 0):
            why += [*reasons(recording, deadline_ms(recording)), *_silences(recording), *_counts(recording)]
        sent = sum(len(f.records) for f in (*recording.load_samples, *recording.probe_samples))
        start_ns, stop_ns = recording.measured_ns
        measured = f"{sent} requests, {(stop_ns - start_ns) / NS:.1f} s measured"
        if why:
            return [Verdict("unknown", "the load", measured, "; ".join(dict.fromkeys(why)), self.requirement)]
        said = "steady and on time, every request accounted for"
        return [Verdict("pass", "the load", measured, said, self.requirement)]


def _not_steady(recording: Recording) -> list[str]:
    found = [f"the load never became steady: {e['why']}" for e in recording.of_kind("load.unsteady")]
    if recording.measured_ns == (0, 0) and not found:
        found.append("there is no time from steady load to its end")
    return found + [
        f"the load did not end well: {e['why']}" for e in recording.of_kind("load.stopped") if not e["clean"]
    ]


def _silences(recording: Recording) -> list[str]:
    """Stretches in which the load sent nothing, or at the end of which nothing was answered any more."""
    start_ns, stop_ns = recording.measured_ns
    found: list[str] = []
    for who, files in (("load", recording.load_samples), ("prober", recording.probe_samples)):
        records = within(np.concatenate([f.records for f in files]), (start_ns, stop_ns)) if files else None
        if records is None:
            continue
        moments = np.concatenate(([start_ns], np.sort(records["sent_ns"]), [stop_ns]))
        longest_ns = int(np.diff(moments).max())
        if longest_ns > _LONGEST_SILENCE_NS:
            found.append(f"the {who} sent nothing for {longest_ns / NS:.1f} s")
    limit_ms = deadline_ms(recording)
    if recording.probe_samples:
        probes = within(np.concatenate([f.records for f in recording.probe_samples]), (start_ns, stop_ns))
        good = probes["end_ns"][~bad_mask(probes, limit_ms)]
        silent_ns = stop_ns - int(good.max(initial=start_ns))
        if silent_ns > limit_ms * 1e6 / 2:
            found.append(f"no probe was answered in the last {silent_ns / NS:.2f} s of the load")
    return found


def _counts(recording: Recording) -> list[str]:
    found: list[str] = []
    for event in recording.of_kind("server.count"):
        files = recording.probe_samples if "probe" in event["marker"] else recording.load_samples
        found += count_reasons(files, int(event["requests"]))
    return found
