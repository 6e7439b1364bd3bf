"""The load was a load: steady, complete, on time, and the server counted what the clients sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, get_args

from harness.checkers.core.codes import Details, finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.protocol import Checker
from harness.checkers.validity import load_codes as codes
from harness.judged.downtime import Records, bad_mask, by_channel, joined, within
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import deadline_ms
from harness.judged.requests import NOT_FOUND, in_flight_at_end
from harness.model import NS, Finding, Instant, LedgerOutcome, Subject, Write
from harness.recording.events import LoadHollow, LoadStopped, LoadUnsteady, ProberStopped, ServerCount
from harness.recording.history import strays
from harness.recording.outcomes import REFUSALS, ledger_outcome
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS, FLAG_KNOWN, FLAG_STRANGE, FLAG_WRITE, OUTCOMES, SampleFile
from harness.stats.arrays import np

if TYPE_CHECKING:
    import numpy.typing as npt

_QUESTION = "load.sound"
CPU_LIMIT_PERCENT = 80.0
CLOCK_STEP_S = 0.05
_LONGEST_SILENCE_NS = 2 * NS
# A stream of requests is silent when it pauses for so many times as long as it usually does.
_USUAL_GAPS = 20
# A sender that is late by this share of the deadline would blame the system for its own slowness.
_LATE_SHARE = 0.2
# The instruments may disagree about less than this: at usual rates too few requests of the load fall into it.
_WITNESSES = 10
_MARGIN_NS = 50_000_000

Reason = tuple[str, Details]  # the sender it is about (empty: the load as a whole), and what is wrong


@dataclass(frozen=True, slots=True)
class LoadSound(Checker):
    """Never fails a system: an unsound load makes everything measured with it unknown."""

    name: ClassVar[str] = "load_sound"
    codes: ClassVar = (*codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        found = [finding(_QUESTION, Subject("load", sender), details) for sender, details in _reasons(run)]
        if found:
            yield from {(f.code, f.subject, str(f.details)): f for f in found}.values()
            return
        recording = run.recording
        sent = sum(len(f.records) for f in (*recording.samples.load, *recording.samples.probe))
        start_ns, stop_ns = recording.measured_ns
        yield finding(_QUESTION, Subject("load", ""), codes.Sound(sent, (stop_ns - start_ns) / NS))


def _reasons(run: JudgedRun) -> Iterator[Reason]:
    recording = run.recording
    if recording.problems:
        yield "", codes.RecordingIncomplete(len(recording.problems))
    yield from _not_steady(recording)
    if recording.measured_ns != (0, 0):
        yield from _instruments(run, deadline_ms(recording))
        yield from _silences(recording)
        for event in recording.of(ServerCount):
            files = recording.samples.probe if "probe" in event.marker else recording.samples.load
            yield from server_count(files, event.requests - event.sent_again)
    yield from _strays(recording)
    yield from _hollow(recording)


def _instruments(run: JudgedRun, limit_ms: float) -> Iterator[Reason]:
    """Why this recording's load and probes are not to be trusted; nothing when they are sound."""
    recording, window = run.recording, run.recording.measured_ns
    for who, files, writes in (
        ("load", recording.samples.load, [w for w in recording.writes if w.worker.startswith("load")]),
        ("prober", recording.samples.probe, [w for w in recording.writes if w.worker == "probe"]),
    ):
        yield from samples(files, who)
        yield from _started(recording, files, who)
        yield from books(files, writes, who)
        yield from lateness(joined(files), limit_ms, who, window)
    yield from cpu(recording.samples.resources, window)
    longest_s = max(((b - a) / NS for a, b in run.harness_pauses if a < window[1] and b > window[0]), default=0.0)
    if longest_s:
        yield "", HarnessLate("harness", longest_s)
    yield from clock([e.instant for e in recording.events])
    yield from agreement(
        within(joined(recording.samples.load), window), within(joined(recording.samples.probe), window), limit_ms
    )


def _not_steady(recording: Recording) -> Iterator[Reason]:
    unsteady = [*recording.of(LoadUnsteady)]
    yield from (("", turned_away(recording) or codes.NotSteady(e.why, list(e.unanswered))) for e in unsteady)
    if recording.measured_ns == (0, 0) and not unsteady:
        yield "", codes.NotMeasured()
    for sender, end in _ends(recording):
        if not end.clean:
            yield sender, codes.SenderEndedBadly(sender, end.why)


def turned_away(recording: Recording) -> codes.TurnedAway | None:
    """How the service refused a load that never became steady; None where it did not, or there was none such."""
    event = next((e for e in recording.of(LoadUnsteady) if e.bad_answers), None)
    if event is None:
        return None
    most = event.bad_answers[0]
    if most.status not in REFUSALS and most.outcome != "timeout":
        return None
    busy = [row["cpu_percent"] for row in recording.samples.resources if "cpu_percent" in row]
    return codes.TurnedAway(
        most.request,
        most.outcome,
        most.status,
        most.said,
        sum(bad.count for bad in event.bad_answers),
        event.requests,
        event.load_per_s,
        event.probes_per_s,
        deadline_ms(recording),
        round(sum(busy) / len(busy), 1) if busy else 0.0,
    )


