"""The requests that count as downtime or its absence, and those that do not, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.config.schema import slow_deadline_s
from harness.judged.broken_version_spans import BrokenVersionSpan, broken_version_spans
from harness.judged.downtime import BadSpan, Records, Spans, bad_mask, by_channel, joined, overall, within
from harness.judged.kit_held import down_while_held
from harness.judged.plan_values import deadline_ms
from harness.model import NS, FaultRecord
from harness.recording.events import LinkLaid
from harness.recording.recording import Recording
from harness.recording.samples import CHANNELS, FLAG_KNOWN, FLAG_SLOW, FLAG_WRITE, OLDEST_S, OUTCOMES
from harness.stats.arrays import np
from harness.stats.spans import merged_spans

if TYPE_CHECKING:
    import numpy.typing as npt

# A front says with these that it had no answer of the service; with any other 5xx the service says itself that it
# cannot store anything now. On a full disk that is the truth, not downtime.
_OF_A_FRONT = (502, 504)
NOT_FOUND = (404, 410)
# A sender late by this share of the deadline was held up itself (as in harness.checkers.validity.load_sound).
STALLED_SHARE = 0.2
# After a cut cable is whole again TCP sends anew only when its next attempt is due: up to as long as the cut lasted,
# and its front may wait for that.
CUT_GRACE_S = 2.0
# A broken version was heard until shortly before a question of ours got no answer; how shortly is our interval.
LAST_HEARD_S = 0.2
Mask: TypeAlias = "npt.NDArray[np.bool_]"


# Why a request counts neither as good nor as bad.
Exclusion = Literal[
    "in_flight_at_end",
    "kit_held",
    "refused_on_full_disk",
    "during_restore",
    "cut_by_harness",
    "removed_by_restore",
    "known_broken_version",
    "version_unknown",
    "link_may_serve",
    "sender_stalled",
]


@dataclass(frozen=True, slots=True)
class Excluded:
    """How many requests are left out for one reason, and how many of them were bad."""

    requests: int
    bad: int


@dataclass(frozen=True, slots=True)
class JudgedRequests:
    """The requests that count as downtime or its absence; ``excluded`` tells how many others are left out, and why.

    ``in_flight_at_end``: not answered when the load stopped; ``kit_held``: under way while the service was down and the
    harness held the kit that had stopped it; ``refused_on_full_disk``: writes refused while the data
    disk was full. ``during_restore``: under way in a restore; ``removed_by_restore``: not found after one.
    ``cut_by_harness``: under way while the harness kept the front from the service. ``known_broken_version``: bad while
    a version known to be broken served, which the run asked for; ``link_may_serve``: bad while a link was
    cut of which nobody says whether requests need it. ``version_unknown``: bad after that was heard last and
    before another version was, so that it may have been that one. ``sender_stalled``: bad while our own sender was held
    up, so that it may have been the harness.
    ``never_recovered``: the outage that had not ended when the load stopped, and did not begin in an operation.
    ``exclusions``: by channel of the prober, when nothing was owed to it: what is left out, restores and our own cuts.
    ``held``: when the kit was held with the service down.
    """

    load: Records
    probes: Records
    excluded: Mapping[Exclusion, Excluded]
    never_recovered: BadSpan | None
    exclusions: Mapping[str, Spans]
    held: Spans


def judged_requests(recording: Recording) -> JudgedRequests:
    window_ns, limit_ms = recording.measured_ns, deadline_ms(recording)
    sides: list[Records] = []
    aside: Records = joined(())
    excluded: dict[Exclusion, Excluded] = {}
    cuts = cuts_by_harness(recording)
    held = down_while_held(recording, within(joined(recording.samples.probe), window_ns), limit_ms)
    for files in (recording.samples.load, recording.samples.probe):
        records = within(joined(files), window_ns)
        bad = bad_mask(records, limit_ms)
        counts = np.ones(len(records), np.bool_)
        reasons: tuple[tuple[Exclusion, Mask], ...] = (
            ("in_flight_at_end", in_flight_at_end(records, limit_ms)),
            ("kit_held", held_up(records, held, limit_ms)),
            ("refused_on_full_disk", _refusals_on_a_full_disk(records, recording.faults)),
            ("during_restore", _in_a_restore(records, recording)),
            ("cut_by_harness", overlap(records, cuts)),
            ("removed_by_restore", _removed_by_restore(records, recording)),
            ("known_broken_version", _of_a_broken_version(records, recording)),
            ("version_unknown", _of_an_unknown_version(records, recording)),
            ("link_may_serve", bad & overlap(records, cuts_by_harness(recording, None))),
            ("sender_stalled", sender_stalled(records, limit_ms)),
        )
        for reason, mask in reasons:  # one reason each: the first that holds
            before = excluded.get(reason, Excluded(0, 0))
            left = mask & counts
            excluded[reason] = Excluded(before.requests + int(left.sum()), before.bad + int((left & bad).sum()))
            counts &= ~mask
        sides.append(records[counts])
        aside = records[~counts]  # in the end the prober's
    load, probes = sides
    never_recovered = _never_recovered(recording, probes, limit_ms)
    if never_recovered:
        load, probes = (r[r["end_ns"] < never_recovered.start_ns] for r in (load, probes))
    return JudgedRequests(load, probes, excluded, never_recovered, _exclusions(aside, recording, held), held)


def _exclusions(aside: Records, recording: Recording, held: Spans) -> dict[str, Spans]:
    for_all = [*_restores(recording), *cuts_by_harness(recording), *held]
    own = {name: aside[aside["channel"] == number] for number, name in enumerate(CHANNELS)}
    return {
        name: merged_spans([*for_all, *zip(left["intended_ns"].tolist(), left["end_ns"].tolist(), strict=True)])
        for name, left in own.items()
    }


def in_flight_at_end(records: Records, limit_ms: float) -> Mask:
    """Still in flight when we stopped, within their deadline: neither good nor bad."""
    limit_ns = np.where(records["flags"] & FLAG_SLOW, slow_deadline_s(limit_ms) * NS, limit_ms * 1e6)
    waited_ns = records["end_ns"] - records["intended_ns"]
    mask: Mask = (records["outcome"] == OUTCOMES.index("unfinished")) & (waited_ns <= limit_ns)
    return mask


def sender_stalled(records: Records, limit_ms: float) -> Mask:
    """Answered late or not in time, and under way at a moment when the sender itself was held up: a request goes out
    later than it is due for no other reason, for a sender waits for no earlier answer."""
    late = records["sent_ns"] - records["intended_ns"] > limit_ms * 1e6 * STALLED_SHARE
    stalls = merged_spans(zip(records["intended_ns"][late].tolist(), records["sent_ns"][late].tolist()))
    slow = np.isin(records["outcome"], [OUTCOMES.index(kind) for kind in ("ok", "timeout", "unfinished")])
    mask: Mask = bad_mask(records, limit_ms) & slow & overlap(records, stalls)
    return mask


def excused_ns(span: BrokenVersionSpan) -> tuple[int, int]:
    """When the bad answers of a broken version are its own: until it was heard no more. What comes then, and until
    another version answers, may as well be the kit's own way back."""
    return span.start_ns, min(span.stop_ns, span.last_answer_ns + int(LAST_HEARD_S * NS))


