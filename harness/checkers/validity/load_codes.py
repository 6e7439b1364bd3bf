"""The codes of an unsound load: why what was measured with it proves nothing."""

from __future__ import annotations

from harness.checkers.core.codes import Details, code


@code(
    "load.sound",
    "pass",
    title="The load was sound",
    sentence="steady and on time, every request accounted for: {{ requests|count('request') }}, {{ measured_s|s(1) }}",
    meaning="Load and prober were steady, on time and complete, their books agree, and the server counted the same.",
    matter="load",
)
class Sound(Details):
    requests: int
    measured_s: float


@code(
    "load.recording_incomplete",
    "unknown",
    title="The recording of the load is incomplete",
    sentence="the recording is incomplete ({{ problems|count('problem') }})",
    meaning="A file of the recording is missing, torn, or of another run, so its load may have been another than it "
    "looks.",
    causes=("the run was killed", "the disk that holds the recording was full"),
    look="what run.recorded says of this run",
    hint="mend what broke the recording off, and run it again",
    matter="harness",
    absent=True,
)
class RecordingIncomplete(Details):
    problems: int


@code(
    "load.not_steady",
    "unknown",
    title="The load never became steady",
    sentence="the load never became steady: {{ why }}{% if unanswered %}the prober got no good answer "
    "({{ unanswered|join(', ') }}) while the load did{% endif %}",
    meaning="Before anything is measured the requests of the load have to be answered well for a while. They were not.",
    causes=("a request of [load] is answered with an error", "the service needs longer to warm up"),
    look="the first bad requests in the report, and operations/service.out",
    hint="check [load] requests and [service] url in system.toml",
    matter="load",
)
class NotSteady(Details):
    """``unanswered``: channels of the prober, where only those got no good answer."""

    why: str
    unanswered: list[str]


_TURNED_AWAY_HINT = (
    "{% if status == 429 %}[probe] every_ms ({{ probes_per_s|round(1) }} probes a second now), [load] users and "
    "write_rate say how much is sent{% elif status in (401, 403) %}[service] headers can carry a token or a cookie, "
    "for every request{% elif outcome == 'timeout' %}{% if cpu_percent > 95 %}the processors of this machine were "
    "{{ cpu_percent|round }} % busy meanwhile: try again when it has time; else {% endif %}[service] deadline_ms is "
    "how long an answer may take ({{ deadline_ms|round }} ms now){% elif status >= 300 and status < 400 %}[service] "
    "headers says what a front would add (X-Forwarded-Proto, Host), [service] url where the service answers itself"
    "{% else %}[service] headers says what every request carries, such as the Host that the service knows{% endif %}"
)


@code(
    "load.turned_away",
    "unknown",
    title="The service turned the load away",
    sentence="{{ bad }} of {{ requests|count('request') }} got no good answer, most often {{ request }}: "
    "{% if status %}HTTP {{ status }}{% else %}{{ outcome|replace('_', ' ') }}{% endif %}{% if said %} ({{ said }})"
    "{% endif %}; the load sent {{ load_per_s|round(1) }} a second, and the probes {{ probes_per_s|round(1) }}",
    meaning="The service refused what the harness sent, as it may well refuse a stranger: by a limit of its own, for "
    "want of a header or a login, or because it answers later than [service] deadline_ms. Nothing was measured, and "
    "nothing is said about the system.",
    causes=(
        "the service limits how often one address may ask",
        "it wants a header that its front adds, a known Host, or a login",
        "its answers take longer than deadline_ms by nature",
    ),
    look="load-status.jsonl in the folder of the run, and the log of the service",
    hint=_TURNED_AWAY_HINT,
    matter="load",
)
class TurnedAway(Details):
    """``request``, ``outcome``, ``status`` and ``said`` are of the commonest bad answer; ``status`` is 0 without one.
    ``bad`` of so many ``requests``. ``cpu_percent``: how busy all processors of the host were."""

    request: str
    outcome: str
    status: int
    said: str
    bad: int
    requests: int
    load_per_s: float
    probes_per_s: float
    deadline_ms: float
    cpu_percent: float = 0.0


