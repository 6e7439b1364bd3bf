"""The codes of how operations end: as expected or not, by themselves or not at all."""

from __future__ import annotations

import msgspec

from harness.checkers.core.codes import Answer, Details, OperationEnd, code, end_of
from harness.model import Operation
from harness.recording.history import mount_met, not_told
from harness.recording.recording import Recording


@code(
    "operations.none",
    "unknown",
    title="No operation was run",
    sentence="no operation was run",
    meaning="The run was broken off before its first operation, or the system provides none of those of the scenario.",
    causes=("the service or its seed did not start",),
    look="the findings about the run itself",
    hint="mend what broke the run off, or declare the operations in system.toml",
    matter="plan",
    absent=True,
)
class NoOperation(Details):
    pass


@code(
    "operations.as_expected",
    "pass",
    title="Operations ended as expected",
    sentence="all ended as expected ({{ operations|count('operation') }})",
    meaning="Each operation that could work succeeded, and each that could not work said so by its exit code.",
)
class AsExpected(Details):
    """``operations``: how many had an expected end, and it."""

    operations: int


@code(
    "operation.failed",
    "fail",
    title="An operation failed that should work",
    sentence="{{ end|ended }}; {{ end|said }}",
    meaning="Nothing stood in the way of the operation, and it exited with another code than 0 or not at all.",
    causes=("what an operation before it, or a fault, left behind", "a defect of the operation itself"),
    look="operations/<id>.out in the folder of the run, and the operation before it",
    hint="read what it printed; `--keep` keeps the data of the system for a look",
)
class OperationFailed(Details):
    """``name`` of the operation, and how it ended."""

    name: str
    end: OperationEnd


@code(
    "operation.failed_under_left_fault",
    "unknown",
    title="It failed with a fault left in",
    sentence="{{ end|ended }}, while {{ fault }} ({{ fault_id }}), which could not be reverted, may still have been in",
    meaning="The operation should work, and failed after a fault that the harness could not revert: it may have failed "
    "for that.",
    causes=("a fault of your own has no `undo` for what it changes",),
    look="the finding about the fault",
    hint="mend the fault, so that it is reverted, and run again",
    matter="plan",
)
class FailedUnderLeftFault(Details):
    name: str
    end: OperationEnd
    fault: str
    fault_id: str


@code(
    "operation.may_need_link",
    "unknown",
    title="It failed with a link cut",
    sentence="{{ end|ended }}, while {{ fault }} was on the link {{ link }}; {{ end|said }}",
    meaning="The operation failed under a cut link, and it is not said whether it can do without that link.",
    causes=(
        "it needs what is behind the link, such as the copy off site of a backup",
        "it does not, and failed anyhow",
    ),
    look="the output of the operation, and what of it needs the link",
    hint='[operations.{{ name }}] needs_links = ["{{ link }}"] if it cannot do without; needs_links = [] if it can',
    matter="plan",
)
class MayNeedLink(Details):
    name: str
    end: OperationEnd
    fault: str
    link: str


@code(
    "operation.link_not_said",
    "unknown",
    title="It succeeded with a link cut",
    sentence="{{ end|ended }}, while {{ fault }} was on the link {{ link }}",
    meaning="The operation succeeded under a cut link, and it is not said whether it promises what is behind it.",
    causes=(
        "it does without, and makes up for it later",
        "it failed to do what it promises, and says that it succeeded",
    ),
    look="the output of the operation, and what of it needs the link",
    hint='[operations.{{ name }}] needs_links = ["{{ link }}"] if it must not succeed without; needs_links = [] if it '
    "may",
    matter="plan",
)
class LinkNotSaid(Details):
    name: str
    end: OperationEnd
    fault: str
    link: str


@code(
    "operation.succeeded_unseen",
    "unknown",
    title="It succeeded unseen, which may be meant",
    sentence="{{ end|ended }} although it met {{ fault }} in its middle: {{ probe }}",
    meaning="Every monitor was lost in the middle of the operation, and it went on to success. Whether it is to ask "
    "them to its end, or only before it changes anything, is not said.",
    look="what the kit asks of a monitor, and when",
    hint='[operations.deploy] asks_monitors = "throughout" or "before"',
    matter="plan",
)
class SucceededUnseen(Details):
    name: str
    end: OperationEnd
    fault: str
    probe: str


@code(
    "operation.met_our_mount",
    "unknown",
    title="An operation moved a disk of the harness",
    sentence="{{ end|ended }}; {{ end|said }}; the harness has a disk mounted at {{ place }}, which nobody can rename "
    "or remove",
    meaning="The kit renames, replaces or removes the data directory as a whole. That is sound, and cannot be done to "
    "the place of a mount.",
    look="the output of the operation",
    hint='[data] mount = "{dir}", or another directory above {{ place }}: the disk is mounted there then',
    matter="plan",
)
class MetOurMount(Details):
    name: str
    end: OperationEnd
    place: str


