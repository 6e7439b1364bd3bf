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
    "run.incomplete",
    "unknown",
    title="The run or its recording is incomplete",
    sentence="{{ problems|join('; ') }}",
    meaning="The run was broken off, or files of its recording are missing, torn or of another run. What was not "
    "recorded proves nothing.",
    causes=(
        "the service or its seed did not start",
        "a signal or a deadline ended the run",
        "the disk that holds the recording was full",
    ),
    look="inside.log and operations/*.out in the folder of the run",
    hint="read the problems above, mend the first one, and run again",
    matter="harness",
)
class Incomplete(Details):
    problems: list[str]


@code(
    "run.not_made",
    "unknown",
    title="The run was not made",
    sentence="{{ why }}",
    meaning="Nothing was measured: this host or this system lacks what the cell needs, or there was no island.",
    causes=("a capability of the host is missing", "the system.toml has no such link, monitor or version"),
    look="`deploydrill doctor`",
    hint="`deploydrill doctor` says what this host lacks and how to get it",
    matter="host",
)
class NotMade(Details):
    why: str


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
    hint="mend the checker, then `deploydrill judge` the run again",
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
    hint="mend the checker, then `deploydrill judge` the run again",
    matter="harness",
)
class CheckerCrashed(Details):
    checker: str
    error: str


CODES = (
    Complete,
    Incomplete,
    NotMade,
    Unreadable,
    NotProvided,
    LeftOut,
    StepsMissing,
    NoChecker,
    CheckerMissing,
    CheckerHung,
    CheckerCrashed,
)
