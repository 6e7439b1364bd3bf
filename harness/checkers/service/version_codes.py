"""The codes of versions in service: what was promised, what answered, and a version known to be broken."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.checkers.core.codes import Details, OperationEnd, code


@code(
    "version.as_promised",
    "pass",
    title="The promised version is in service",
    sentence="each time the promised version answered when the operation exited"
    "{% if looks_after %}, and again at {{ looks_after|count('look') }} soon after{% endif %}"
    "{% if after_failures %}, and after one that failed the version that was there{% endif %}",
    meaning="When an operation had exited 0 the service said the version that was asked for. After one that failed it "
    "said the version that was there before.",
)
class AsPromised(Details):
    """``operations`` that left the version they promised, ``after_failures`` of them had failed. ``looks_after``: how
    often the promised version was seen again."""

    operations: int
    looks_after: int
    after_failures: int


@code(
    "version.not_served_at_exit",
    "fail",
    title="It said success too early",
    sentence="{{ end.id }} exited 0 after {{ end.seconds|s }} while /version still said {{ version }} "
    "({% if later_s is none %}and {{ wanted }} never came{% else %}for another {{ later_s|s(1) }}{% endif %})",
    meaning="The operation exited with 0 while another version than the one it promised was in service.",
    causes=("it goes on in the background", "it does not look whether the new version answers", "it did nothing"),
    look="operations/<id>.out, and the versions in service in the timeline",
    hint="end the operation only when the service itself, through its front, says the version",
)
class NotServedAtExit(Details):
    """``name`` of the operation; ``version`` was said where ``wanted`` was promised, which came ``later_s`` seconds
    after the exit (None: never)."""

    name: str
    end: OperationEnd
    version: str
    wanted: str
    later_s: float | None


@code(
    "version.did_not_stay",
    "fail",
    title="The promised version did not stay",
    sentence="{{ end|ended }} and /version said {{ wanted }}, and {{ later_s|s }} later {{ version }}: it did not stay",
    meaning="The promised version answered when the operation had exited 0, and soon after another one did, though "
    "nothing else was done.",
    causes=("an old process serves again after a restart", "the front still knows the old version"),
    look="the versions in service in the timeline, and the log of the service",
    hint="end the old version, and make the switch last over a restart",
)
class DidNotStay(Details):
    name: str
    end: OperationEnd
    version: str
    wanted: str
    later_s: float


@code(
    "version.changed_by_failure",
    "fail",
    title="A failed operation left another version",
    sentence="{{ end|ended }} and left version {{ version }} in service, where {{ before }} was",
    meaning="The operation said that it failed, and afterwards another version was in service than before it.",
    causes=("it fails after the switch and does not go back",),
    look="what it printed last, and the phase in which it failed",
    hint="go back to the old version when a step after the switch fails, or fail before it",
)
class ChangedByFailure(Details):
    name: str
    end: OperationEnd
    version: str
    before: str


@code(
    "version.unanswered",
    "unknown",
    title="The service did not say its version",
    sentence="/version did not answer right after {{ operations|join(', ') }}",
    meaning="The harness asks which version is in service as soon as an operation has exited, and had no answer.",
    causes=("the service was not ready when the operation exited", "`version` in [service] is not its path"),
    look="[service] version and version_pointer, and the log of the service",
    hint="end the operation only when the service answers again",
)
class Unanswered(Details):
    operations: list[str]


class VersionAfter(msgspec.Struct):
    """Which version served ``before`` an operation that did not succeed, and which ``after`` it; empty: not known."""

    before: str
    after: str


class BrokenVersionServed(msgspec.Struct):
    """How long a ``version`` known to be broken was in service, seen from outside: ``seconds`` at its longest, of which
    ``resolution_s`` lie between two questions. ``got_traffic``: it was seen to answer. ``until``: what ended that, the
    operation itself, the one with the id ``replaced_by``, or nothing. ``unseen_s``: the longest stretch of the
    operation in which nothing said which version serves, 0 for none. Of ``requests`` due meanwhile ``bad`` were bad."""

    version: str
    got_traffic: bool
    seconds: float
    resolution_s: float
    until: Literal["operation", "replaced", "end", ""]
    replaced_by: str
    requests: int
    bad: int
    unseen_s: float


_HARM = (
    "version {{ served.version }}, known to be broken, "
    "{% if served.got_traffic %}served for {{ served.seconds|s }} (resolution {{ served.resolution_s|s }})"
    "{% if served.until == 'replaced' %}, until {{ served.replaced_by }} replaced it"
    "{% elif served.until == 'end' %}, to the end{% endif %}; {{ served.bad }} of "
    "{{ served.requests|count('request') }} due meanwhile were bad{% else %}"
    "{{ 'was not seen' if served.unseen_s else 'never got traffic' }}{% endif %}"
    "{% if served.unseen_s %}, and nothing said which version serves for {{ served.unseen_s|s }} of {{ end.id }}"
    "{% endif %}"
)


class BrokenVersionEnd(Details):
    end: OperationEnd
    served: BrokenVersionServed
    version: VersionAfter


@code(
    "version.broken_promoted",
    "fail",
    title="A broken version was promoted",
    sentence="{{ end|ended }} although " + _HARM,
    meaning="The deployment of a version that system.toml calls broken exited with 0.",
    causes=(
        "the kit does not watch the new version after the switch",
        "what it watches says that all is well, whatever the service answers",
    ),
    look="what the monitors of the kit said while the version served",
    hint="watch error rate and latency as clients see them after the switch, and go back when they are bad",
)
class BrokenPromoted(Details):
    end: OperationEnd
    served: BrokenVersionServed


@code(
    "version.broken_served_unseen",
    "note",
    title="A broken version was promoted unseen",
    sentence="{{ end|ended }} although " + _HARM + '; asks_monitors = "before" has it so',
    meaning="The monitors were lost in the middle of the deployment of a version known to be broken, and it asks them "
    "only before it changes anything: so long may a broken version serve.",
)
class BrokenServedUnseen(Details):
    end: OperationEnd
    served: BrokenVersionServed


@code(
    "version.broken_not_said",
    "unknown",
    title="A broken version stayed, which may be meant",
    sentence="{{ end|ended }} although " + _HARM,
    meaning="The monitors were lost in the middle of the deployment of a version known to be broken. Whether it is to "
    "ask them to its end, or only before it changes anything, is not said.",
    causes=("the kit asks the monitors once, before it begins", "it does not watch the new version after the switch"),
    look="what the kit asks of a monitor, and when",
    hint='[operations.deploy] asks_monitors = "throughout" or "before"',
    matter="plan",
)
class BrokenNotSaid(Details):
    end: OperationEnd
    served: BrokenVersionServed


@code(
    "version.broken_withdrawn",
    "pass",
    title="A broken version was withdrawn",
    sentence="{{ end|ended }} and version {{ version.before }} serves; " + _HARM + "; {{ end|said }}",
    meaning="The deployment of a version known to be broken did not succeed, and the version before serves again.",
)
class BrokenWithdrawn(BrokenVersionEnd):
    pass


@code(
    "version.broken_left",
    "fail",
    title="A broken version was left in service",
    sentence="{{ end|ended }} and left version {{ version.after }} in service; " + _HARM + "; {{ end|said }}",
    meaning="The deployment of a version known to be broken said that it failed, and the version before does not serve "
    "again.",
    causes=("it fails after the switch and does not go back", "the way back failed as well"),
    look="what it printed last, and the versions in service in the timeline",
    hint="go back to the old version when the new one is bad, and say so only when that answers",
)
class BrokenLeft(BrokenVersionEnd):
    pass


@code(
    "version.broken_unseen",
    "unknown",
    title="What the broken version served is not known",
    sentence="{{ end|ended }}"
    "{% if version.after and version.before %} and version {{ version.before }} serves"
    "{% else %}, and the harness did not see which version served then{% endif %}; " + _HARM + "; {{ end|said }}",
    meaning="The deployment of a version known to be broken failed, as it should. Which version served in it, or after "
    "it, was not told.",
    causes=("a version that hangs does not say its version", "the run ended before it was asked again"),
    look="the versions in service in the timeline",
    hint="let the front answer the version also of one that is broken, and run again",
)
class BrokenUnseen(BrokenVersionEnd):
    pass


@code(
    "version.not_watched",
    "unknown",
    title="The version in service was not watched",
    sentence="the harness did not watch from outside which version was in service",
    meaning="How long a broken version served is seen by asking from outside; in this run the harness did not ask.",
    causes=("system.toml has no `version` in [service]", "the run was broken off"),
    look="[service] version and version_pointer",
    hint="say in [service] where the version is to be asked for",
    matter="plan",
    absent=True,
)
class NotWatched(Details):
    pass


VERSIONS = (AsPromised, NotServedAtExit, DidNotStay, ChangedByFailure, Unanswered)
BROKEN_VERSION = (
    BrokenPromoted,
    BrokenServedUnseen,
    BrokenNotSaid,
    BrokenWithdrawn,
    BrokenLeft,
    BrokenUnseen,
    NotWatched,
)
