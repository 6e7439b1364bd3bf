"""The codes of requests under load: all answered well, bad ones, and what keeps it from being told."""

from __future__ import annotations

import msgspec

from harness.checkers.core.claim_figures import ClaimFigures
from harness.checkers.core.codes import Details, code
from harness.judged.requests import Exclusion


class BadKind(msgspec.Struct):
    """So many bad requests of one kind: ``HTTP 502``, ``reset``, ``late``; ``status`` is 0 without an answer.
    ``other_answer``: the status is one of success, the answer is not the one that was asked for."""

    kind: str
    status: int
    other_answer: bool
    count: int


class DueIn(msgspec.Struct):
    """So many bad requests were due in one place: ``phase`` (empty: in no phase) of ``operation`` (an id; empty:
    between operations), whose name is ``name``. ``kinds``: what became of them."""

    phase: str
    operation: str
    name: str
    count: int
    kinds: list[str]


class Left(msgspec.Struct):
    """So many requests, ``bad`` of them bad, are left out for a reason; where that is a stretch of time: ``seconds``
    of it in all."""

    reason: Exclusion
    count: int
    bad: int
    seconds: float = 0.0


class Requests(Details):
    """``requests`` of load and prober that count, ``bad`` of them not ok or later than ``deadline_ms``. Spans and gaps
    are what the prober saw: of all channels, none shorter than ``resolution_ms``; ``longest_gap_ms`` without a success
    was on ``gap_channel``. ``bad_rate_upper``: with 95 % confidence the rate of bad requests is at most this."""

    claim: ClaimFigures
    requests: int
    bad: int
    deadline_ms: float
    outages: int
    longest_outage_ms: float
    total_outage_ms: float
    longest_gap_ms: float
    gap_channel: str
    resolution_ms: float
    bad_rate_upper: float
    kinds: list[BadKind]
    due_in: list[DueIn]
    left_out: list[Left]
    grace_s: float


_MEASURED = (
    "{{ bad }} bad of {{ requests }} at a {{ '%g'|format(deadline_ms / 1000) }} s deadline, "
    "{% if outages %}longest outage {{ '%.0f'|format(longest_outage_ms) }} ms, "
    "{{ '%.0f'|format(total_outage_ms) }} ms in all, {% endif %}"
    "{% if outages or longest_gap_ms > resolution_ms %}longest gap without a success "
    "{{ '%.0f'|format(longest_gap_ms) }} ms ({{ gap_channel }}){{ ',' if outages else ' at' }}"
    "{{ ' resolution' if outages }} {{ '%.0f'|format(resolution_ms) }} ms{{ ' resolution' if not outages }}"
    "{% else %}no gap seen at {{ '%.0f'|format(resolution_ms) }} ms resolution{% endif %}"
    ", rate <= {{ '%.2g'|format(100 * bad_rate_upper) }} % (95 %)"
    "{% if bad %}; {% for k in kinds[:5] %}{{ k.count }} {{ k.kind }}"
    "{{ ' with another answer than expected' if k.other_answer }}{{ ', ' if not loop.last }}{% endfor %}"
    "; due {% for d in due_in[:5] %}"
    "{% if not d.operation %}between operations{% elif d.phase %}in {{ d.phase }} of {{ d.operation }}"
    "{% else %}in {{ d.operation }}{% endif %} ({{ d.count }}){{ ', ' if not loop.last }}{% endfor %}{% endif %}"
    "; {{ claim|claimed }} ({{ claim.source }})"
)
_LEFT_OUT = (
    "{% for o in left_out %}; "
    "{% if o.reason == 'cut_by_harness' %}not counted: {{ o.count|count('request') }}, {{ o.bad|grouped }} of them "
    "bad, under way while the harness held a fault between the front and the service ({{ o.seconds|s(1) }}, and "
    "{{ '%g'|format(grace_s) }} s for connections to come back)"
    "{% elif o.reason == 'kit_held' %}not counted: {{ o.count|count('request') }} while the harness held the kit with "
    "the service down ({{ o.seconds|s }})"
    "{% elif o.reason == 'during_restore' %}not counted: {{ o.bad|count('bad request') }} during a restore"
    "{% elif o.reason == 'removed_by_restore' %}not counted: {{ o.count|count('request') }} for what a restore may "
    "have taken away"
    "{% elif o.reason == 'refused_on_full_disk' %}not counted: {{ o.count|count('write') }} refused while the data "
    "disk was full"
    "{% elif o.reason == 'known_broken_version' %}not judged by the claim: {{ o.count|count('bad request') }} while a "
    "version known to be broken was in service ({{ o.seconds|s }})"
    "{% elif o.reason == 'version_unknown' %}not counted: {{ o.count|count('bad request') }} after a version known to "
    "be broken was heard last and before another was"
    "{% elif o.reason == 'link_may_serve' %}not counted: {{ o.count|count('bad request') }} while a link was cut that "
    "they may need"
    "{% elif o.reason == 'sender_stalled' %}not counted: {{ o.count|count('request') }} late while our own sender was "
    "held up"
    "{% else %}not counted: {{ o.count|count('request') }} still in flight when the load stopped{% endif %}"
    "{% endfor %}"
)