@code(
    "load.not_measured",
    "unknown",
    title="Nothing was measured under load",
    sentence="there is no time from steady load to its end",
    meaning="The run has no stretch in which the load was steady, so downtime cannot be counted.",
    look="the other findings of this run",
    hint="mend what kept the load from starting, and run again",
    matter="load",
    absent=True,
)
class NotMeasured(Details):
    pass


@code(
    "load.sender_ended_badly",
    "unknown",
    title="A sender did not end well",
    sentence="the {{ sender }} did not end well: {{ why }}",
    meaning="The load or the prober had to be killed, or ended with an error, so its books may lack requests.",
    look="load.log and prober.log in the folder of the run",
    hint="run it again; send us the log if it comes back",
    matter="harness",
)
class SenderEndedBadly(Details):
    sender: str
    why: str


@code(
    "load.no_samples",
    "unknown",
    title="A sender left no samples",
    sentence="there are no samples of the {{ sender }}",
    meaning="Nothing tells what the load or the prober did.",
    hint="run it again",
    matter="harness",
    absent=True,
)
class NoSamples(Details):
    sender: str


@code(
    "load.samples_incomplete",
    "unknown",
    title="Samples of a sender are incomplete",
    sentence="the samples of {{ sender }} are incomplete",
    meaning="A file of samples has no trailer, or another number of samples than its trailer says.",
    hint="run it again",
    matter="harness",
    absent=True,
)
class SamplesIncomplete(Details):
    sender: str


@code(
    "load.requests_dropped",
    "unknown",
    title="Requests that were due never started",
    sentence="the {{ sender }} could not start {{ requests|count('request') }} that were due",
    meaning="An open load owes each request at its time; those that were not sent would have shown how slow it was.",
    causes=("more requests were under way than the sender can hold", "the machine is busy"),
    hint="lower [load] arrival_rate, or take an idle machine",
    matter="load",
)
class RequestsDropped(Details):
    sender: str
    requests: int


@code(
    "load.nothing_sent",
    "unknown",
    title="A sender sent nothing",
    sentence="the {{ sender }} sent nothing",
    meaning="The load or the prober was up and sent no request.",
    hint="check [load] in system.toml",
    matter="load",
    absent=True,
)
class NothingSent(Details):
    sender: str


@code(
    "load.requests_unaccounted",
    "unknown",
    title="Requests are unaccounted for",
    sentence="the {{ sender }} started {{ started|count('request') }}, but what became of {{ recorded }} is recorded",
    meaning="The sender says how many requests it started, and its samples hold another number.",
    hint="run it again; send us the folder of the run if it comes back",
    matter="harness",
)
class Unaccounted(Details):
    sender: str
    started: int
    recorded: int


@code(
    "load.books_differ",
    "unknown",
    title="Ledger and samples differ",
    sentence="of the {{ sender }}'s writes the ledger holds {{ ledger }} {{ outcome }}, the samples {{ samples }}",
    meaning="The ledger says which writes must not be lost, the samples which were sent. They must tell of the same.",
    causes=("a file of the recording was cut off",),
    hint="run it again; send us the folder of the run if it comes back",
    matter="harness",
)
class BooksDiffer(Details):
    sender: str
    outcome: str
    ledger: int
    samples: int


@code(
    "harness.cpu_saturated",
    "unknown",
    title="A sender used a whole core",
    sentence="the {{ sender }} used {{ '%.0f'|format(cpu_percent) }} % of a core "
    "(limit {{ '%.0f'|format(limit_percent) }} %)",
    meaning="A generator near one whole core measures its own queue.",
    causes=("the stated load is more than one process can send",),
    hint="lower [load] users or arrival_rate",
    matter="harness",
)
class CpuSaturated(Details):
    sender: str
    cpu_percent: float
    limit_percent: float


@code(
    "harness.cpu_not_known",
    "unknown",
    title="It is not known what a sender used",
    sentence="it is not known how much of a core the {{ sender }} used",
    meaning="The resource meter has no rows of this sender, so it may have measured its own queue.",
    hint="run it again",
    matter="harness",
)
class CpuNotKnown(Details):
    sender: str


@code(
    "host.clock_stepped",
    "unknown",
    title="The wall clock was stepped",
    sentence="the wall clock was stepped by {{ seconds|s }} during the run",
    meaning="The system's own logs and leases go by the wall clock, and cannot be laid beside the recording.",
    causes=("a time service corrected the clock", "a virtual machine was paused"),
    hint="let the clock settle, and run it again",
    matter="host",
)
class ClockStepped(Details):
    seconds: float


