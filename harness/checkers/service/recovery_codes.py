"""The codes of recovery: whether the service became healthy again by itself, and the kit works again."""

from __future__ import annotations

from typing import Literal

from harness.checkers.core.codes import Details, OperationEnd, code

_AFTER = (
    "{% if after == 'fault_healed' %}{{ fault }} ({{ id }}) was healed"
    "{% elif after == 'operation_failed' %}{{ id }} failed{% else %}{{ id }} exited 0{% endif %}"
)


class Recoveries(Details):
    """``id`` of what the service had to recover from: a fault (whose name is ``fault``) or an operation. ``seconds``
    from that until it was healthy and ready, or was looked at last."""

    after: Literal["fault_healed", "operation_failed", "operation_succeeded"]
    id: str
    fault: str
    seconds: float


@code(
    "service.recovered",
    "pass",
    title="The service recovered by itself",
    sentence="healthy and ready {{ 'at the first look, ' if at_first_look }}{{ seconds|s }} after " + _AFTER,
    meaning="After the fault was healed, or the operation had ended, the service became healthy and ready by itself.",
)
class Recovered(Recoveries):
    """``at_first_look``: that came late, so the service may have been well long before."""

    at_first_look: bool


@code(
    "service.not_recovered",
    "fail",
    title="The service did not recover",
    sentence="still not healthy and ready {{ seconds|s(1) }} after " + _AFTER,
    meaning="The service was still not healthy and ready after the claimed time (`recovery_s`), or as long as the run "
    "waits.",
    causes=("the operation left the service stopped", "the service keeps a broken connection or a full buffer"),
    look="the log of the service from that moment on",
    hint="let a supervisor restart the service, or let the operation that fails put back what it found",
)
class NotRecovered(Recoveries):
    pass


@code(
    "service.recovery_seen_late",
    "unknown",
    title="Recovery was seen too late to time it",
    sentence="healthy and ready {{ 'at the first look, ' if at_first_look }}{{ seconds|s }} after " + _AFTER + ", "
    "seen too late to say whether it kept the claimed {{ '%g'|format(limit_s) }} s",
    meaning="The harness looks at the service once an operation has ended. It was well then; when it became so is not "
    "known.",
    causes=("the fault was healed in the middle of a long operation",),
    look="the times of the fault and of the operation in the timeline",
    hint="hold the fault to the end of the operation, so that the look begins when it is healed",
    matter="plan",
)
class RecoverySeenLate(Recoveries):
    at_first_look: bool
    limit_s: float


@code(
    "service.recovery_not_awaited",
    "unknown",
    title="The service was given too little time",
    sentence="still not healthy and ready {{ seconds|s(1) }} after " + _AFTER + ", and the harness looked no longer",
    meaning="The harness stopped looking before the service had the time that it may take to recover.",
    causes=("the fault was healed just before the look at the service ended",),
    look="the times of the fault and of the operation in the timeline",
    hint="hold the fault for less long, or take more steps after it",
    matter="plan",
    absent=True,
)
class RecoveryNotAwaited(Recoveries):
    pass


@code(
    "service.recovery_not_watched",
    "unknown",
    title="Recovery was not watched",
    sentence="the harness did not look whether the service recovered after " + _AFTER,
    meaning="The run ended before the harness asked the service for its health again.",
    causes=("the run was broken off",),
    look="the findings about the run itself",
    hint="mend what broke the run off, and run again",
    matter="harness",
    absent=True,
)
class RecoveryNotWatched(Recoveries):
    pass


class AfterFault(Details):
    """``fault``: its name; ``to_the_end``: it stayed in, so that the next operation has to work under it."""

    fault: str
    to_the_end: bool


_MET = "{{ fault }} {{ 'came' if to_the_end else 'was healed' }}"


@code(
    "kit.works_after_fault",
    "pass",
    title="The kit works after the fault",
    sentence="{{ end.id }}, the first operation after it, succeeded",
    meaning="The first operation that could work again after the fault succeeded.",
)
class WorksAfterFault(AfterFault):
    end: OperationEnd


@code(
    "kit.broken_after_fault",
    "fail",
    title="The kit no longer works after the fault",
    sentence="{{ end|ended }}, the first operation after " + _MET + "; {{ end|said }}",
    meaning="The first operation that should work again after the fault failed: the fault left something behind.",
    causes=("a lock or a half-made file that the operation under the fault left", "the last backup is not whole"),
    look="what the operation printed, and what the one under the fault left in its directories",
    hint="let an operation clear up what it began when it fails, and the next one see through what is left",
)
class BrokenAfterFault(AfterFault):
    end: OperationEnd


@code(
    "kit.excused_after_fault",
    "unknown",
    title="The failure after the fault says nothing",
    sentence="{{ end|ended }}, the first operation after " + _MET + "; {{ end|said }}; {{ why }}",
    meaning="The first operation after the fault failed for a reason that says nothing about the kit.",
    causes=(
        "it works on a backup, and `status` did not say which there are",
        "it renames or removes a directory where the harness has a disk mounted",
        "it needs a link that was cut",
    ),
    look="what `status` prints; the output of the operation",
    hint="declare [operations.status] and let it name the backups; [data] mount is where the data disk is mounted; "
    "needs_links of an operation says what it cannot do without",
    matter="plan",
)
class ExcusedAfterFault(AfterFault):
    end: OperationEnd
    why: str


@code(
    "kit.not_tried_after_fault",
    "unknown",
    title="No operation was run after the fault",
    sentence="no operation was run after " + _MET,
    meaning="Whether the kit works again after the fault is shown by the next operation, and there was none.",
    causes=("the run was broken off", "the system provides none of the later operations of the scenario"),
    look="the findings about the run itself",
    hint="declare the operations that the scenario takes after the fault",
    matter="plan",
    absent=True,
)
class NotTriedAfterFault(AfterFault):
    pass


CODES = (
    Recovered,
    NotRecovered,
    RecoverySeenLate,
    RecoveryNotAwaited,
    RecoveryNotWatched,
    WorksAfterFault,
    BrokenAfterFault,
    ExcusedAfterFault,
    NotTriedAfterFault,
)
