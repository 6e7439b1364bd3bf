"""Downtime: requests that failed or came late while the load was on, and how long the service was out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.checkers.broken_version import served
from harness.checkers.claimed import Claimed
from harness.checkers.stated import claims, deadline_ms, timing
from harness.checkers.words import count, grouped
from harness.model import NS, Claim, FaultRecord, Outcome, Verdict
from harness.recording.recording import Recording
from harness.recording.samples import DTYPE, FLAG_SLOW, FLAG_WRITE, OUTCOMES, SampleFile
from harness.stats.downtime import BadSpan, Records, bad_mask, by_channel, overall, within
from harness.system.schema import SLOW_DEADLINE_S

# A service says with these that it cannot store anything now. On a full disk that is the truth, not downtime.
_REFUSALS = (503, 507)
# A sender late by this share of the deadline was held up itself (as in harness.stats.soundness).
HELD_UP_SHARE = 0.2
# After a cut cable is whole again TCP sends anew only when its next attempt is due: up to as long as the cut lasted,
# and its front may wait for that.
CUT_GRACE_S = 2.0
_NONE_EXPECTED = Claim("requests", "bad", "<=", 0, source="nothing claimed: none expected")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Seen:
    """The requests that count as downtime or its absence; the others are left out.

    ``excused``: writes refused while the data disk was full; ``undecided``: still in flight at the end. ``ours``: bad
    while our own sender was held up, so that it may have been us. ``severed``: (all, bad) of those under way while we
    ourselves kept the front from the service. ``known_bad``: bad while a version known to be broken served, which the
    run asked for.
    ``stranded``: the outage that had not ended when the load stopped, and did not begin in an operation.
    """

    load: Records
    probes: Records
    excused: int
    undecided: int
    ours: int
    known_bad: int
    severed: tuple[int, int]
    stranded: BadSpan | None


def seen(recording: Recording) -> Seen:
    window_ns, limit_ms = recording.measured_ns, deadline_ms(recording)
    sides: list[Records] = []
    excused = undecided = ours = known_bad = cut_off = cut_bad = 0
    cuts = cut_by_us(recording)
    for files in (recording.load_samples, recording.probe_samples):
        records = within(_joined(files), window_ns)
        open_ = _undecided(records, limit_ms)
        refused = _refusals_on_a_full_disk(records, recording.faults) & ~open_
        restoring = _in_a_restore(records, recording) & ~open_
        severed = _overlap(records, cuts) & ~(open_ | refused | restoring)
        broken = _of_a_broken_version(records, recording) & ~(open_ | refused | restoring | severed)
        held_up = _held_up(records, limit_ms) & ~(open_ | refused | restoring | severed | broken)
        undecided += int(open_.sum())
        excused += int(refused.sum())
        ours += int(held_up.sum())
        known_bad += int(broken.sum())
        cut_off += int(severed.sum())
        cut_bad += int((severed & bad_mask(records, limit_ms)).sum())
        sides.append(records[~(open_ | refused | restoring | severed | broken | held_up)])
    load, probes = sides
    stranded = _stranded(recording, probes, limit_ms)
    if stranded:
        load, probes = (r[r["end_ns"] < stranded.start_ns] for r in (load, probes))
    return Seen(load, probes, excused, undecided, ours, known_bad, (cut_off, cut_bad), stranded)


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


def _of_a_broken_version(records: Records, recording: Recording) -> Mask:
    """Sent while a version that the run knew to be broken was in service, and answered badly, late or not at all. One
    that was cut is not among them: it is the kit that cuts requests, at the switch there and at the one back."""
    sent = np.zeros(len(records), np.bool_)
    for span in served(recording):
        sent |= (records["sent_ns"] >= span.start_ns) & (records["sent_ns"] <= span.stop_ns)
    mask: Mask = sent & bad_mask(records, deadline_ms(recording)) & (records["outcome"] != OUTCOMES.index("reset"))
    return mask


def _in_a_restore(records: Records, recording: Recording) -> Mask:
    """Under way at some moment of a restore, which has to keep clients out."""
    return _overlap(records, [(o.start_ns, o.stop_ns) for o in recording.operations if o.restores])


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


def cut_by_us(recording: Recording) -> list[tuple[int, int]]:
    """When a fault of ours stood between the front and the service, and the grace after it."""
    serving = {e["name"] for e in recording.of_kind("link.laid") if e["serves"]}
    last_ns = recording.measured_ns[1]
    return [
        (f.injected_ns, (f.healed_ns if f.healed_ns is not None else last_ns) + int(CUT_GRACE_S * NS))
        for f in recording.faults
        if f.parameters.get("link") in serving and f.injected_ns is not None
    ]


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
        if looked.severed[0]:
            cuts = ", ".join(f"{(stop - start) / NS - CUT_GRACE_S:.1f} s" for start, stop in cut_by_us(recording))
            sentence += (
                f"; not counted: {count(looked.severed[0], 'request')}, {grouped(looked.severed[1])} of them bad, under"
                f" way while we ourselves held a fault between the front and the service ({cuts}, and {CUT_GRACE_S:g} s"
                " for connections to come back)"
            )
        if looked.excused:
            sentence += f"; not counted: {count(looked.excused, 'write')} refused while the data disk was full"
        if looked.known_bad:
            seconds = sum(span.seconds for span in served(recording))
            sentence += (
                f"; not judged by the claim: {count(looked.known_bad, 'bad request')} while a version known to be "
                f"broken was in service ({seconds:.2f} s)"
            )
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
    runs in which the prober itself was held up are left out."""

    judges: ClassVar[Literal["run", "observation"]] = "run"
    name: ClassVar[str] = "outages"
    requirement: ClassVar[str] = "R10"

    def check(self, recording: Recording) -> list[Verdict]:
        return [claimed.verdict() for claimed in self.claimed(recording)]

    def claimed(self, recording: Recording) -> list[Claimed]:
        if not timing(recording):
            return []
        made = {o.name for o in recording.operations}
        probes = within(_joined(recording.probe_samples), recording.measured_ns)
        held_up = _held_up(probes, deadline_ms(recording))
        doubtful = probes[held_up]
        whole = overall(probes[~held_up], deadline_ms(recording))
        return [
            Claimed(
                claim,
                f"outage of {claim.subject}",
                "s",
                tuple(self._longest_s(recording, claim.subject, whole.spans, doubtful)) if len(probes) else (),
                whole.resolution_ms / 1000,
                self.requirement,
                f"no {claim.subject} succeeded while the service was probed",
            )
            for claim in claims(recording, "outage_s")
            if claim.subject in made
        ]

    @staticmethod
    def _longest_s(recording: Recording, name: str, spans: Sequence[BadSpan], doubtful: Records) -> Iterator[float]:
        for o in recording.operations:
            clear = not _overlap(doubtful, [(o.start_ns, o.stop_ns)]).any()
            if o.name == name and not o.warmup and o.succeeded and clear:
                yield max(
                    (s.seconds for s in spans if s.start_ns <= o.stop_ns and s.stop_ns >= o.start_ns), default=0.0
                )
