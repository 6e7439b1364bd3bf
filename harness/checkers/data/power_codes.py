"""The codes of what a power cut leaves."""

from __future__ import annotations

from typing import Literal

import msgspec

from harness.checkers.core.codes import Answer, Details, OperationEnd, code


class Cut(msgspec.Struct):
    """The state that was started: what the cut fell into, what of the unflushed writes it holds, whose blocks the cut
    hit, how many writes had been acknowledged before it, and how long before it the newest of them."""

    during: str
    kept: str
    hit: str
    acknowledged: int
    newest_s: float | None = None


Answered = Literal["yes", "no", "undecided"]
_WAY_BACK = (
    "{% if way_back == 'yes' %}; the latest backup could be restored exactly{% elif way_back == 'no' %}; the latest "
    "backup could not be restored either{% endif %}"
)
_CUT = "{% if cut.hit %}; the cut hit {{ cut.hit }}{% endif %}"


@code(
    "power.survived",
    "pass",
    title="The power cut was survived",
    sentence="{{ live|told }}"
    "{% if cut.newest_s is not none %}, the newest {{ cut.newest_s|s }} old at the cut{% endif %}"
    "{% if as_if == 'not_begun' %} (as if {{ restore }} had not begun)"
    "{% elif as_if == 'done' %} (as if {{ restore }} had been done){% endif %}"
    "; the latest backup, {{ backup }}, restored: {{ way_back|told }}"
    "{% if again %}; {{ again }} works again{% endif %}" + _CUT,
    meaning="Started from what the cut left on the disk, the service had every acknowledged write, and its latest "
    "backup could be restored exactly.",
)
class Survived(Details):
    """``restore``: where the cut fell into one, and the data is ``as_if`` that had not begun, or had been done.
    ``again``: the operation the cut fell into, which was tried once more."""

    cut: Cut
    live: list[Answer]
    as_if: Literal["", "not_begun", "done"]
    restore: str
    backup: str
    way_back: list[Answer]
    again: str


@code(
    "power.service_down",
    "fail",
    title="The service does not start after a power cut",
    sentence="the service does not start by its own means: {{ error }}" + _WAY_BACK + _CUT,
    meaning="The service was started on the disk as the cut left it, and did not come up without help.",
    causes=("files were written in place without a sync, so the cut left a part of them", "a stale lock or pid file"),
    look="the start of this state in the run's log, and which files the cut hit",
    hint="write to a new file, fsync it, rename it, fsync its directory; remove stale locks at the start",
)
class ServiceDown(Details):
    """``way_back``: whether the latest backup could be restored from there."""

    cut: Cut
    error: str
    way_back: Answered


@code(
    "power.acknowledged_lost",
    "fail",
    title="A power cut lost acknowledged writes",
    sentence="{{ answers|told }}" + _WAY_BACK + _CUT,
    meaning="The service had acknowledged these writes before the cut, and after its restart they are gone.",
    causes=(
        "a write is acknowledged before it is synced (synchronous=OFF or NORMAL, no fsync)",
        "the disk or its controller ignores flushes",
    ),
    look="when the first lost write was acknowledged, relative to the cut",
    hint="acknowledge a write only after the engine has synced it",
)
class LostByCut(Details):
    """``answers``: what is wrong with the data, the lost writes first; ``way_back`` as in power.service_down."""

    cut: Cut
    writes: int
    answers: list[Answer]
    way_back: Answered


@code(
    "power.data_damaged",
    "fail",
    title="A power cut damaged the data",
    sentence="{{ answers|told }}" + _WAY_BACK + _CUT,
    meaning="After the restart no acknowledged write is missing, and the data is damaged or not readable.",
    causes=("data files were written without the engine's journal", "a page was written partly"),
    look="which files the cut hit",
    hint="leave all changes to the engine's own transactions, and sync files before they are renamed",
)
class DamagedByCut(Details):
    cut: Cut
    answers: list[Answer]
    way_back: Answered


@code(
    "power.half_restored",
    "fail",
    title="A cut left half a restore",
    sentence="neither as before {{ restore }} ({{ before|told }}) nor as after it ({{ after|told }})"
    + _WAY_BACK
    + _CUT,
    meaning="The cut fell into a restore, and the data is neither what was there before nor the backup.",
    causes=(
        "the restore replaces files in place",
        "the old write-ahead log stays beside the restored database",
        "the files of the restore are not synced before they get their names",
    ),
    look="the order of the restore's steps around the phase that the cut fell into",
    hint="restore into a new directory, sync it, and switch to it in one rename",
)
class HalfRestored(Details):
    cut: Cut
    restore: str
    before: list[Answer]
    after: list[Answer]
    way_back: Answered