def _of_a_broken_version(records: Records, recording: Recording) -> Mask:
    """Sent while a version that the run knew to be broken was in service, and answered badly, late or not at all."""
    return _bad_and_sent(records, recording, [excused_ns(span) for span in broken_version_spans(recording)])


def _of_an_unknown_version(records: Records, recording: Recording) -> Mask:
    """Sent after a broken version was heard last, and before another was: bad for the one's sake or the other's."""
    return _bad_and_sent(
        records, recording, [(excused_ns(span)[1], span.stop_ns) for span in broken_version_spans(recording)]
    )


def _bad_and_sent(records: Records, recording: Recording, spans: list[tuple[int, int]]) -> Mask:
    """Bad and sent in one of these stretches. One that was cut is not among them: it is the kit that cuts requests, at
    the switch there and at the one back. Nor is one that was refused: no version at all served it."""
    sent = np.zeros(len(records), np.bool_)
    for start_ns, stop_ns in spans:
        sent |= (records["sent_ns"] >= start_ns) & (records["sent_ns"] <= stop_ns)
    kits = np.isin(records["outcome"], [OUTCOMES.index("reset"), OUTCOMES.index("refused")])
    mask: Mask = sent & bad_mask(records, deadline_ms(recording)) & ~kits
    return mask


def _in_a_restore(records: Records, recording: Recording) -> Mask:
    """Under way at some moment of a restore, which has to keep clients out."""
    return overlap(records, _restores(recording))


