"""Whether the instruments of a run can be believed: what makes its numbers unsound, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import get_args

import numpy as np

from harness.judged.downtime import Records, bad_mask, by_channel, joined, within
from harness.model import NS, Instant, LedgerOutcome, Write
from harness.recording.outcomes import ledger_outcome
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS, FLAG_WRITE, OUTCOMES, SampleFile
from harness.stats.intervals import median

CPU_LIMIT_PERCENT = 80.0
CLOCK_STEP_S = 0.05
# The resource meter writes four rows a second; a second more without one, and it was not running.
STANDSTILL_S = 1.25
# Between two rows so many times as long as usual: it was kept from running.
_STALL = 1.5
# The instruments may disagree about less than this: at usual rates too few requests of the load fall into it.
_WITNESSES = 10
_MARGIN_NS = 50_000_000


def reasons(recording: Recording, deadline_ms: float) -> tuple[str, ...]:
    """Why this recording's load and probes are not to be trusted; empty when they are sound."""
    window = recording.measured_ns
    return (
        *sample_reasons(recording.load_samples, "load"),
        *sample_reasons(recording.probe_samples, "prober"),
        *started_reasons(recording),
        *ledger_reasons(recording.load_samples, [w for w in recording.writes if w.worker.startswith("load")], "load"),
        *ledger_reasons(recording.probe_samples, [w for w in recording.writes if w.worker == "probe"], "prober"),
        *lateness_reasons(joined(recording.probe_samples), deadline_ms, "prober"),
        *lateness_reasons(joined(recording.load_samples), deadline_ms, "load"),
        *cpu_reasons(recording.resources, window),
        *standstill_reasons(standstills(recording.resources), window),
        *clock_reasons([Instant(e["t"], e["w"]) for e in recording.events]),
        *agreement_reasons(
            within(joined(recording.load_samples), window),
            within(joined(recording.probe_samples), window),
            deadline_ms,
        ),
    )


def sample_reasons(files: Sequence[SampleFile], who: str) -> list[str]:
    """Missing or incomplete files, and requests that were due but could not be started."""
    if not files:
        return [f"there are no samples of the {who}"]
    found = [f"the samples of {f.worker} are incomplete" for f in files if not f.complete]
    dropped = sum(f.dropped for f in files)
    if dropped:
        found.append(f"the {who} could not start {dropped} requests that were due")
    if not sum(len(f.records) for f in files):
        found.append(f"the {who} sent nothing")
    return found


def started_reasons(recording: Recording) -> list[str]:
    """What each sender itself says it started, in its closing line, against the samples."""
    found: list[str] = []
    for who, kind, files in (
        ("load", "load.stopped", recording.load_samples),
        ("prober", "prober.stopped", recording.probe_samples),
    ):
        lines = [e for e in recording.of_kind(kind) if "started" in e and e.get("clean", True)]
        samples = sum(len(f.records) for f in files)
        found += [
            f"the {who} started {e['started']} requests, but what became of {samples} is recorded"
            for e in lines[-1:]
            if e["started"] != samples
        ]
    return found


def ledger_reasons(files: Sequence[SampleFile], writes: Sequence[Write], who: str) -> list[str]:
    """The ledger says what must not be lost, the samples what was sent: they must tell of the same writes."""
    sent = joined(files)
    pairs = sent[(sent["flags"] & FLAG_WRITE) != 0][["outcome", "status"]]
    sampled = Counter(ledger_outcome(OUTCOMES[int(outcome)], int(status)) for outcome, status in pairs)
    booked = Counter(w.outcome for w in writes)
    return [
        f"of the {who}'s writes the ledger holds {booked[outcome]} {outcome}, the samples {sampled[outcome]}"
        for outcome in get_args(LedgerOutcome)
        if booked[outcome] != sampled[outcome]
    ]


def lateness_reasons(records: Records, deadline_ms: float, who: str) -> list[str]:
    """A sender that is late by a fifth of the deadline would blame the system for its own slowness."""
    if not len(records):
        return []
    p99_ms = float(np.percentile(records["sent_ns"] - records["intended_ns"], 99)) / 1e6
    limit_ms = deadline_ms / 5
    return [f"the {who} sent {p99_ms:.0f} ms late (p99; limit {limit_ms:.0f} ms)"] if p99_ms > limit_ms else []


