"""Downtime: requests that failed or came late while the load was on, and how long the service was out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.checkers.claimed import Claimed
from harness.checkers.stated import claims, deadline_ms, timing
from harness.checkers.words import count, grouped
from harness.model import NS, Claim, FaultRecord, Outcome, Verdict
from harness.recording.recording import Recording
from harness.recording.samples import DTYPE, FLAG_KNOWN, FLAG_SLOW, FLAG_WRITE, OUTCOMES, SampleFile
from harness.stats.downtime import BadSpan, Records, bad_mask, by_channel, overall, within
from harness.system.schema import SLOW_DEADLINE_S

# A service says with these that it cannot store anything now. On a full disk that is the truth, not downtime.
_REFUSALS = (503, 507)
_NOT_FOUND = (404, 410)
# A sender late by this share of the deadline was held up itself (as in harness.stats.soundness).
HELD_UP_SHARE = 0.2
# Late by no more than this is what a busy host does to any process.
_ALWAYS_LATE_NS = 50_000_000
_NONE_EXPECTED = Claim("requests", "bad", "<=", 0, source="nothing claimed: none expected")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Seen:
    """The requests that count as downtime or its absence; ``excused``, ``undecided``, ``ours``, ``restoring`` and
    ``taken_away`` are left out.

    ``ours``: bad while our own sender was held up, so that it may have been us. ``restoring``: bad during a restore;
    ``taken_away``: not found after one.
    ``stranded``: the outage that had not ended when the load stopped, and did not begin in an operation.
    """

    load: Records
    probes: Records
    excused: int
    undecided: int
    ours: int
    restoring: int
    taken_away: int
    stranded: BadSpan | None


def seen(recording: Recording) -> Seen:
    window_ns, limit_ms = recording.measured_ns, deadline_ms(recording)
    sides: list[Records] = []
    excused = undecided = ours = kept_out = taken_away = 0
    for files in (recording.load_samples, recording.probe_samples):
        records = within(_joined(files), window_ns)
        open_ = _undecided(records, limit_ms)
        refused = _refusals_on_a_full_disk(records, recording.faults) & ~open_
        restoring = _in_a_restore(records, recording) & ~open_
        gone = _taken_away(records, recording) & ~(open_ | refused | restoring)
        held_up = _held_up(records, limit_ms) & ~(open_ | refused | restoring | gone)
        undecided += int(open_.sum())
        excused += int(refused.sum())
        ours += int(held_up.sum())
        kept_out += int((bad_mask(records, limit_ms) & restoring & ~refused).sum())
        taken_away += int(gone.sum())
        sides.append(records[~(open_ | refused | restoring | gone | held_up)])
    load, probes = sides
    stranded = _stranded(recording, probes, limit_ms)
    if stranded:
        load, probes = (r[r["end_ns"] < stranded.start_ns] for r in (load, probes))
    return Seen(load, probes, excused, undecided, ours, kept_out, taken_away, stranded)


def _joined(files: tuple[SampleFile, ...]) -> Records:
    return np.concatenate([f.records for f in files]) if files else np.zeros(0, DTYPE)


def _undecided(records: Records, limit_ms: float) -> Mask:
    """Still in flight when we stopped, within their deadline: neither good nor bad."""
    limit_ns = np.where(records["flags"] & FLAG_SLOW, SLOW_DEADLINE_S * NS, limit_ms * 1e6)
    waited_ns = records["end_ns"] - records["intended_ns"]
    mask: Mask = (records["outcome"] == OUTCOMES.index("unfinished")) & (waited_ns <= limit_ns)
    return mask


def _held_up(records: Records, limit_ms: float) -> Mask:
    """Answered late or not in time, and under way at a moment when the sender itself was held up: a request goes out
    later than it is due for no other reason, for a sender waits for no earlier answer."""
    late = records["sent_ns"] - records["intended_ns"] > limit_ms * 1e6 * HELD_UP_SHARE
    stalls = _joined_spans(records["intended_ns"][late], records["sent_ns"][late])
    slow = np.isin(records["outcome"], [OUTCOMES.index("ok"), OUTCOMES.index("timeout")])
    mask: Mask = bad_mask(records, limit_ms) & slow & _overlap(records, stalls)
    return mask


def _joined_spans(starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, stop in sorted(zip(starts.tolist(), stops.tolist(), strict=True)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    return spans


def _in_a_restore(records: Records, recording: Recording) -> Mask:
    """Under way at some moment of a restore, which has to keep clients out."""
    return _overlap(records, [(o.start_ns, o.stop_ns) for o in recording.operations if o.restores])


def _taken_away(records: Records, recording: Recording) -> Mask:
    """Not found after a restore: the row they name may have been written after the backup was taken."""
    missing: Mask = np.isin(records["status"], _NOT_FOUND) & ((records["flags"] & FLAG_KNOWN) != 0)
    restored = [o.stop_ns for o in recording.operations if o.restores and o.succeeded]
    if not restored:
        return np.zeros(len(records), np.bool_)
    return missing & (records["end_ns"] >= min(restored))


def _refusals_on_a_full_disk(records: Records, faults: tuple[FaultRecord, ...]) -> Mask:
    """Writes refused in so many words while the data disk was full."""
    held = [
        (f.injected_ns, f.healed_ns or records["end_ns"].max(initial=0))
        for f in faults
        if f.name == "disk_full" and f.parameters.get("disk") == "data" and f.injected_ns is not None
    ]
    refused = (records["outcome"] == OUTCOMES.index("http_error")) & np.isin(records["status"], _REFUSALS)
    mask: Mask = refused & ((records["flags"] & FLAG_WRITE) != 0) & _overlap(records, held)
    return mask


def _overlap(records: Records, spans: list[tuple[int, int]]) -> Mask:
    mask = np.zeros(len(records), np.bool_)
    for start, stop in spans:
        mask |= (records["intended_ns"] <= stop) & (records["end_ns"] >= start)
    return mask


def _stranded(recording: Recording, probes: Records, limit_ms: float) -> BadSpan | None:
    """A service that stops answering between operations and never comes back tells nothing about the deployment."""
    channels = by_channel(probes, limit_ms).values()
    if not channels or not all(c.spans and c.spans[-1].open for c in channels):
        return None
    last = overall(probes, limit_ms).spans[-1]
    inside = any(o.start_ns <= last.start_ns <= o.stop_ns for o in recording.operations)
    return None if inside else last


@dataclass(frozen=True, slots=True)
class Downtime:
    """Bad requests of the load and of the probes against the claim ``bad_requests``."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "downtime"
    requirement: ClassVar[str] = "R2"

    def check(self, recording: Recording) -> list[Verdict]:
        about = "downtime"
        if recording.measured_ns == (0, 0):
            return [Verdict("unknown", about, "no measured time", "the load was never steady", self.requirement)]
        looked = seen(recording)
        if not len(looked.probes) or not len(looked.load):
            who = "prober" if len(looked.load) else "load"
            return [Verdict("unknown", about, "", f"no request of the {who} counts", self.requirement)]
        limit_ms = deadline_ms(recording)
        both = np.concatenate([looked.load, looked.probes])
        bad = bad_mask(both, limit_ms)
        # Counts are of all requests; spans, gaps and resolution are what the probes are for.
        measured = replace(overall(looked.probes, limit_ms), n=len(both), bad=int(bad.sum()))
        claim = _claim(recording)
        sentence = measured.sentence
        outcome: Outcome = "pass" if measured.bad <= claim.limit else "fail"
        if measured.bad:
            sentence += f"; {_kinds(both[bad])}; {_when(recording, both[bad])}"
        if outcome == "pass" and (looked.stranded or looked.ours):
            outcome = "unknown"
        if looked.stranded:
            sentence += (
                f"; the service stopped answering {looked.stranded.seconds:.2f} s before the load ended, with no "
                "operation under way, and never answered again"
            )
        if looked.ours:
            sentence += f"; not counted: {count(looked.ours, 'request')} late while our own sender was held up"
        if looked.restoring:
            sentence += f"; not counted: {count(looked.restoring, 'bad request')} during a restore"
        if looked.taken_away:
            sentence += f"; not counted: {count(looked.taken_away, 'request')} for what a restore may have taken away"
        if looked.excused:
            sentence += f"; not counted: {count(looked.excused, 'write')} refused while the data disk was full"
        if looked.undecided:
            sentence += f"; {count(looked.undecided, 'request')} still in flight when the load stopped"
        numbers = f"{grouped(measured.bad)} bad of {grouped(measured.n)}, claimed <= {claim.limit:g} ({claim.source})"
        return [Verdict(outcome, about, numbers, sentence, self.requirement)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        """The row of the claim; its verdict says more, and is made by ``check``."""
        looked = seen(recording)
        both = np.concatenate([looked.load, looked.probes])
        values = (float(bad_mask(both, deadline_ms(recording)).sum()),) if len(both) else ()
        claim = _claim(recording)
        return [Claimed(claim, "downtime", "requests", values, 0.0, self.requirement, "nothing was sent")]


def _claim(recording: Recording) -> Claim:
    return next(iter(claims(recording, "bad")), _NONE_EXPECTED)


def _kinds(bad: Records) -> str:
    names = ("late", *OUTCOMES[1:])  # an ok among the bad came too late
    counted = Counter(
        f"HTTP {r['status']}" if OUTCOMES[r["outcome"]] == "http_error" else names[r["outcome"]] for r in bad
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
    """The longest outage the probes saw during each run of an operation, against its claim ``<operation>_outage_s``;
    runs in which the prober was held up for too long to tell are left out."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "outages"
    requirement: ClassVar[str] = "R10"

    def check(self, recording: Recording) -> list[Verdict]:
        return [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        if not timing(recording):
            return []
        made = {o.name for o in recording.operations}
        limit_ms = deadline_ms(recording)
        probes = within(_joined(recording.probe_samples), recording.measured_ns)
        held_up = _held_up(probes, limit_ms)
        whole = overall(probes[~held_up], limit_ms)
        return [
            Claimed(
                claim,
                f"outage of {claim.subject}",
                "s",
                tuple(_longest_s(recording, claim, whole.spans, probes, held_up)) if len(probes) else (),
                whole.resolution_ms / 1000,
                self.requirement,
                f"no {claim.subject} succeeded while the service was probed without a break",
            )
            for claim in claims(recording, "outage_s")
            if claim.subject in made
        ]


def _longest_s(
    recording: Recording, claim: Claim, spans: Sequence[BadSpan], probes: Records, held_up: Mask
) -> Iterator[float]:
    """The longest outage of each run that can be judged. One that was seen for sure breaks a claim; that the claim is
    kept can be said only if what the prober missed, being late itself, could not have made the outage too long."""
    late_ns = probes["sent_ns"] - probes["intended_ns"]
    for o in recording.operations:
        if o.name != claim.subject or o.warmup or not o.succeeded:
            continue
        inside = [s for s in spans if s.start_ns <= o.stop_ns and s.stop_ns >= o.start_ns]
        sure_s = max(
            (s.seconds for s in inside if not _overlap(probes[held_up], [(s.start_ns, s.stop_ns)]).any()), default=0.0
        )
        longest_s = max((s.seconds for s in inside), default=0.0)
        during = _overlap(probes, [(o.start_ns, o.stop_ns)])
        blind_ns = int(late_ns[during].max(initial=0))
        may_be_ns = max((claim.limit - longest_s) * NS, _ALWAYS_LATE_NS)
        if sure_s > claim.limit:
            yield sure_s
        elif not (held_up & during).any() and blind_ns <= min(may_be_ns, deadline_ms(recording) * 1e6 * HELD_UP_SHARE):
            yield longest_s