@code(
    "power.restored_wrong",
    "fail",
    title="A finished restore was lost by a cut",
    sentence="{{ restore }} had ended before the cut, and its data is not what it restored: {{ answers|told }}"
    + _WAY_BACK
    + _CUT,
    meaning="The restore had reported success before the cut, and the data after the restart is not its backup.",
    causes=("the restore reports success before its files are synced", "an old write-ahead log is replayed"),
    look="the restore's sync calls, and the logs beside the database file",
    hint="sync files and directory before the restore exits 0, and remove old logs first",
)
class RestoredWrong(Details):
    cut: Cut
    restore: str
    answers: list[Answer]
    way_back: Answered


@code(
    "power.data_undecided",
    "unknown",
    title="The data after the cut cannot be judged",
    sentence="{% if restore %}it cannot be told whether {{ restore }} was done: {% endif %}{{ answers|told }}",
    meaning="The read-back of this state does not show whether all acknowledged writes are there.",
    causes=("the service did not answer the read-back", "no write had been acknowledged before the cut"),
    look="the read-back of this state",
    hint="run it again; give [load] a write_rate",
)
class DataUndecided(Details):
    cut: Cut
    restore: str
    answers: list[Answer]


@code(
    "power.backup_lost",
    "fail",
    title="No backup can be restored after a power cut",
    sentence="{% if live_lost %}no way back after power loss: {% endif %}"
    "{% if restore %}the latest backup, {{ backup }}, cannot be restored: {{ restore|ended }}; {{ restore|said }}"
    "{% else %}no backup is eligible, though {{ made }} had succeeded before the cut{% endif %}" + _CUT,
    meaning="A backup had succeeded before the cut. Afterwards the kit knows of none, or cannot restore the latest.",
    causes=(
        "the backup gets its final name before its content is synced",
        "its directory or its catalogue is not synced",
    ),
    look="which files the cut hit, and the sync calls of the backup",
    hint="fsync the backup, rename it, fsync its directory, and only then exit 0",
)
class BackupLost(Details):
    """``backup``: the latest by `status`, empty for none; ``made``: the last backup that had succeeded; ``restore``:
    how its restore ended; ``live_lost``: the live data did not survive either."""

    cut: Cut
    backup: str
    made: str
    restore: OperationEnd | None
    live_lost: bool


@code(
    "power.backup_wrong",
    "fail",
    title="The backup is not whole after a power cut",
    sentence="{% if live_lost %}no way back after power loss: {% endif %}"
    "the latest backup, {{ backup }}, was restored: {{ answers|told }}" + _CUT,
    meaning="The latest backup could be restored after the cut, and what it brought back is not what it held.",
    causes=("a part of the backup was never synced",),
    look="which files the cut hit",
    hint="fsync every file of the backup, and verify a checksum before it is restored",
)
class BackupWrong(Details):
    cut: Cut
    backup: str
    answers: list[Answer]
    live_lost: bool


@code(
    "power.status_broken",
    "fail",
    title="The kit's status breaks after a power cut",
    sentence="{% if live_lost %}no way back after power loss: {% endif %}"
    "it is not known which backup there is: {{ error }}" + _CUT,
    meaning="`status` fails on what the cut left, so nobody can tell which backup to restore.",
    causes=("a state file of the kit was written in place and is empty or cut off",),
    look="the error above, and the kit's state files",
    hint="write state files to a new name, fsync, rename; let `status` ignore one that is broken",
)
class StatusBroken(Details):
    cut: Cut
    error: str
    live_lost: bool


@code(
    "power.backup_undecided",
    "unknown",
    title="The way back cannot be judged",
    sentence="{% if why == 'no_status' %}it is not known which backup there is: the system declares no `status`"
    "{% elif why == 'none_yet' %}there was no backup yet to go back to"
    "{% elif why == 'not_tried' %}{{ backup }} was not restored"
    "{% elif why == 'status_needs_more' %}`status` fails also on the disk as it was before any cut: {{ error }}"
    "{% else %}the latest backup, {{ backup }}, was restored: {{ answers|told }}{% endif %}",
    meaning="It could not be tried, or not be told, whether a backup can be restored after the cut.",
    causes=(
        "the system.toml declares no `status` operation",
        "the cut came before the first backup",
        "`status` asks a store that is not there when the system is started from its disk alone",
    ),
    look="the other findings of this state",
    hint="declare [operations.status], or [backups], that tells of the backups without their store; take a backup "
    "before the cut",
)
class BackupUndecided(Details):
    cut: Cut
    why: Literal["no_status", "none_yet", "not_tried", "status_needs_more", "undecided"]
    backup: str
    answers: list[Answer]
    error: str = ""


