"""The codes of what a restore brought back."""

from __future__ import annotations

from typing import Literal

from harness.checkers.core.codes import Details, code


@code(
    "restore.exact",
    "pass",
    title="The restore is exact",
    sentence="{% if to == 'latest' %}one clean cut after the backup{% else %}exactly the snapshot{% endif %}"
    "{% if by_content %}, which {{ by_content }} made as the data show{% endif %}"
    "{% if clients_only %} of our clients' writes{% endif %}: "
    "{{ lost|count('write') }} after it lost, {{ lost_s|s }} of work",
    meaning='The data is one clean cut, at the moment of the backup or (to = "latest") anywhere between it and the '
    "beginning of the restore, and what was written after the restore stayed.",
)
class Exact(Details):
    """``by_content``: the id of the operation that made the backup, where only what was restored tells which it was.
    ``lost``: acknowledged writes younger than the backup, which a restore takes back by nature; they reach back
    ``lost_s`` seconds. ``clients_only``: no totals are declared, so seeded data was not compared."""

    restore: str
    lost: int
    lost_s: float
    clients_only: bool
    indeterminate: int
    to: str = ""
    by_content: str = ""


@code(
    "restore.older_lost",
    "fail",
    title="The restored backup lacks older writes",
    sentence="{{ writes|count('write') }} older than the backup missing (first: {{ tokens[:1]|join }})",
    meaning="These writes were acknowledged before the backup began, and the restore did not bring them back.",
    causes=(
        "the backup copies the database file without its write-ahead log",
        "the backup copies an older snapshot than it says",
        "the restore uses another backup than the latest",
    ),
    look="what the backup operation copies, and when the first missing write was acknowledged",
    hint="take the backup through the engine's own snapshot or backup call",
)
class OlderLost(Details):
    restore: str
    writes: int
    tokens: list[str]


@code(
    "restore.resurrected",
    "fail",
    title="A restore brought removed writes back",
    sentence="{{ writes|count('write') }} resurrected that an earlier restore had taken away "
    "(first: {{ tokens[:1]|join }})",
    meaning="An earlier restore had removed these writes before the backup was taken, so the backup cannot hold them.",
    causes=("the restore used another backup than the one named", "files of an older state were left in place"),
    look="which backup the restore used",
    hint="replace the data directory whole, and log which backup is used",
)
class Resurrected(Details):
    restore: str
    writes: int
    tokens: list[str]


@code(
    "restore.mixed",
    "fail",
    title="The restored data is a mixture",
    sentence="{% if how == 'hole' %}no clean cut: {{ writes|count('write') }} missing though a later one of the "
    "snapshot is there{% elif how == 'newer_survived' %}mixed: {{ writes|count('write') }} sent after the backup "
    "was taken, and before {{ restore }} began, survived it{% else %}mixed: {{ writes|count('write') }} of "
    "the time {{ restore }} ran kept while later ones are gone{% endif %} (first: {{ tokens[:1]|join }})",
    meaning="The data is neither the backup nor what was there before, but parts of both.",
    causes=(
        "the restore copies over files that the service has open",
        "the write-ahead log of the old data was left beside the restored file",
        "the service wrote on while the restore ran",
    ),
    look="the order in which the restore stops the service, replaces files and removes logs",
    hint="stop the service, restore into a new directory without old logs, then switch to it in one rename",
)
class Mixed(Details):
    """``how``: writes younger than the backup survived; writes of the snapshot are missing before later ones of it
    (a hole); or, of the time the restore ran, earlier writes are there and later ones are not."""

    restore: str
    how: Literal["newer_survived", "hole", "while_restoring"]
    writes: int
    tokens: list[str]


@code(
    "restore.later_lost",
    "fail",
    title="Writes after the restore were lost",
    sentence="{{ writes|count('write') }} acknowledged after {{ restore }} had ended lost "
    "(first: {{ tokens[:1]|join }})",
    meaning="The restore had reported success when these writes were acknowledged, and they are gone.",
    causes=("the restore goes on in the background after it has exited", "the service still writes to the old files"),
    look="what runs after the restore has exited",
    hint="let the restore exit only when the service runs on the restored data",
)
class LaterLost(Details):
    restore: str
    writes: int
    tokens: list[str]


