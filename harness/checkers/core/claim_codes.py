"""The codes of claims: kept, refuted, not decided yet, not measured."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.checkers.core.claim_figures import ClaimFigures
from harness.checkers.core.codes import Details, code

# Why a run of an operation is no measurement of a claim about it.
RunExclusion = Literal["failed", "warm_up", "on_a_damaged_backup", "under_a_fault", "not_probed", "not_read_back"]


class RunsLeftOut(msgspec.Struct):
    """So many runs of the operation do not count, for this reason."""

    reason: RunExclusion
    count: int


class OutageSight(msgspec.Struct):
    """What the length of an outage leaves out: refusals count from ``refusals_from_ms`` on, waits from the deadline
    ``waits_from_ms`` on. ``longest_gap_ms`` without a success was on ``gap_channel`` (None: no run was judged)."""

    refusals_from_ms: float
    waits_from_ms: float
    longest_gap_ms: float | None
    gap_channel: str


_OUTAGE = (
    "{% if outage %}; refusals count from {{ '%.0f'|format(outage.refusals_from_ms) }} ms, waits past the "
    "{{ '%g'|format(outage.waits_from_ms / 1000) }} s deadline only"
    "{% if outage.longest_gap_ms is not none %}: longest gap without a success "
    "{{ '%.0f'|format(outage.longest_gap_ms) }} ms ({{ outage.gap_channel }}){% endif %}{% endif %}"
)


@code(
    "claim.kept",
    "pass",
    title="{{ subject }} was kept",
    sentence="{{ claim|claimed }}; kept by {{ claim.n - claim.broken }} of {{ claim.n }}"
    "{% if claim.level == 'every' %} (proves p{{ claim.proven_percent }} at 95 %)"
    "{% else %}, enough for {{ claim.level }} at 95 %{% endif %}; {{ claim|measured }}" + _OUTAGE,
    meaning="Every run that counts kept the limit, or as many as the level of the claim needs.",
)
class ClaimKept(Details):
    claim: ClaimFigures
    outage: OutageSight | None = None


@code(
    "claim.refuted",
    "fail",
    title="{{ subject }} was not kept",
    sentence="{{ claim|claimed }}; {{ claim.broken }} of {{ claim.n }} broke it"
    "{% if claim.level == 'every' %} (run {% for i in claim.broken_runs[:5] %}#{{ i }}{{ ', ' if not loop.last }}"
    "{% endfor %}{{ ', ...' if claim.broken > 5 }}; worst {{ claim.max|figure(claim.limit) }} {{ claim.unit }})"
    "{% else %}, more than {{ claim.level }} allows (95 %){% endif %}; {{ claim|measured }}" + _OUTAGE,
    meaning="A run broke the limit of the claim, or more of them than its level allows.",
    causes=("the claim was never measured at this size and load", "the operation became slower", "the disk is slower"),
    look="the timeline and the phases of the runs named, and which phase takes the time",
    hint="make the operation keep its claim, or claim in [claims] what was measured",
)
class ClaimRefuted(Details):
    claim: ClaimFigures
    outage: OutageSight | None = None


@code(
    "claim.undecided",
    "unknown",
    title="{{ subject }} needs more runs",
    sentence="{{ claim|claimed }}; {{ claim.n - claim.broken }} of {{ claim.n }} kept it, {{ more_runs }} more clean "
    "runs are needed; {{ claim|measured }}" + _OUTAGE,
    meaning="The claim has a level, such as p95. So few runs neither prove nor refute it with 95 % confidence.",
    hint="run it with `--repeat N`, so many times more as is said here",
    matter="plan",
)
class ClaimUndecided(Details):
    claim: ClaimFigures
    more_runs: int
    outage: OutageSight | None = None


@code(
    "claim.not_measured",
    "unknown",
    title="{{ subject }} was not measured",
    sentence="{{ claim|claimed }}; not measured: no run of {{ claim.subject }} counts"
    "{% if left_out %} ({% for r in left_out %}{{ r.count }} {{ r.reason|replace('_', ' ') }}"
    "{{ ', ' if not loop.last }}{% endfor %}){% endif %}",
    meaning="The operation was run, and no run of it can be held against the claim: a warm-up, a run under a fault, "
    "on a damaged backup or one that failed is no measurement of it.",
    causes=("the operation failed each time", "the service could not be probed or read back after it"),
    look="the findings about the operation itself",
    hint="mend what made the operation fail, and run it again with `--repeat 1` or more",
    absent=True,
)
class ClaimNotMeasured(Details):
    claim: ClaimFigures
    left_out: list[RunsLeftOut]


@code(
    "claim.too_little_data",
    "unknown",
    title="{{ subject }}: the seed left too little data",
    sentence="{{ claim|claimed }}; not measured: the seed left {{ found_bytes|size }} where {{ asked_bytes|size }} "
    "were asked for",
    meaning="On hardly any data every operation is quick, so that no duration is a measurement of the claim.",
    causes=("the seed ignores `{size}`", "[data] dir is not where the service keeps its data"),
    look="what [operations.seed] printed",
    hint="let [operations.seed] write as much as `{size}` says, below [data] dir",
    matter="plan",
)
class ClaimTooLittleData(Details):
    claim: ClaimFigures
    asked_bytes: int
    found_bytes: int


CODES = (ClaimKept, ClaimRefuted, ClaimUndecided, ClaimNotMeasured, ClaimTooLittleData)