@code(
    "requests.answered",
    "pass",
    title="Clients were answered as claimed",
    sentence=_MEASURED + _LEFT_OUT,
    meaning="No more requests of load and prober were bad than the claim `bad_requests` allows (none, where nothing is "
    "claimed).",
)
class Answered(Requests):
    pass


@code(
    "requests.bad",
    "fail",
    title="Clients got errors, or no answer in time",
    sentence=_MEASURED + _LEFT_OUT,
    meaning="More requests failed or were later than their deadline than the claim `bad_requests` allows (none, where "
    "nothing is claimed).",
    causes=(
        "the old version was ended with requests on their way, or before the new one was ready",
        "a migration holds a lock on rows that clients write",
        "the front sends to a version that is not ready, or no longer there",
    ),
    look="the outages in the timeline, and the phase in which the bad requests were due",
    hint="drain the old version before ending it and switch only to a new one that is ready, or claim `bad_requests`",
)
class Bad(Requests):
    pass


@code(
    "requests.never_recovered",
    "unknown",
    title="The service stopped with no operation under way",
    sentence=_MEASURED + "; the service stopped answering {{ seconds|s }} before the load ended, with no operation "
    "under way, and never answered again" + _LEFT_OUT,
    meaning="An outage that begins between operations and does not end tells nothing about the deployment. Requests "
    "from then on are not counted.",
    causes=("the service crashed or hung by itself", "the load was too much for it"),
    look="the log of the service at that moment",
    hint="let the service run under this load without an operation first, or lower `users` in [load]",
)
class NeverRecovered(Requests):
    seconds: float


@code(
    "requests.version_unknown",
    "unknown",
    title="It is not known which version failed",
    sentence=_MEASURED + _LEFT_OUT + ": it cannot be told whose they are",
    meaning="Between the last answer of the version known to be broken and the first of another, bad requests may be "
    "that one's, which the run asked for, or the kit's own way back.",
    causes=("the broken version hangs instead of answering", "the way back takes long"),
    look="the versions in service in the timeline",
    hint="let the broken version answer its version to the end, or make the way back from it shorter",
)
class VersionUnknown(Requests):
    pass


@code(
    "requests.link_may_serve",
    "unknown",
    title="Requests failed while a link was cut",
    sentence=_MEASURED + _LEFT_OUT + ": it is not said whether requests need it",
    meaning="Bad requests came while the harness had cut a link, such as the one to a database, without which no "
    "service could answer, or one to a store off site, without which it should.",
    causes=("the service needs what is behind the link", "it does not, and waits for it all the same"),
    look="the link that was cut, and what the service does with it in a request",
    hint="[links.{{ links|join('], [links.') }}] serves = true if requests need it, serves = false if they do not",
    matter="plan",
)
class LinkMayServe(Requests):
    links: list[str]


@code(
    "requests.not_measured",
    "unknown",
    title="No requests were measured",
    sentence="{% if not steady %}the load was never steady{% else %}no request of the {{ sender }} counts{% endif %}",
    meaning="Downtime is judged by requests of the load and of the prober while the load is steady; there are none.",
    causes=("the load never became steady", "the prober or the load did not run", "a file of samples is missing"),
    look="the findings about the load",
    hint="mend what the findings about the load say, and run again",
    matter="load",
    absent=True,
)
class NotMeasured(Details):
    """``sender``: of whom no request counts: load or prober."""

    claim: ClaimFigures
    steady: bool
    sender: str


CODES = (Answered, Bad, NeverRecovered, VersionUnknown, LinkMayServe, NotMeasured)