@code(
    "power.operation_broken",
    "fail",
    title="An operation fails for good after a cut",
    sentence="{{ operation }} does not work any more: {{ end|ended }}; {{ end|said }}; {{ live|told }}" + _CUT,
    meaning="The operation that the cut interrupted was tried again on what the cut left, and failed.",
    causes=("a lock or a half-written file of the interrupted operation is in the way",),
    look="the output of the operation above",
    hint="let each operation clean up what an interrupted one left behind",
)
class OperationBroken(Details):
    """``operation``: its name (deploy, backup ...)."""

    cut: Cut
    operation: str
    end: OperationEnd
    live: list[Answer]


@code(
    "power.not_mounted",
    "unknown",
    title="The file system of a state cannot be mounted",
    sentence="its file system cannot be mounted ({{ error }}): that says nothing about the system",
    meaning="The file system itself did not survive this cut, so the system was not started on it.",
    causes=("the file system was made without a journal or barriers",),
    look="the label of the state: which unflushed writes it keeps",
    hint="run it again; other states of the same cut are judged",
    matter="host",
)
class NotMounted(Details):
    cut: Cut
    error: str


@code(
    "power.not_examined",
    "unknown",
    title="A state of the disk was not examined",
    sentence="{% if why %}it could not be examined: {{ why }}{% else %}it is missing from the recording{% endif %}",
    meaning="The state was built and not started, or its examination did not come to an end.",
    causes=("the run was broken off", "the machine is busy with other work"),
    look="inside.log in the folder of the run",
    hint="run it again on an idle machine",
    matter="harness",
)
class NotExamined(Details):
    why: str


@code(
    "power.control_failed",
    "unknown",
    title="The system cannot be started from its copy",
    sentence="{% if not started %}the control was not started: {{ why or 'it is missing from the recording' }}"
    "{% else %}the system cannot be started here: "
    "{% if error %}the service does not start by its own means: {{ error }}{% else %}{{ answers|told }}{% endif %}"
    "{% endif %}",
    meaning="The control is the disk whole and flushed, before any cut. The system did not run on it as it should, so "
    "nothing that was seen of a cut state can be laid to the cut.",
    causes=("the system needs something that is not on the logged disk", "a path or a port differs on the copy"),
    look="the control state in the folder of the run",
    hint="put all data of the system on the logged disk ([data] dir)",
    matter="plan",
)
class ControlFailed(Details):
    """``why`` it was not ``started`` at all, where that is known."""

    started: bool
    why: str
    error: str
    answers: list[Answer]


@code(
    "power.not_judged",
    "unknown",
    title="The state is not judged without its control",
    sentence="not judged, for the control failed; seen was: {{ seen|told }}",
    meaning="The control state failed, so what was seen of this state proves nothing.",
    look="the finding of the control",
    hint="mend the control first",
    matter="plan",
)
class NotJudged(Details):
    seen: list[Answer]


@code(
    "power.log_unsound",
    "unknown",
    title="The block log is not sound",
    sentence="{{ why }}",
    meaning="The log of block writes does not agree with the disk, so no crash state built from it can be trusted.",
    causes=("the disk was written past the log",),
    look="inside.log in the folder of the run",
    hint="run it again",
    matter="harness",
)
class LogUnsound(Details):
    why: str


@code(
    "power.not_cut",
    "unknown",
    title="No power was cut",
    sentence="no power was cut: no block write was seen where it was to be",
    meaning="The system wrote no block to the logged disk in the phases in which the power was to be cut.",
    causes=("the phase writes to another disk", "the kit marks the phase under another name, or not at all"),
    look="the phases of the run in its timeline",
    hint="put the data on the logged disk ([data] dir), and mark the phases the scenario names",
    matter="plan",
    absent=True,
)
class NotCut(Details):
    pass


@code(
    "power.fewer_cuts",
    "unknown",
    title="Fewer cuts were made than asked for",
    sentence="only {{ made }} of {{ asked }} cuts found a block write to be made at",
    meaning="The system wrote fewer blocks than cuts were asked for, so fewer moments were tried.",
    look="the cuts in the report",
    hint="ask for fewer cuts, or run it with more data",
    matter="plan",
)
class FewerCuts(Details):
    made: int
    asked: int


CODES = (
    Survived,
    ServiceDown,
    LostByCut,
    DamagedByCut,
    HalfRestored,
    RestoredWrong,
    DataUndecided,
    BackupLost,
    BackupWrong,
    StatusBroken,
    BackupUndecided,
    OperationBroken,
    NotMounted,
    NotExamined,
    ControlFailed,
    NotJudged,
    LogUnsound,
    NotCut,
    FewerCuts,
)