@code(
    "load.instruments_disagree",
    "unknown",
    title="Prober and load disagree",
    sentence="the {{ one }} saw an outage of {{ seconds|s }} ({{ channel }}, {{ failed }} failed) in which all "
    "{{ requests }} requests of the {{ other }} were good",
    meaning="One instrument saw nothing but failure where the other saw nothing but success: one of them is wrong.",
    causes=("the two are routed differently", "one of them uses a connection that was cut"),
    hint="look at the path each request takes; run it again",
    matter="load",
)
class Disagree(Details):
    one: str
    other: str
    channel: str
    seconds: float
    failed: int
    requests: int


@code(
    "load.silent",
    "unknown",
    title="The load paused",
    sentence="the {{ sender }} sent {% if what %}no {{ what }}{% else %}nothing{% endif %} for {{ seconds|s(1) }}",
    meaning="For a stretch no request, no read or no write was sent, so nothing tells what clients would have met.",
    causes=("the sender was stopped", "all users waited for answers at once"),
    hint="run it again; raise [load] users if all of them may wait at once",
    matter="load",
)
class Silent(Details):
    """``what``: reads or writes; empty for both."""

    sender: str
    what: str
    seconds: float


@code(
    "load.unanswered_at_end",
    "unknown",
    title="Nothing was answered at the end",
    sentence="no probe was answered in the last {{ seconds|s }} of the load",
    meaning="The load ended while nothing was answered: an outage that had not ended cannot be measured.",
    causes=("the service froze or died in the last moments",),
    look="operations/service.out",
    hint="run it again",
    matter="system",
)
class UnansweredAtEnd(Details):
    seconds: float


@code(
    "load.misrouted",
    "unknown",
    title="A sender reached another server",
    sentence="none of the {{ writes|count('write') }} acknowledged to {{ sender }} was ever found, though others' "
    "were: somebody else answered it",
    meaning="What one sender was promised is nowhere in the data, although other senders' writes are there.",
    causes=("another service answers at that address", "a front sends some clients elsewhere"),
    hint="check [service] url and what listens there",
    matter="load",
)
class Misrouted(Details):
    sender: str
    writes: int


@code(
    "load.hollow",
    "unknown",
    title="Probes were answered by a front",
    sentence="{{ why }}",
    meaning="The path that is probed is answered as a path that does not exist: the service did not answer.",
    causes=("a front answers what it does not know with a page of its own",),
    hint="probe a path that only the service answers: the first read of [load] requests",
    matter="load",
)
class Hollow(Details):
    why: str


@code(
    "load.strange_content",
    "unknown",
    title="Probes got another kind of content",
    sentence="{{ probes|count('probe') }} got another kind of content ({{ kinds|join('; ') }}): "
    "is that a page of the front?",
    meaning="A request that is always answered with one kind of content was answered with another.",
    causes=("a front answers with a page of its own while the service is away",),
    hint="give the request expect_body, so that only the service's own answer is good",
    matter="load",
)
class StrangeContent(Details):
    probes: int
    kinds: list[str]


@code(
    "load.server_count_differs",
    "unknown",
    title="The server counted other requests",
    sentence="the server counted {{ counted|count('request') }}, the clients sent {{ least }} to {{ most }}",
    meaning="By its access log the server got fewer requests than were answered, or more than were sent.",
    causes=("another server answers a part of the load", "the access log is buffered or rotated"),
    hint="check [service] access_log; flush it at once",
    matter="load",
)
class ServerCountDiffers(Details):
    counted: int
    least: int
    most: int


CODES = (
    Sound,
    RecordingIncomplete,
    NotSteady,
    TurnedAway,
    NotMeasured,
    SenderEndedBadly,
    NoSamples,
    SamplesIncomplete,
    RequestsDropped,
    NothingSent,
    Unaccounted,
    BooksDiffer,
    CpuSaturated,
    CpuNotKnown,
    ClockStepped,
    Disagree,
    Silent,
    UnansweredAtEnd,
    Misrouted,
    Hollow,
    StrangeContent,
    ServerCountDiffers,
)