def _ends(recording: Recording) -> list[tuple[str, LoadStopped | ProberStopped]]:
    """What each sender said when it stopped."""
    return [
        *(("load", e) for e in recording.of(LoadStopped)),
        *(("prober", e) for e in recording.of(ProberStopped)),
    ]


def samples(files: Sequence[SampleFile], who: str) -> Iterator[Reason]:
    """Missing or incomplete files, and requests that were due but could not be started."""
    if not files:
        yield who, codes.NoSamples(who)
        return
    yield from ((who, codes.SamplesIncomplete(f.worker)) for f in files if not f.complete)
    if dropped := sum(f.dropped for f in files):
        yield who, codes.RequestsDropped(who, dropped)
    if not sum(len(f.records) for f in files):
        yield who, codes.NothingSent(who)


def _started(recording: Recording, files: Sequence[SampleFile], who: str) -> Iterator[Reason]:
    """What each sender itself says it started, in its closing line, against the samples."""
    started = [end.started for sender, end in _ends(recording) if sender == who and end.clean]
    recorded = sum(len(f.records) for f in files)
    if started and started[-1] is not None and started[-1] != recorded:
        yield who, codes.Unaccounted(who, started[-1], recorded)


def books(files: Sequence[SampleFile], writes: Sequence[Write], who: str) -> Iterator[Reason]:
    """The ledger says what must not be lost, the samples what was sent: they must tell of the same writes."""
    sent = joined(files)
    pairs = sent[(sent["flags"] & FLAG_WRITE) != 0][["outcome", "status"]]
    sampled = Counter(ledger_outcome(OUTCOMES[int(outcome)], int(status)) for outcome, status in pairs)
    booked = Counter(w.outcome for w in writes)
    for outcome in get_args(LedgerOutcome):
        if booked[outcome] != sampled[outcome]:
            yield who, codes.BooksDiffer(who, outcome, booked[outcome], sampled[outcome])


def lateness(records: Records, limit_ms: float, who: str, window_ns: tuple[int, int]) -> Iterator[Reason]:
    """By the 99th percentile of how much later than due its requests went out. What was late outside the window, such
    as while all clients open their first connections, spoils nothing that is counted."""
    if len(records):
        start_ns, stop_ns = window_ns
        counts = (records["intended_ns"] >= start_ns) & (records["intended_ns"] < stop_ns)
        p99_s = float(np.percentile(np.where(counts, records["sent_ns"] - records["intended_ns"], 0), 99)) / NS
        if p99_s > limit_ms / 1000 * _LATE_SHARE:
            yield who, HarnessLate(who, p99_s, limit_ms / 1000 * _LATE_SHARE)


def cpu(rows: Sequence[Mapping[str, float]], window_ns: tuple[int, int]) -> Iterator[Reason]:
    """A generator near one whole core measures its own queue."""
    for key, who in (("load_cpu_percent", "load"), ("prober_cpu_percent", "prober")):
        told = [row for row in rows if key in row]
        used = [row[key] for row in told if window_ns[0] <= row["t"] < window_ns[1]]
        # Each tells of the time since the one before it: a window shorter than that lies within the next one.
        used = used or [row[key] for before, row in pairwise(told) if before["t"] < window_ns[1] <= row["t"]]
        if not used:
            yield who, codes.CpuNotKnown(who)
        elif (mean := sum(used) / len(used)) > CPU_LIMIT_PERCENT:
            yield who, codes.CpuSaturated(who, mean, CPU_LIMIT_PERCENT)


def clock(instants: Sequence[Instant]) -> Iterator[Reason]:
    """The wall clock must run as the monotonic one does, or the system's own logs cannot be laid beside ours."""
    offsets = [i.wall_ns - i.mono_ns for i in instants]
    step_s = (max(offsets) - min(offsets)) / NS if offsets else 0.0
    if step_s > CLOCK_STEP_S:
        yield "", codes.ClockStepped(step_s)


def agreement(load: Records, probes: Records, limit_ms: float) -> Iterator[Reason]:
    """Where one instrument saw nothing but failure, the other must not have seen nothing but success.

    Compared are probes on kept connections with the load's reads, and writes with writes: new connections are a matter
    of the prober alone.
    """
    # Neither good nor bad: slow writes under way at the end would make one outage of a single error before them.
    load, probes = (records[~in_flight_at_end(records, limit_ms)] for records in (load, probes))
    # A row that a restore has taken away says nothing of whether the service answers, and the prober asks for none.
    load = load[~(((load["flags"] & FLAG_KNOWN) != 0) & np.isin(load["status"], NOT_FOUND))]
    writes = (load["flags"] & FLAG_WRITE) != 0
    for channel, of_load in (("read_reused", load[~writes]), ("write", load[writes])):
        of_probes = probes[probes["channel"] == CHANNELS.index(channel)]
        yield from _contradictions(of_probes, of_load, limit_ms, channel, ("prober", "load"))
        yield from _contradictions(of_load, of_probes, limit_ms, channel, ("load", "prober"))