def _restores(recording: Recording) -> list[tuple[int, int]]:
    return [(o.start_ns, o.stop_ns) for o in recording.operations if o.restores]


def _removed_by_restore(records: Records, recording: Recording) -> Mask:
    """Not found after a restore: the row they name may have been written after the backup was taken. One that was made
    after the restore had ended cannot have been taken away by it."""
    missing: Mask = np.isin(records["status"], NOT_FOUND) & ((records["flags"] & FLAG_KNOWN) != 0)
    age_s = records["known_age_s"].astype(np.int64)
    # Not told, or too old to be told: it may be of any age.
    made_ns = np.where((age_s == 0) | (age_s == OLDEST_S), 0, records["sent_ns"] - age_s * NS)
    gone = np.zeros(len(records), np.bool_)
    for restore in (o for o in recording.operations if o.restores and o.succeeded):
        gone |= (records["end_ns"] >= restore.stop_ns) & (made_ns <= restore.stop_ns)
    return missing & gone


def _refusals_on_a_full_disk(records: Records, faults: tuple[FaultRecord, ...]) -> Mask:
    """Writes refused in so many words while the data disk was full."""
    held = [
        (f.injected_ns, f.healed_ns or records["end_ns"].max(initial=0))
        for f in faults
        if "refuses_space" in f.effects and f.targets.get("disk") == "data" and f.injected_ns is not None
    ]
    status = records["status"]
    told = np.isin(records["outcome"], [OUTCOMES.index("http_error"), OUTCOMES.index("refused")])
    refused = told & (status >= 500) & (status < 600) & ~np.isin(status, _OF_A_FRONT)
    mask: Mask = refused & ((records["flags"] & FLAG_WRITE) != 0) & overlap(records, held)
    return mask


def cuts_by_harness(recording: Recording, serves: bool | None = True) -> list[tuple[int, int]]:
    """When a fault of ours stood between the front and the service, and the grace after it; ``serves`` None: on a link
    of which nobody says whether requests need it."""
    serving = {e.name for e in recording.of(LinkLaid) if e.serves is serves}
    last_ns = recording.measured_ns[1]
    return [
        (f.injected_ns, (f.healed_ns if f.healed_ns is not None else last_ns) + int(CUT_GRACE_S * NS))
        for f in recording.faults
        if f.targets.get("link") in serving and f.injected_ns is not None
    ]


_WAITED = [OUTCOMES.index(kind) for kind in ("ok", "timeout", "unfinished")]


def held_up(records: Records, spans: list[tuple[int, int]], limit_ms: float) -> Mask:
    """Those due while the harness held the kit with the service down; and those due before that which, less the time
    they shared with it, did not wait for longer than their deadline. What was already lost when the hold began is not
    among them."""
    due, waited_ns = np.zeros(len(records), np.bool_), records["end_ns"] - records["intended_ns"]
    for start, stop in spans:
        due |= (records["intended_ns"] >= start) & (records["intended_ns"] <= stop)
        shared_ns = np.minimum(records["end_ns"], stop) - np.maximum(records["intended_ns"], start)
        waited_ns = waited_ns - np.maximum(shared_ns, 0)
    late = np.isin(records["outcome"], _WAITED) & overlap(records, spans)
    mask: Mask = due | (late & (waited_ns < limit_ms * 1e6))
    return mask


def overlap(records: Records, spans: list[tuple[int, int]]) -> Mask:
    mask = np.zeros(len(records), np.bool_)
    for start, stop in spans:
        mask |= (records["intended_ns"] <= stop) & (records["end_ns"] >= start)
    return mask


def _never_recovered(recording: Recording, probes: Records, limit_ms: float) -> BadSpan | None:
    """A service that stops answering between operations and never comes back tells nothing about the deployment."""
    channels = by_channel(probes, limit_ms).values()
    if not channels or not all(c.spans and c.spans[-1].open for c in channels):
        return None
    last = overall(probes, limit_ms).spans[-1]
    inside = any(o.start_ns <= last.start_ns <= o.stop_ns for o in recording.operations)
    return None if inside else last
