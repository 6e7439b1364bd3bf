"""Downtime: requests that failed or came late while the load was on, and how long the service was out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec

from harness.checkers.core import claim_codes
from harness.checkers.core.claim_codes import OutageSight, RunExclusion
from harness.checkers.core.codes import MOST_EXAMPLES, Details, finding
from harness.checkers.core.late import HarnessLate
from harness.checkers.core.measured_claim import BAD_REQUESTS, OUTAGE, MeasuredClaim
from harness.checkers.core.protocol import Checker
from harness.checkers.service import downtime_codes as codes
from harness.judged.broken_version_spans import broken_version_spans
from harness.judged.downtime import BadSpan, Records, bad_mask, joined, overall, within
from harness.judged.downtime import Downtime as Measured
from harness.judged.judged_run import JudgedRun
from harness.judged.plan_values import claims, deadline_ms, timing
from harness.judged.requests import (
    CUT_GRACE_S,
    STALLED_SHARE,
    Exclusion,
    Mask,
    cuts_by_harness,
    excused_ns,
    held_up,
    overlap,
    sender_stalled,
)
from harness.model import NS, Claim, Finding, Operation
from harness.recording.events import LinkLaid
from harness.recording.recording import Recording
from harness.recording.samples import OUTCOMES
from harness.stats.arrays import np
from harness.stats.intervals import rate_upper

# Late by no more than this is what a busy host does to any process.
_ALWAYS_LATE_NS = 50_000_000
_NONE_EXPECTED = Claim("requests", "bad", 0, source="nothing claimed: none expected", key="bad_requests")


@dataclass(frozen=True, slots=True)
class Downtime(Checker):
    """Bad requests of the load and of the prober against the claim ``bad_requests``; without one none is expected."""

    name: ClassVar[str] = "downtime"
    codes: ClassVar = (*codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        claim = next(iter(claims(run.recording, "bad")), _NONE_EXPECTED)
        requests = run.requests
        both = np.concatenate([requests.load, requests.probes])
        bad = both[bad_mask(both, deadline_ms(run.recording))]
        steady = run.recording.measured_ns != (0, 0)
        measured = steady and len(requests.load) and len(requests.probes)
        values = (float(len(bad)),) if measured else ()
        row = MeasuredClaim(BAD_REQUESTS, claim, "requests", values)
        if measured:
            details = _judged(run, row, both, bad)
        else:
            lacking = "prober" if len(requests.load) else "load"
            details = codes.NotMeasured(row.figures(), steady, lacking if steady else "")
        yield finding(BAD_REQUESTS, row.subject, details)


def _judged(run: JudgedRun, row: MeasuredClaim, both: Records, bad: Records) -> Details:
    if row.judged.outcome == "fail":
        return codes.Bad(**_shown(run, row, both, bad))
    # Few bad requests prove nothing where others may have been bad that are not counted.
    excluded = run.requests.excluded
    if run.requests.never_recovered:
        seconds = run.requests.never_recovered.seconds
        return codes.NeverRecovered(**_shown(run, row, both, bad, in_doubt=True), seconds=seconds)
    if excluded["version_unknown"].bad:
        return codes.VersionUnknown(**_shown(run, row, both, bad, in_doubt=True))
    if excluded["link_may_serve"].bad:
        cut = {f.targets.get("link") for f in run.recording.faults if f.injected_ns is not None}
        links = sorted(e.name for e in run.recording.of(LinkLaid) if e.serves is None and e.name in cut)
        return codes.LinkMayServe(**_shown(run, row, both, bad, in_doubt=True), links=links)
    if n := excluded["sender_stalled"].requests:
        limit_s = deadline_ms(run.recording) / 1000 * STALLED_SHARE
        return row.harness_late(*_latest(run.recording), limit_s, n)
    return codes.Answered(**_shown(run, row, both, bad))


def _shown(
    run: JudgedRun, row: MeasuredClaim, both: Records, bad: Records, in_doubt: bool = False
) -> Mapping[str, Any]:
    """The details that all answers share. Counts are of all requests; spans, gaps and resolution are what the prober is
    for."""
    requests, limit_ms = run.requests, deadline_ms(run.recording)
    seen = overall(requests.probes, limit_ms, requests.exclusions, requests.held)
    whole = codes.Requests(
        claim=row.figures(in_doubt),
        requests=len(both),
        bad=len(bad),
        deadline_ms=limit_ms,
        outages=len(seen.spans),
        longest_outage_ms=seen.longest_ms,
        total_outage_ms=seen.total_ms,
        longest_gap_ms=seen.longest_gap_ms,
        gap_channel=seen.gap_channel,
        resolution_ms=seen.resolution_ms,
        bad_rate_upper=rate_upper(len(bad), len(both)),
        kinds=_kinds(bad),
        due_in=_due_in(run.recording, bad),
        left_out=_left_out(run),
        grace_s=CUT_GRACE_S,
    )
    return msgspec.structs.asdict(whole)


def _latest(recording: Recording) -> tuple[str, float]:
    """Which of the two senders was held up longest, and for how many seconds."""
    late_s: dict[str, float] = {}
    for who, files in (("load", recording.samples.load), ("prober", recording.samples.probe)):
        sent = within(joined(files), recording.measured_ns)
        late_s[who] = int((sent["sent_ns"] - sent["intended_ns"]).max(initial=0)) / NS
    return max(late_s.items(), key=lambda of: of[1])


def _left_out(run: JudgedRun) -> list[codes.Left]:
    cut_s = sum((stop - start) / NS - CUT_GRACE_S for start, stop in cuts_by_harness(run.recording))
    broken = [excused_ns(span) for span in broken_version_spans(run.recording)]
    stretches: dict[Exclusion, float] = {
        "cut_by_harness": cut_s,
        "known_broken_version": sum(stop_ns - start_ns for start_ns, stop_ns in broken) / NS,
        "kit_held": sum(stop_ns - start_ns for start_ns, stop_ns in run.requests.held) / NS,
    }
    return [
        codes.Left(reason, left.requests, left.bad, stretches.get(reason, 0.0))
        for reason, left in run.requests.excluded.items()
        # What was answered well in a restore is no news.
        if (left.bad if reason == "during_restore" else left.requests)
    ]


def _kind(record: Any) -> tuple[str, int, bool]:
    """(kind, status, whether only the answer was another than expected) of a bad request."""
    if OUTCOMES[record["outcome"]] == "http_error":
        status = int(record["status"])
        return f"HTTP {status}", status, status < 300
    names = ("late", *OUTCOMES[1:])  # an ok among the bad came too late
    return names[record["outcome"]], 0, False


def _kinds(bad: Records) -> list[codes.BadKind]:
    counted = Counter(_kind(r) for r in bad)
    return [codes.BadKind(*kind, n) for kind, n in counted.most_common(MOST_EXAMPLES)]


def _due_in(recording: Recording, bad: Records) -> list[codes.DueIn]:
    """In which operation, and which phase of it, the bad requests were due."""
    names = {o.id: o.name for o in recording.operations}
    spans = [(o.start_ns, o.stop_ns, "", o.id) for o in recording.operations]
    spans += [(s.start.mono_ns, s.stop.mono_ns, s.name, id_) for id_, s, _ in recording.phases]
    counted: Counter[tuple[str, str]] = Counter()
    kinds: dict[tuple[str, str], Counter[str]] = {}
    for record in bad:
        due = record["intended_ns"]
        inside = [(start, -stop, phase, id_) for start, stop, phase, id_ in spans if start <= due <= stop]
        place = max(inside)[2:] if inside else ("", "")
        counted[place] += 1
        kinds.setdefault(place, Counter())[_kind(record)[0]] += 1
    return [
        codes.DueIn(phase, id_, names.get(id_, ""), n, [kind for kind, _ in kinds[phase, id_].most_common(5)])
        for (phase, id_), n in counted.most_common(MOST_EXAMPLES)
    ]


@dataclass(frozen=True, slots=True)
class Outages(Checker):
    """The longest outage the prober saw during each run of an operation, or that began after it and before anything
    else was done, against its claim ``<operation>_outage_s``; runs in which the prober was held up for too long to tell
    are left out. A warm-up counts: what is slow the first time is no outage, and what is out the first time was out for
    clients.

    No outage is made of answers within the deadline, so the deadline is the resolution: a shorter freeze, whose
    requests are all answered at its end, is none. How long the longest was is in the finding."""

    name: ClassVar[str] = "outages"
    codes: ClassVar = (*claim_codes.CODES, HarnessLate)

    def check(self, run: JudgedRun) -> Iterator[Finding]:
        recording = run.recording
        if not timing(recording):
            return
        made = {o.name for o in recording.operations}
        limit_ms = deadline_ms(recording)
        held = list(run.requests.held)
        probes = within(joined(recording.samples.probe), recording.measured_ns)
        probes = probes[~held_up(probes, held, limit_ms)]
        doubtful = sender_stalled(probes, limit_ms)
        whole = overall(probes[~doubtful], limit_ms, held=held)
        for claim in claims(recording, "outage_s"):
            if claim.subject in made:
                runs = [o for o in recording.operations if o.name == claim.subject and o.succeeded]
                seen = [_longest(run, claim, o, whole.spans, probes, doubtful) for o in runs if len(probes)]
                yield _claimed(recording, claim, seen, whole.resolution_ms).finding()


@dataclass(frozen=True, slots=True)
class _Longest:
    """The longest outage of one run of an operation, None where the prober was late by too much to tell; ``late_s``:
    by how much; ``showed``: what the prober showed during that run."""

    seconds: float | None
    late_s: float
    showed: Measured


def _claimed(recording: Recording, claim: Claim, seen: Sequence[_Longest], resolution_ms: float) -> MeasuredClaim:
    limit_ms = deadline_ms(recording)
    judged = [s for s in seen if s.seconds is not None]
    worst = max((s.showed for s in judged), key=lambda m: m.longest_gap_ms, default=None)
    ended = [o for o in recording.operations if o.name == claim.subject]
    left_out: dict[RunExclusion, int] = {
        "failed": sum(not o.succeeded for o in ended),
        "not_probed": sum(o.succeeded for o in ended) - len(seen),
    }
    return MeasuredClaim(
        OUTAGE,
        claim,
        "s",
        tuple(s.seconds for s in judged if s.seconds is not None),
        max(limit_ms, resolution_ms) / 1000,
        left_out,
        late=("prober", max(s.late_s for s in seen)) if seen and not judged else None,
        outage=OutageSight(
            resolution_ms,
            limit_ms,
            worst.longest_gap_ms if worst else None,
            worst.gap_channel if worst else "",
        ),
    )


def _longest(
    run: JudgedRun, claim: Claim, o: Operation, spans: Sequence[BadSpan], probes: Records, doubtful: Mask
) -> _Longest:
    """An outage that was seen for sure breaks a claim; that the claim is kept can be said only if what the prober
    missed, being late itself, could not have made the outage too long."""
    limit_ms = deadline_ms(run.recording)
    late_ns = probes["sent_ns"] - probes["intended_ns"]
    # What has another reason than the operation is left out of what came after it.
    later = overall(run.requests.probes, limit_ms, held=run.requests.held).spans
    until_ns = _answers_until_ns(run.recording, o)
    inside = [s for s in spans if s.start_ns <= o.stop_ns and s.stop_ns >= o.start_ns]
    inside += [s for s in later if o.stop_ns < s.start_ns < until_ns]
    sure_s = max(
        (s.seconds for s in inside if not overlap(probes[doubtful], [(s.start_ns, s.stop_ns)]).any()), default=0.0
    )
    longest_s = max((s.seconds for s in inside), default=0.0)
    during = overlap(probes, [(o.start_ns, until_ns)])
    blind_ns = int(late_ns[during].max(initial=0))
    may_be_ns = min(max((claim.limit - longest_s) * NS, _ALWAYS_LATE_NS), limit_ms * 1e6 * STALLED_SHARE)
    showed = overall(probes[during & ~doubtful], limit_ms, held=run.requests.held)
    if sure_s > claim.limit:
        return _Longest(sure_s, blind_ns / NS, showed)
    told = not (doubtful & during).any() and blind_ns <= may_be_ns
    return _Longest(longest_s if told else None, blind_ns / NS, showed)


def _answers_until_ns(recording: Recording, operation: Operation) -> int:
    """Until when an outage that begins is this operation's: its end, if anything else was under way then, or the
    beginning of the next thing that was done, by the kit or by us."""
    others = [(o.start_ns, o.stop_ns) for o in recording.operations if o.id != operation.id]
    others += [
        (f.injected_ns, (f.healed_ns or recording.log.stop.mono_ns) + int(CUT_GRACE_S * NS))
        for f in recording.faults
        if f.injected_ns is not None
    ]
    if operation.restores:  # what it took away is told only by what is read back
        others += [(o.start_ns, o.stop_ns) for o in recording.observations]
    nexts = [max(start, operation.stop_ns) for start, stop in others if stop > operation.stop_ns]
    return min([*nexts, recording.measured_ns[1]])