def _contradictions(
    one: Records, other: Records, limit_ms: float, channel: str, names: tuple[str, str]
) -> Iterator[Reason]:
    """Outages only ``one`` saw. Its failed requests have to be many, too: one late answer is no outage."""
    other_bad = bad_mask(other, limit_ms)
    for downtime in by_channel(one, limit_ms).values():
        for span in downtime.spans:
            inside = (other["intended_ns"] > span.start_ns + _MARGIN_NS) & (
                other["end_ns"] < min(span.stop_ns, span.last_bad_ns) - _MARGIN_NS
            )
            n = int(inside.sum())
            if n >= _WITNESSES and span.failed >= _WITNESSES and not other_bad[inside].any():
                yield names[0], codes.Disagree(*names, channel, span.seconds, span.failed, n)


def _silences(recording: Recording) -> Iterator[Reason]:
    """Stretches in which the load sent nothing, no reads or no writes, or at the end of which nothing was answered any
    more."""
    start_ns, stop_ns = recording.measured_ns
    limit_ms = deadline_ms(recording)
    patient_ns = max(_LONGEST_SILENCE_NS, 2 * limit_ms * 1e6)
    for who, files in (("load", recording.samples.load), ("prober", recording.samples.probe)):
        records = within(np.concatenate([f.records for f in files]), (start_ns, stop_ns)) if files else None
        if records is None:
            continue
        writes = (records["flags"] & FLAG_WRITE) != 0
        longest_ns = int(_gaps_ns(records, start_ns, stop_ns).max())
        if longest_ns > _LONGEST_SILENCE_NS:
            yield who, codes.Silent(who, "", longest_ns / NS)
            continue
        for what, stream in (("reads", records[~writes]), ("writes", records[writes])):
            gaps_ns = _gaps_ns(stream, start_ns, stop_ns)
            # Clients that wait for their answers send nothing while none comes, and some requests are rare on purpose.
            limit_ns = max(patient_ns, _USUAL_GAPS * float(np.median(gaps_ns)))
            if len(stream) and gaps_ns.max() > limit_ns:
                yield who, codes.Silent(who, what, int(gaps_ns.max()) / NS)
    if recording.samples.probe:
        probes = within(np.concatenate([f.records for f in recording.samples.probe]), (start_ns, stop_ns))
        good = probes["end_ns"][~bad_mask(probes, limit_ms)]
        silent_ns = stop_ns - int(good.max(initial=start_ns))
        if silent_ns > limit_ms * 1e6 / 2:
            yield "prober", codes.UnansweredAtEnd(silent_ns / NS)


def _gaps_ns(records: Records, start_ns: int, stop_ns: int) -> npt.NDArray[np.int64]:
    """The times between requests, and those from the start to the first and from the last to the stop."""
    gaps_ns: npt.NDArray[np.int64] = np.diff(np.concatenate(([start_ns], np.sort(records["sent_ns"]), [stop_ns])))
    return gaps_ns


def _strays(recording: Recording) -> Iterator[Reason]:
    """Senders that wrote to somebody else."""
    seen = {worker: n for look in recording.observations for worker, n in strays(look).items()}
    yield from ((worker, codes.Misrouted(worker, n)) for worker, n in seen.items())


def _hollow(recording: Recording) -> Iterator[Reason]:
    """Probes that were answered, and not by the service."""
    yield from (("prober", codes.Hollow(e.why)) for e in recording.of(LoadHollow))
    if strange := sum(int(((f.records["flags"] & FLAG_STRANGE) != 0).sum()) for f in recording.samples.probe):
        told: Mapping[str, Sequence[str]] = next((e.contents for e in recording.of(ProberStopped) if e.contents), {})
        kinds = [f"{name}: {' after '.join(reversed(k))}" for name, k in told.items() if len(k) > 1]
        yield "prober", codes.StrangeContent(strange, kinds)


def server_count(files: Sequence[SampleFile], counted: int) -> Iterator[Reason]:
    """The server's own count against ours: at least all it answered, at most all that may have reached it."""
    outcomes = np.bincount(joined(files)["outcome"], minlength=len(OUTCOMES))
    answered = int(outcomes[OUTCOMES.index("ok")] + outcomes[OUTCOMES.index("http_error")])
    most = int(outcomes.sum() - outcomes[OUTCOMES.index("refused")])
    if not answered <= counted <= most:
        yield "", codes.ServerCountDiffers(counted, answered, most)
