"""Downtime: requests that failed or came late while the load was on, and how long the service was out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from harness.checkers.core.measured_claim import Claimed
from harness.checkers.core.phrases import count, grouped
from harness.judged.broken_version_spans import served
from harness.judged.downtime import BadSpan, Records, bad_mask, joined, overall, within
from harness.judged.downtime import Downtime as Measured
from harness.judged.plan_values import claims, deadline_ms, timing
from harness.judged.requests import (
    CUT_GRACE_S,
    HELD_UP_SHARE,
    Mask,
    Seen,
    cut_by_us,
    excused_ns,
    held_up,
    overlap,
    seen,
)
from harness.model import NS, Claim, Operation, Verdict
from harness.recording.recording import Recording
from harness.recording.samples import OUTCOMES
from harness.stats.arrays import np

# Late by no more than this is what a busy host does to any process.
_ALWAYS_LATE_NS = 50_000_000
_NONE_EXPECTED = Claim("requests", "bad", 0, source="nothing claimed: none expected", key="bad_requests")


@dataclass(frozen=True, slots=True)
class Downtime:
    """Bad requests of the load and of the probes against the claim ``bad_requests``."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "downtime"
    requirement: ClassVar[str] = "R2"

    def check(self, recording: Recording) -> list[Verdict]:
        about = "downtime"
        looked = seen(recording)
        row = self._row(recording, looked)
        if row.missing:
            return [Verdict("unknown", about, "", row.missing, self.requirement)]
        limit_ms = deadline_ms(recording)
        both = np.concatenate([looked.load, looked.probes])
        bad = bad_mask(both, limit_ms)
        # Counts are of all requests; spans, gaps and resolution are what the probes are for.
        measured = replace(overall(looked.probes, limit_ms, looked.apart), n=len(both), bad=int(bad.sum()))
        claim = row.claim
        sentence = measured.sentence
        if measured.bad:
            sentence += f"; {_kinds(both[bad])}; {_when(recording, both[bad])}"
        if row.doubt:
            sentence += f"; {row.doubt}"
        if looked.severed[0]:
            cuts = ", ".join(f"{(stop - start) / NS - CUT_GRACE_S:.1f} s" for start, stop in cut_by_us(recording))
            sentence += (
                f"; not counted: {count(looked.severed[0], 'request')}, {grouped(looked.severed[1])} of them bad, under"
                f" way while we ourselves held a fault between the front and the service ({cuts}, and {CUT_GRACE_S:g} s"
                " for connections to come back)"
            )
        if looked.restoring:
            sentence += f"; not counted: {count(looked.restoring, 'bad request')} during a restore"
        if looked.taken_away:
            sentence += f"; not counted: {count(looked.taken_away, 'request')} for what a restore may have taken away"
        if looked.excused:
            sentence += f"; not counted: {count(looked.excused, 'write')} refused while the data disk was full"
        if looked.known_bad:
            excused = [excused_ns(span) for span in served(recording)]
            seconds = sum(stop_ns - start_ns for start_ns, stop_ns in excused) / NS
            sentence += (
                f"; not judged by the claim: {count(looked.known_bad, 'bad request')} while a version known to be "
                f"broken was in service ({seconds:.2f} s)"
            )
        if looked.undecided:
            sentence += f"; {count(looked.undecided, 'request')} still in flight when the load stopped"
        numbers = f"{grouped(measured.bad)} bad of {grouped(measured.n)}, claimed <= {claim.limit:g} ({claim.source})"
        return [Verdict(row.judged[0], about, numbers, sentence, self.requirement)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        """The row of the claim, with the outcome of its verdict; ``check`` says more."""
        return [self._row(recording, seen(recording))]

    def _row(self, recording: Recording, looked: Seen) -> Claimed:
        claim = next(iter(claims(recording, "bad")), _NONE_EXPECTED)
        missing = ""
        if recording.measured_ns == (0, 0):
            missing = "the load was never steady"
        elif not len(looked.probes) or not len(looked.load):
            missing = f"no request of the {'prober' if len(looked.load) else 'load'} counts"
        both = np.concatenate([looked.load, looked.probes])
        values = () if missing else (float(bad_mask(both, deadline_ms(recording)).sum()),)
        return Claimed(claim, "downtime", "requests", values, 0.0, self.requirement, missing, _doubt(looked))


def _doubt(looked: Seen) -> str:
    """Why few bad requests prove nothing here."""
    doubts: list[str] = []
    if looked.stranded:
        doubts.append(
            f"the service stopped answering {looked.stranded.seconds:.2f} s before the load ended, with no "
            "operation under way, and never answered again"
        )
    if looked.ours:
        doubts.append(f"not counted: {count(looked.ours, 'request')} late while our own sender was held up")
    if looked.unheard:
        doubts.append(
            f"not counted: {count(looked.unheard, 'bad request')} after a version known to be broken was heard last and"
            " before another was: nobody can tell whose they are"
        )
    return "; ".join(doubts)


def _kinds(bad: Records) -> str:
    names = ("late", *OUTCOMES[1:])  # an ok among the bad came too late
    counted = Counter(
        f"HTTP {r['status']}{' with another answer than expected' if r['status'] < 300 else ''}"
        if OUTCOMES[r["outcome"]] == "http_error"
        else names[r["outcome"]]
        for r in bad
    )
    return ", ".join(f"{n} {kind}" for kind, n in counted.most_common(5))


def _when(recording: Recording, bad: Records) -> str:
    """In which operation, and which phase of it, the bad requests were due."""
    spans = [(o.start_ns, o.stop_ns, o.id) for o in recording.operations]
    spans += [(s.start.mono_ns, s.stop.mono_ns, f"{s.name} of {id_}") for id_, s, _ in recording.phases]
    counted: Counter[str] = Counter()
    for due in bad["intended_ns"]:
        inside = [(start, -stop, name) for start, stop, name in spans if start <= due <= stop]
        counted[f"in {max(inside)[2]}" if inside else "between operations"] += 1
    return "due " + ", ".join(f"{when} ({n})" for when, n in counted.most_common(5))


@dataclass(frozen=True, slots=True)
class Outages:
    """The longest outage the probes saw during each run of an operation, or that began after it and before anything
    else was done, against its claim ``<operation>_outage_s``; runs in which the prober was held up for too long to tell
    are left out. A warm-up counts: what is slow the first time is no outage, and what is out the first time was out for
    clients."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "outages"
    requirement: ClassVar[str] = "R10"

    def check(self, recording: Recording) -> list[Verdict]:
        return [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        """No outage is made of answers within the deadline, so the deadline is the resolution: a shorter freeze, whose
        requests are all answered at its end, is none. How long the longest was is in the sentence."""
        if not timing(recording):
            return []
        made = {o.name for o in recording.operations}
        limit_ms = deadline_ms(recording)
        probes = within(joined(recording.probe_samples), recording.measured_ns)
        doubtful = held_up(probes, limit_ms)
        whole = overall(probes[~doubtful], limit_ms)
        rows: list[Claimed] = []
        for claim in claims(recording, "outage_s"):
            if claim.subject not in made:
                continue
            judged = list(_longest(recording, claim, whole.spans, probes, doubtful)) if len(probes) else []
            row = Claimed(
                claim,
                f"outage of {claim.subject}",
                "s",
                tuple(seconds for seconds, _ in judged),
                max(limit_ms, whole.resolution_ms) / 1000,
                self.requirement,
                f"no {claim.subject} succeeded while the service was probed without a break",
                note=_forgiven([quiet for _, quiet in judged], whole.resolution_ms, limit_ms),
            )
            rows.append(row)
        return rows


def _forgiven(runs: Sequence[Measured], resolution_ms: float, limit_ms: float) -> str:
    """What the length of an outage leaves out, and how much of that there was in these ``runs``."""
    said = f"refusals count from {resolution_ms:.0f} ms, waits past the {limit_ms / 1000:g} s deadline only"
    if not runs:
        return said
    worst = max(runs, key=lambda r: r.longest_gap_ms)
    return f"{said}: longest gap without a success {worst.longest_gap_ms:.0f} ms ({worst.gap_channel})"


def _longest(
    recording: Recording, claim: Claim, spans: Sequence[BadSpan], probes: Records, doubtful: Mask
) -> Iterator[tuple[float, Measured]]:
    """The longest outage of each run that can be judged, in seconds, and what the probes showed during that run. One
    that was seen for sure breaks a claim; that the claim is kept can be said only if what the prober missed, being late
    itself, could not have made the outage too long."""
    late_ns = probes["sent_ns"] - probes["intended_ns"]
    # What has another reason than the operation is left out of what came after it.
    later = overall(seen(recording).probes, deadline_ms(recording)).spans
    for o in recording.operations:
        if o.name != claim.subject or not o.succeeded:
            continue
        until_ns = _answers_until_ns(recording, o)
        inside = [s for s in spans if s.start_ns <= o.stop_ns and s.stop_ns >= o.start_ns]
        inside += [s for s in later if o.stop_ns < s.start_ns < until_ns]
        sure_s = max(
            (s.seconds for s in inside if not overlap(probes[doubtful], [(s.start_ns, s.stop_ns)]).any()), default=0.0
        )
        longest_s = max((s.seconds for s in inside), default=0.0)
        during = overlap(probes, [(o.start_ns, until_ns)])
        blind_ns = int(late_ns[during].max(initial=0))
        may_be_ns = max((claim.limit - longest_s) * NS, _ALWAYS_LATE_NS)
        showed = overall(probes[during & ~doubtful], deadline_ms(recording))
        if sure_s > claim.limit:
            yield sure_s, showed
        elif not (doubtful & during).any() and blind_ns <= min(may_be_ns, deadline_ms(recording) * 1e6 * HELD_UP_SHARE):
            yield longest_s, showed


def _answers_until_ns(recording: Recording, operation: Operation) -> int:
    """Until when an outage that begins is this operation's: its end, if anything else was under way then, or the
    beginning of the next thing that was done, by the kit or by us."""
    others = [(o.start_ns, o.stop_ns) for o in recording.operations if o.id != operation.id]
    others += [
        (f.injected_ns, (f.healed_ns or recording.stop.mono_ns) + int(CUT_GRACE_S * NS))
        for f in recording.faults
        if f.injected_ns is not None
    ]
    if operation.restores:  # what it took away is told only by what is read back
        others += [(o.start_ns, o.stop_ns) for o in recording.observations]
    nexts = [max(start, operation.stop_ns) for start, stop in others if stop > operation.stop_ns]
    return min([*nexts, recording.measured_ns[1]])
