"""The codes of what is found about the run itself: whether it was made, recorded to its end, and judged."""

from __future__ import annotations

import msgspec

from harness.checkers.core.codes import Details, code


@code(
    "run.complete",
    "pass",
    title="The run went to its end",
    sentence="it went to its end, all is recorded ({{ events|count('event') }})",
    meaning="The recording has its closing event, and every file that its events name is whole.",
    matter="harness",
)
class Complete(Details):
    events: int


@code(
    "run.broken_off",
    "unknown",
    title="The system broke the run off",
    sentence="{{ error }}",
    meaning="The service, its seed or another part of the system failed in a way that nothing could follow. What was "
    "not run proves nothing.",
    causes=("the service or its seed did not start",),
    look="operations/*.out in the folder of the run",
    hint="{{ advice or 'mend what the system said last, and run again' }}",
    absent=True,
)
class BrokenOff(Details):
    """``error`` is what ended the run, ``advice`` what to try, empty where nothing is known."""

    error: str
    advice: str


@code(
    "run.broken_off_elsewhere",
    "unknown",
    title="The run was broken off",
    sentence="{{ error }}",
    meaning="The harness or the host ended the run before its time, which says nothing about the system.",
    causes=("the disk that holds the recording was full", "this host lacks what the system.toml asks for"),
    look="inside.log in the folder of the run",
    hint="{{ advice or 'run it again' }}",
    matter="harness",
    absent=True,
)
class BrokenOffElsewhere(Details):
    """As BrokenOff."""

    error: str
    advice: str


@code(
    "run.interrupted",
    "unknown",
    title="The run was interrupted",
    sentence="the run was interrupted",
    meaning="A signal or a deadline ended the run. What was not run proves nothing.",
    hint="run it again",
    matter="harness",
)
class Interrupted(Details):
    pass


@code(
    "run.no_island",
    "unknown",
    title="There was no island to run on",
    sentence="the island could not be made: {{ error }}",
    meaning="A run lives in namespaces of its own, and this host did not make them.",
    causes=("the kernel or a container forbids namespaces", "the interpreter may not be executed in them"),
    look="island.log and inside.log in the folder of the run; `deploydrill doctor`",
    hint="{{ advice or '`deploydrill doctor` says what this host lacks and how to get it' }}",
    matter="host",
)
class NoIsland(Details):
    """As BrokenOff."""

    error: str
    advice: str


@code(
    "run.host_lacks",
    "unknown",
    title="This host lacks what the cell needs",
    sentence="this host lacks {% for name in needs %}{{ name|host_need_why }}{{ '; ' if not loop.last }}{% endfor %}",
    meaning="Nothing was measured: what the cell does takes something that this host, or this user, does not have.",
    look="`deploydrill doctor`",
    hint="`deploydrill doctor` says how to get it",
    matter="host",
)
class HostLacks(Details):
    """Names of harness/host/host_needs.py."""

    needs: list[str]


@code(
    "run.attached_lacks",
    "unknown",
    title="It takes an island",
    sentence="it takes an island, for {% for name in needs %}{{ name|host_need }}"
    "{{ ', ' if not loop.last }}{% endfor %}, and a system that runs already has none",
    meaning="Nothing was measured: to a system that runs already nothing is done but what it allows.",
    look="[service] of the system.toml",
    hint="give [service] a start instead of attach, or run other cells",
    matter="plan",
)
class AttachedLacks(Details):
    """Names of harness/host/host_needs.py."""

    needs: list[str]


@code(
    "run.system_lacks",
    "unknown",
    title="The system.toml lacks what the cell needs",
    sentence="the system.toml has no {{ keys|join(', ') }}, which this cell is about",
    meaning="Nothing was measured: the cell is about a link, a monitor, a version or an operation that the system.toml "
    "does not declare.",
    look="the system.toml",
    hint="add it to the system.toml, or run other cells",
    matter="plan",
)
class SystemLacks(Details):
    """Keys of system.toml, as they are written there."""

    keys: list[str]


@code(
    "run.not_made",
    "unknown",
    title="The run was not made",
    sentence="{{ error }}",
    meaning="Nothing was measured: the harness could not begin the run.",
    look="inside.log and island.log in the folder of the run",
    hint="{{ advice or '`deploydrill doctor` says what this host can do' }}",
    matter="harness",
)
class NotMade(Details):
    """As BrokenOff."""

    error: str
    advice: str