@code(
    "operation.backup_unknown",
    "unknown",
    title="It is not known which backup to use",
    sentence="{{ end|ended }}; {{ end|said }}; it could not be told which backup: {{ status_error }}",
    meaning="`{backup}` in the command was empty, because `status` did not say which backups there are. A failure then "
    "says nothing about the kit.",
    causes=("system.toml declares no `status` operation", "`status` failed, or printed no list of backups"),
    look="what `status` prints",
    hint="declare [operations.status] and let it name the backups",
    matter="plan",
)
class BackupUnknown(Details):
    """``status_error``: why `status` named no backup."""

    name: str
    end: OperationEnd
    status_error: str


@code(
    "operation.succeeded_under_fault",
    "fail",
    title="An operation succeeded that could not work",
    sentence="{{ end|ended }} although it met {{ fault }}: {{ probe }}",
    meaning="The operation met a fault with which its work cannot be done, and exited with 0 all the same.",
    causes=("an error of a step is printed and then ignored", "the exit code is that of the last command in a pipe"),
    look="operations/<id>.out, and the step of the operation that met the fault",
    hint="let the operation end with another code than 0 when a step of it fails (`set -euo pipefail` in a shell)",
)
class SucceededUnderFault(Details):
    """``fault``: its name; ``probe``: what was seen of it."""

    name: str
    end: OperationEnd
    fault: str
    probe: str


@code(
    "operation.copy_missing",
    "fail",
    title="A backup succeeded without its copy off site",
    sentence="{{ end|ended }} although it met {{ fault }}, and {{ copy|told }}: {{ probe }}",
    meaning="The operation met a fault that lets bytes through. It may succeed if its copy off site is whole and "
    "counts; this one is not.",
    causes=("an upload that broke off is not tried again", "the size of what was stored is not compared"),
    look="the read-back after the operation: what is stored, and what `status` says of copies",
    hint="compare what is stored with what was sent, and try again or fail",
)
class CopyMissing(Details):
    name: str
    end: OperationEnd
    fault: str
    probe: str
    copy: list[Answer]


@code(
    "operation.copy_unknown",
    "unknown",
    title="It is not known whether the copy is whole",
    sentence="{{ end|ended }} although it met {{ fault }}, and {{ copy|told }}: {{ probe }}",
    meaning="The operation met a fault that lets bytes through, and succeeded. Nothing tells whether its copy off site "
    "is whole.",
    causes=("no [dependencies] has a `store`", "`status` failed", "no read-back follows the operation"),
    look="the read-back after the operation",
    hint="say where the dependency stores what it was sent: `store` in [dependencies.<name>]",
    matter="plan",
)
class CopyUnknown(Details):
    name: str
    end: OperationEnd
    fault: str
    probe: str
    copy: list[Answer]


@code(
    "operation.fault_not_met",
    "unknown",
    title="An operation did not meet its fault",
    sentence="{{ end|ended }} where a failure was expected, but it met no fault itself",
    meaning="The operation was to fail under the fault of this cell, and nothing shows that it met it.",
    causes=("the fault came after the step that it was for", "the operation does not use what was taken away"),
    look="the findings about the fault, and when it was in",
    hint="mark the phases of the operation, so that the fault lands where its work is",
    matter="plan",
)
class FaultNotMet(Details):
    name: str
    end: OperationEnd


class Progress(msgspec.Struct):
    """What an operation did in its last ``seconds``: CPU time, and bytes written (None: not known). ``going_on``:
    enough of either to say that it got further."""

    seconds: float
    cpu_s: float
    written_bytes: int | None
    going_on: bool


_DID = (
    "{{ last.cpu_s|s }} of CPU{% if last.written_bytes is not none %}, {{ last.written_bytes|size }} written{% endif %}"
)


@code(
    "operation.hung",
    "fail",
    title="An operation did not end in time",
    sentence="{{ end|ended }}: {% if last %}{% if last.going_on %}still progressing (" + _DID + " in the last "
    "{{ last.seconds|s(1) }}); {% else %}no progress for {{ last.seconds|s(1) }} (" + _DID + "); blocked on "
    "{% endif %}{% endif %}{{ end.blocked_on or 'it is not known on what it hung' }}",
    meaning="The operation was still running at its deadline (`deadline_s`), and the harness killed it.",
    causes=("a wait for the network without a limit", "a lock that is never released", "`deadline_s` is too short"),
    look="what it was blocked on, and the phase in which that was",
    hint="give each wait a limit, or raise `deadline_s` of the operation if it was still progressing",
)
class OperationHung(Details):
    """``last``: None where the harness did not look."""

    name: str
    end: OperationEnd
    last: Progress | None


@code(
    "operations.ended",
    "pass",
    title="Operations ended by themselves",
    sentence="all ended; the longest, {{ longest.id }}, after {{ longest.seconds|s }}",
    meaning="No operation was still running at its deadline.",
)
class OperationsEnded(Details):
    operations: int
    longest: OperationEnd


def excuse(recording: Recording, operation: Operation) -> BackupUnknown | MetOurMount | None:
    """Why the failure of an operation says nothing about the kit; None where it does."""
    if place := mount_met(recording, operation):
        return MetOurMount(operation.name, end_of(operation), place)
    if not not_told(recording, operation):
        return None
    status_error = next(o.status_error for o in recording.observations if o.status_error)
    return BackupUnknown(operation.name, end_of(operation), status_error)