def cpu_reasons(rows: Sequence[Mapping[str, float]], window_ns: tuple[int, int]) -> list[str]:
    """A generator near one whole core measures its own queue."""
    found: list[str] = []
    for key, who in (("load_cpu_percent", "load generator"), ("prober_cpu_percent", "prober")):
        used = [row[key] for row in rows if key in row and window_ns[0] <= row["t"] < window_ns[1]]
        if not used:
            found.append(f"it is not known how much of a core the {who} used")
            continue
        mean = sum(used) / len(used)
        if mean > CPU_LIMIT_PERCENT:
            found.append(f"the {who} used {mean:.0f} % of a core (limit {CPU_LIMIT_PERCENT:.0f} %)")
    return found


def standstills(rows: Sequence[Mapping[str, float]]) -> list[tuple[int, int]]:
    """When the inside half did not run (paused, or starved): whatever it timed then took longer for its sake. Times in
    CLOCK_MONOTONIC ns."""
    times = [int(row["t"]) for row in rows]
    return [(before, after) for before, after in pairwise(times) if after - before > STANDSTILL_S * NS]


def stalls(rows: Sequence[Mapping[str, float]]) -> list[tuple[int, int]]:
    """By how much rows came later than is usual in this run, as spans of CLOCK_MONOTONIC ns: so long the inside half
    may not have run. A short one leaves the run sound; what was timed meanwhile may have got longer by it."""
    gaps = [*pairwise(int(row["t"]) for row in rows)]
    usual_ns = int(median([after - before for before, after in gaps])) if gaps else 0
    return [(before + usual_ns, after) for before, after in gaps if after - before > _STALL * usual_ns]


def within_s(spans: Sequence[tuple[int, int]], start_ns: int, stop_ns: int) -> float:
    """How much of a stretch the spans cover, which do not overlap."""
    return sum(max(0, min(b, stop_ns) - max(a, start_ns)) for a, b in spans) / NS


def standstill_reasons(spans: Sequence[tuple[int, int]], window_ns: tuple[int, int]) -> list[str]:
    longest_s = max(((b - a) / NS for a, b in spans if a < window_ns[1] and b > window_ns[0]), default=0.0)
    return [f"the harness itself stood still for {longest_s:.1f} s while it measured"] if longest_s else []


def clock_reasons(instants: Sequence[Instant]) -> list[str]:
    """The wall clock must run as the monotonic one does, or the system's own logs cannot be laid beside ours."""
    offsets = [i.wall_ns - i.mono_ns for i in instants]
    step_s = (max(offsets) - min(offsets)) / 1e9 if offsets else 0.0
    return [f"the wall clock was stepped by {step_s:.2f} s during the run"] if step_s > CLOCK_STEP_S else []


def agreement_reasons(load: Records, probes: Records, deadline_ms: float) -> list[str]:
    """Where one instrument saw nothing but failure, the other must not have seen nothing but success.

    Compared are probes on kept connections with the load's reads, and writes with writes: new connections are a matter
    of the prober alone.
    """
    found: list[str] = []
    writes = (load["flags"] & FLAG_WRITE) != 0
    for channel, of_load in (("read_reused", load[~writes]), ("write", load[writes])):
        of_probes = probes[probes["channel"] == CHANNELS.index(channel)]
        for one, other, who, whom in (
            (of_probes, of_load, "prober", "load"),
            (of_load, of_probes, "load", "prober"),
        ):
            found += _contradictions(one, other, deadline_ms, channel, (who, whom))
    return found


def _contradictions(
    one: Records, other: Records, deadline_ms: float, channel: str, names: tuple[str, str]
) -> list[str]:
    """Outages only ``one`` saw. Its failed requests have to be many, too: one late answer is no outage."""
    found: list[str] = []
    other_bad = bad_mask(other, deadline_ms)
    for downtime in by_channel(one, deadline_ms).values():
        for span in downtime.spans:
            inside = (other["intended_ns"] > span.start_ns + _MARGIN_NS) & (
                other["end_ns"] < min(span.stop_ns, span.last_bad_ns) - _MARGIN_NS
            )
            n = int(inside.sum())
            if n >= _WITNESSES and span.failed >= _WITNESSES and not other_bad[inside].any():
                found.append(
                    f"the {names[0]} saw an outage of {span.seconds:.2f} s ({channel}, {span.failed} failed) in which"
                    f" all {n} requests of the {names[1]} were good"
                )
    return found


def count_reasons(files: Sequence[SampleFile], server_requests: int) -> list[str]:
    """The server's own count against ours: at least all it answered, at most all that may have reached it."""
    outcomes = np.bincount(joined(files)["outcome"], minlength=len(OUTCOMES))
    answered = int(outcomes[OUTCOMES.index("ok")] + outcomes[OUTCOMES.index("http_error")])
    most = int(outcomes.sum() - outcomes[OUTCOMES.index("refused")])
    if answered <= server_requests <= most:
        return []
    return [f"the server counted {server_requests} requests, the clients sent {answered} to {most}"]