@code(
    "run.silent",
    "unknown",
    title="The run left no event",
    sentence="nothing was recorded{% if said %}; {{ file }}: {{ said }}{% endif %}",
    meaning="The inside half of the run ended before it wrote anything.",
    causes=("the interpreter may not be executed on the island",),
    look="island.log and inside.log in the folder of the run",
    hint="`deploydrill doctor` says what this host can do",
    matter="host",
)
class Silent(Details):
    """The last line of a log, in the words of whoever wrote it."""

    file: str
    said: str


@code(
    "recording.events_torn",
    "unknown",
    title="Events of the recording are torn",
    sentence="{{ torn }} of {{ lines|count('event line') }} are torn or out of sequence",
    meaning="What those lines said is not known, so what was recorded proves nothing.",
    causes=("the run was killed", "the disk that holds the recording was full", "the file was edited"),
    look="events.jsonl in the folder of the run",
    hint="run it again",
    matter="harness",
    absent=True,
)
class EventsTorn(Details):
    torn: int
    lines: int


@code(
    "recording.cut_short",
    "unknown",
    title="The recording was cut short",
    sentence="the recording was cut short (no closing event)",
    meaning="The run ended without its last event: it was broken off, or could not write any more.",
    causes=("the run was killed", "the disk that holds the recording was full", "something broke the run off"),
    look="the other findings of this run, inside.log",
    hint="mend what broke it off, and run again",
    matter="harness",
    absent=True,
)
class CutShort(Details):
    pass


@code(
    "recording.mixed",
    "unknown",
    title="Events of several runs are mixed",
    sentence="events of different runs seem to be mixed (time runs backwards)",
    meaning="One run writes its events in the order of time; these are not.",
    causes=("files of two run folders were put together",),
    hint="run it again",
    matter="harness",
)
class Mixed(Details):
    pass


@code(
    "recording.file_missing",
    "unknown",
    title="A file of the recording is missing",
    sentence="{{ file }} is missing",
    meaning="An event names the file, and it is not in the folder of the run.",
    causes=("the file was deleted since the run",),
    hint="put it back, or run again",
    matter="harness",
)
class FileMissing(Details):
    file: str


@code(
    "recording.file_changed",
    "unknown",
    title="A file of the recording was changed",
    sentence="{{ file }} is not the one of this run",
    meaning="The file has another digest than the one that was recorded with it.",
    causes=("the file was edited since the run", "files of two run folders were put together"),
    hint="put it back as it was, or run again",
    matter="harness",
)
class FileChanged(Details):
    file: str


@code(
    "recording.samples_incomplete",
    "unknown",
    title="Samples are incomplete",
    sentence="the samples of {{ sender }} are incomplete (no trailer, or its count differs)",
    meaning="A file of samples has no trailer, or another number of samples than its trailer says.",
    causes=("the sender was killed", "the disk that holds the recording was full"),
    hint="run it again",
    matter="harness",
    absent=True,
)
class SamplesIncomplete(Details):
    sender: str


@code(
    "recording.ledger_torn",
    "unknown",
    title="A line of the ledger is torn",
    sentence="{{ line }} of the ledger holds no write",
    meaning="A write that the ledger does not tell of cannot be missed.",
    causes=("the sender was killed", "the disk that holds the recording was full"),
    hint="run it again",
    matter="harness",
    absent=True,
)
class LedgerTorn(Details):
    """``line``: file and number."""

    line: str


@code(
    "recording.unreadable",
    "unknown",
    title="The recording cannot be read whole",
    sentence="not all of the recording can be read: {{ error }}",
    meaning="A file of the recording is not what it was when it was written.",
    causes=("a file of the run folder was changed or replaced afterwards",),
    hint="run it again",
    matter="harness",
)
class Unreadable(Details):
    error: str


@code(
    "plan.not_provided",
    "unknown",
    title="The system lacks a planned operation",
    sentence="the system provides no {{ operation }}",
    meaning="The scenario takes a step that the system.toml declares no operation for. What needs it is unknown.",
    causes=("the operation is not declared in the system.toml",),
    look="[operations] and [versions] of the system.toml",
    hint="declare it in the system.toml, or leave the cell out",
    matter="plan",
)
class NotProvided(Details):
    operation: str


@code(
    "plan.left_out",
    "unknown",
    title="A planned part was left out",
    sentence="{{ what }} was left out: {{ why }}",
    meaning="The run could not do a part of its plan.",
    hint="the reason above says what it takes",
    matter="plan",
)
class LeftOut(Details):
    what: str
    why: str