@code(
    "restore.unreadable",
    "fail",
    title="The restored data cannot be read",
    sentence="{{ restore }} exited 0, and the data cannot be read: {{ error }}",
    meaning="The restore reported success, and the service answers the read-back with an error of its own.",
    causes=("the restore mixed files of two states", "the backup itself is damaged"),
    look="operations/service.out after the restore",
    hint="let the restore check the integrity of what it restored before it reports success",
)
class RestoredUnreadable(Details):
    restore: str
    error: str


@code(
    "restore.backup_unknown",
    "unknown",
    title="It is not known which backup was restored",
    sentence="it is not known which backup this was restored from, or when that was taken",
    meaning="Without the time of the snapshot it cannot be told which writes have to be there, and what was restored "
    "is a cut of the data at no backup of this run.",
    causes=(
        "`status` does not name the latest backup",
        "the backup was not made in this run",
    ),
    hint="let `status` name the backups with path and size, mark the phase that copies, and let the operation `backup` "
    "make the backup that is restored",
    matter="plan",
)
class BackupUnknown(Details):
    pass


@code(
    "restore.ends_later",
    "unknown",
    title="A restore ended later than its backup",
    sentence="one clean cut, and later than the backup: {{ newer|count('write') }} sent after it was taken and before "
    "{{ restore }} began are there (first: {{ tokens[:1]|join }})",
    meaning="The restore replayed a log, which is sound; or it did nothing, or not to all of the data.",
    causes=("the restore replays a log up to the last commit", "the restore does nothing, and says that it succeeded"),
    look="what the restore does after it has put the backup in place",
    hint='[operations.restore] to = "latest" if it replays a log, to = "snapshot" if it has to end at its backup',
    matter="plan",
)
class EndsLater(Details):
    """``newer`` writes are there that the backup cannot hold."""

    restore: str
    newer: int
    tokens: list[str]


@code(
    "restore.nothing_older",
    "unknown",
    title="No write was older than the backup",
    sentence="no acknowledged write was older than the backup",
    meaning="The backup had no write of our clients to bring back, so the restore proves nothing about them.",
    causes=("the backup was taken before the load began",),
    hint="take the backup under load, or give [load] a higher write_rate",
    matter="plan",
)
class NothingOlder(Details):
    pass


@code(
    "restore.nothing_younger",
    "unknown",
    title="Nothing was written after the backup",
    sentence="nothing was written between the backup and the restore: one that did nothing looks the same",
    meaning="A restore that does nothing at all would leave the same data, so this one proves nothing.",
    causes=("the restore followed the backup at once", "no write was acknowledged in between"),
    hint="let writes come in between the backup and the restore",
    matter="plan",
)
class NothingYounger(Details):
    pass


@code(
    "restore.replayed_nothing",
    "unknown",
    title="A restore that replays a log replayed nothing",
    sentence="none of the {{ younger|count('write') }} that were acknowledged after the backup and before "
    "{{ restore }} is there",
    meaning="The restore is to end at the last commit before it began, and it ended at its backup. What is lost is "
    "measured; it may be all that had not been archived yet.",
    causes=("the log was not archived in time", "the restore does not replay it"),
    look="the archive of the log, and what the restore prints",
    hint='let more time pass between the backup and the restore; to = "snapshot" if it ends at its backup',
    matter="plan",
)
class ReplayedNothing(Details):
    restore: str
    younger: int


@code(
    "restore.left_no_traces",
    "unknown",
    title="A restore may have done nothing",
    sentence="{{ restore }} exited 0, all is there, and it left no trace: the data file is the one it was, nobody "
    "was seen to read the backup, and nobody was turned away",
    meaning='A restore that ends at the last commit (to = "latest") leaves the data as it was, and so does one that '
    "does nothing.",
    causes=("the restore does nothing, and says that it succeeded", "the backup is no file of this host"),
    look="what the restore prints, and which files it writes",
    hint="let the restore put new files in the place of the old ones; name the data in [data] database or dir",
    matter="plan",
)
class LeftNoTraces(Details):
    restore: str


CODES = (
    Exact,
    OlderLost,
    Resurrected,
    Mixed,
    LaterLost,
    RestoredUnreadable,
    BackupUnknown,
    EndsLater,
    NothingOlder,
    NothingYounger,
    ReplayedNothing,
    LeftNoTraces,
)
