"""The load was a load: steady, complete, on time, and the server counted what the clients sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.checkers.core.phrases import count
from harness.judged.downtime import Records, bad_mask, within
from harness.judged.plan_values import deadline_ms
from harness.judged.soundness import count_reasons, reasons
from harness.model import NS, Verdict
from harness.recording.history import strays
from harness.recording.recording import Recording
from harness.recording.samples import FLAG_STRANGE, FLAG_WRITE

_LONGEST_SILENCE_NS = 2 * NS
# A stream of requests is silent when it pauses for so many times as long as it usually does.
_USUAL_GAPS = 20


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
        why += [*_strays(recording), *_hollow(recording)]
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
        f"the {kind.partition('.')[0]} did not end well: {e['why']}"
        for kind in ("load.stopped", "prober.stopped")
        for e in recording.of_kind(kind)
        if not e["clean"]
    ]


def _silences(recording: Recording) -> list[str]:
    """Stretches in which the load sent nothing, no reads or no writes, or at the end of which nothing was answered any
    more."""
    start_ns, stop_ns = recording.measured_ns
    found: list[str] = []
    limit_ms = deadline_ms(recording)
    patient_ns = max(_LONGEST_SILENCE_NS, 2 * limit_ms * 1e6)
    for who, files in (("load", recording.load_samples), ("prober", recording.probe_samples)):
        records = within(np.concatenate([f.records for f in files]), (start_ns, stop_ns)) if files else None
        if records is None:
            continue
        writes = (records["flags"] & FLAG_WRITE) != 0
        longest_ns = int(_gaps_ns(records, start_ns, stop_ns).max())
        if longest_ns > _LONGEST_SILENCE_NS:
            found.append(f"the {who} sent nothing for {longest_ns / NS:.1f} s")
            continue
        for what, stream in (("reads", records[~writes]), ("writes", records[writes])):
            gaps_ns = _gaps_ns(stream, start_ns, stop_ns)
            # Clients that wait for their answers send nothing while none comes, and some requests are rare on purpose.
            limit_ns = max(patient_ns, _USUAL_GAPS * float(np.median(gaps_ns)))
            if len(stream) and gaps_ns.max() > limit_ns:
                found.append(f"the {who} sent no {what} for {gaps_ns.max() / NS:.1f} s")
    if recording.probe_samples:
        probes = within(np.concatenate([f.records for f in recording.probe_samples]), (start_ns, stop_ns))
        good = probes["end_ns"][~bad_mask(probes, limit_ms)]
        silent_ns = stop_ns - int(good.max(initial=start_ns))
        if silent_ns > limit_ms * 1e6 / 2:
            found.append(f"no probe was answered in the last {silent_ns / NS:.2f} s of the load")
    return found


def _gaps_ns(records: Records, start_ns: int, stop_ns: int) -> npt.NDArray[np.int64]:
    """The times between requests, and those from the start to the first and from the last to the stop."""
    gaps_ns: npt.NDArray[np.int64] = np.diff(np.concatenate(([start_ns], np.sort(records["sent_ns"]), [stop_ns])))
    return gaps_ns


def _strays(recording: Recording) -> list[str]:
    """Senders that wrote to somebody else."""
    seen = {worker: n for look in recording.observations for worker, n in strays(look).items()}
    return [
        f"none of the {count(n, 'write')} acknowledged to {worker} was ever found, though others' were: somebody else "
        "answered it"
        for worker, n in seen.items()
    ]


def _hollow(recording: Recording) -> list[str]:
    """Probes that were answered, and not by the service."""
    found = [str(e["why"]) for e in recording.of_kind("load.hollow")]
    strange = sum(int(((f.records["flags"] & FLAG_STRANGE) != 0).sum()) for f in recording.probe_samples)
    if strange:
        told: Mapping[str, list[str]] = next(
            (e["contents"] for e in recording.of_kind("prober.stopped") if e.get("contents")), {}
        )
        kinds = "; ".join(f"{name}: {' after '.join(reversed(k))}" for name, k in told.items() if len(k) > 1)
        found.append(f"{count(strange, 'probe')} got another kind of content ({kinds}): is that a page of the front?")
    return found


def _counts(recording: Recording) -> list[str]:
    found: list[str] = []
    for event in recording.of_kind("server.count"):
        files = recording.probe_samples if "probe" in event["marker"] else recording.load_samples
        found += count_reasons(files, int(event["requests"]))
    return found