@code(
    "plan.stopped",
    "unknown",
    title="The run was stopped as [limits] has it",
    sentence="{% if limit == 'url' %}the URL of stop_when answered {{ said }}{% elif limit == 'bad_share' %}"
    "{{ '%.1f'|format(100 * value) }} % of the requests were bad, and {{ '%g'|format(100 * allowed) }} % are allowed"
    "{% elif limit == 'load' %}the load has told nothing of itself for {{ value }} s, so nobody knows how the service "
    "is{% else %}the 95th percentile of latency was {{ value }} ms, and {{ '%g'|format(allowed) }} ms are allowed"
    "{% endif %}: every fault was reverted, and the rest was left out",
    meaning="[limits] stop_when says how badly off the service may be in a rehearsal. It was worse off than that.",
    causes=("the fault hurts clients", "the service was as badly off before"),
    look="the timeline of the run, and what was in when it was stopped",
    hint="raise [limits] stop_when, or rehearse on a system that nobody needs",
    matter="plan",
)
class Stopped(Details):
    """``limit``: bad_share, latency_ms_p95, url, or load, which was silent; ``said`` is what that
    answered."""

    limit: str
    value: float
    allowed: float
    said: str


class Step(msgspec.Struct):
    """How often a step ended, of how often it was planned."""

    operation: str
    done: int
    planned: int


@code(
    "plan.steps_missing",
    "unknown",
    title="Not all planned steps were taken",
    sentence="came to an end: {% for s in steps %}{{ s.done }} of {{ s.planned|count(s.operation) }}"
    "{{ ', ' if not loop.last }}{% endfor %}; what was not run proves nothing",
    meaning="Rounds or steps of the plan are missing from the recording.",
    causes=("the service did not recover, so further rounds were given up", "the run was broken off"),
    look="the other findings of this run",
    hint="mend what broke it off, and run again",
    matter="plan",
    absent=True,
)
class StepsMissing(Details):
    steps: list[Step]


@code(
    "checker.none",
    "unknown",
    title="No checker gave a finding",
    sentence="no checker said anything about this run",
    meaning="None of the listed checkers found anything to judge in this run.",
    hint="list a checker in the scenario whose question this run can answer",
    matter="plan",
)
class NoChecker(Details):
    pass


@code(
    "checker.missing",
    "unknown",
    title="A checker of the plan is not at hand",
    sentence="the checker {{ checker }} is not at hand: {{ why }}",
    meaning="The run is judged by the checkers that its plan names. One of your own is known by its file, its class "
    "and a digest of the file: where the file is gone or was edited, what it would have said is not known.",
    causes=("the file of the checker was edited, moved or deleted since the run",),
    look="`plan.checkers` in the run.json of the run",
    hint="put the file back as it was (`deploydrill judge --scenarios DIR` looks in DIR, too), or run again",
    matter="plan",
)
class CheckerMissing(Details):
    checker: str
    why: str


@code(
    "checker.hung",
    "unknown",
    title="A checker did not end",
    sentence="the checker {{ checker }} had not ended after {{ limit_s }} s",
    meaning="A checker only reads files and counts; one that takes so long will not end.",
    causes=("a checker of your own waits or loops",),
    hint="mend the checker, and make the run again: one that was edited since the run judges nothing",
    matter="harness",
)
class CheckerHung(Details):
    checker: str
    limit_s: float


@code(
    "checker.crashed",
    "unknown",
    title="A checker crashed",
    sentence="the checker {{ checker }} crashed: {{ error }}",
    meaning="A checker raised an error, or gave something that is no finding of a code it declares.",
    causes=("a bug in the checker",),
    hint="mend the checker, and make the run again: one that was edited since the run judges nothing",
    matter="harness",
)
class CheckerCrashed(Details):
    checker: str
    error: str


CODES = (
    Complete,
    BrokenOff,
    BrokenOffElsewhere,
    Interrupted,
    NoIsland,
    HostLacks,
    AttachedLacks,
    SystemLacks,
    NotMade,
    Silent,
    EventsTorn,
    CutShort,
    Mixed,
    FileMissing,
    FileChanged,
    SamplesIncomplete,
    LedgerTorn,
    Unreadable,
    NotProvided,
    LeftOut,
    Stopped,
    StepsMissing,
    NoChecker,
    CheckerMissing,
    CheckerHung,
    CheckerCrashed,
)
