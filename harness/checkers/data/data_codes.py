"""The codes of what a read-back shows of the data, whatever operation it follows."""

from __future__ import annotations

from harness.checkers.core.codes import Details, code


@code(
    "data.kept",
    "pass",
    title="Every acknowledged write was found",
    sentence="all {{ acknowledged|count('acknowledged write') }} were found, none twice"
    "{% if payloads %}, none torn{% endif %}"
    "{% if lag_s %}, the last after {{ lag_s|s }}{% endif %}",
    meaning="The read-back holds every write that was acknowledged before it, each once and, where entries show their "
    "payload, as it was sent.",
)
class Kept(Details):
    """``acknowledged``: how many were asked for; ``indeterminate`` ones may be there or not. ``lag_s``: for so long it
    was asked again until all were there, as `settle_s` allows. ``payloads``: whether all entries showed theirs."""

    acknowledged: int
    indeterminate: int
    lag_s: float = 0.0
    payloads: bool = True


@code(
    "data.lags",
    "unknown",
    title="The newest writes showed up late",
    sentence="all were found, the newest only when it was asked again, after {{ lag_s|s }}",
    meaning="Writes that had been acknowledged were not in the read-back at first, and were a little later. That is "
    "sound where it reads from a replica or an index, which lags; else an acknowledged write was not there yet.",
    causes=("the read-back reads from a replica or an index", "the service acknowledges a write before it is stored"),
    look="where the read-back reads from",
    hint="[load.read_back] settle_s says how long a write may take to show up",
    matter="plan",
)
class Lags(Details):
    lag_s: float


@code(
    "data.acknowledged_lost",
    "fail",
    title="Acknowledged writes were lost",
    sentence="{{ writes|count('acknowledged write') }} lost"
    "{% if after %} after {{ after }}, acknowledged within {{ span_s|s }}, {{ within }} of them while it ran or "
    "after it{% endif %} (first: {{ tokens[:1]|join }})",
    meaning="The service acknowledged these writes, and the read-back does not find them.",
    causes=(
        "the operation replaced or truncated data while the service wrote to it",
        "the service acknowledges a write before it is stored durably",
        "the old version went on writing after the cut-over",
    ),
    look="the first lost write in ledger/*.jsonl, and the phase of the operation it was acknowledged in",
    hint="stop or drain writes around the switch, and acknowledge a write only once it is stored",
)
class Lost(Details):
    """``tokens``: the first 20. ``after``: the operation the read-back follows, empty for none; the lost writes were
    acknowledged within ``span_s`` seconds, ``within`` of them after that operation began."""

    writes: int
    tokens: list[str]
    acknowledged: int
    after: str
    span_s: float
    within: int


@code(
    "data.came_back",
    "fail",
    title="Writes that were gone came back",
    sentence="{{ writes|count('write') }} came back that an earlier read-back had shown to be gone "
    "(first: {{ tokens[:1]|join }})",
    meaning="An earlier read-back did not find these writes, and now they are there again: the service went back to "
    "data it had given up.",
    causes=("two copies of the data are in use, and the switch chose the older one",),
    look="which data directory each version of the service uses",
    hint="keep one copy of the data, and let a switch never return to another one",
)
class CameBack(Details):
    writes: int
    tokens: list[str]


@code(
    "data.duplicated",
    "fail",
    title="Writes were found more than once",
    sentence="{{ writes|count('write') }} found more than once (first: {{ tokens[:1]|join }})",
    meaning="A client wrote each of these once, and the data holds it several times.",
    causes=("rows were copied twice by a migration", "a retry inside the service repeats a write"),
    look="the migration, and the unique keys of the table",
    hint="make the step that copies rows safe to repeat (a unique key, an upsert)",
)
class Duplicated(Details):
    writes: int
    tokens: list[str]


@code(
    "data.torn",
    "fail",
    title="Writes were found altered",
    sentence="{{ writes|count('write') }} found with another payload than was sent (first: {{ tokens[:1]|join }})",
    meaning="These writes are there, and not as the client sent them.",
    causes=("a file was copied while it was being written", "a migration altered or mixed up rows"),
    look="the payload of the first one in the observation and in the ledger",
    hint="copy data by a snapshot of the engine (backup API, dump), not file by file under load",
)
class Torn(Details):
    writes: int
    tokens: list[str]


@code(
    "data.refused_found",
    "fail",
    title="Refused writes were stored all the same",
    sentence="{{ writes|count('write') }} refused and yet found (first: {{ tokens[:1]|join }})",
    meaning="The service told the client that it had refused these writes, and stored them.",
    causes=("the service answers with an error after it has committed",),
    look="the status of the first one in ledger/*.jsonl",
    hint="let the answer follow from the commit: an error only when nothing was stored",
)
class RefusedFound(Details):
    writes: int
    tokens: list[str]


@code(
    "data.total_wrong",
    "fail",
    title="An invariant of the data does not hold",
    sentence="{{ total }} is {{ '%g'|format(found) }}, not {{ '%g'|format(expected) }}",
    meaning="A total that the system reports with its read-back is not what [load.read_back.totals] says it must be.",
    causes=("a migration left rows behind or changed them", "seeded rows were lost"),
    look="the totals of the read-backs before and after, and the operation between them",
    hint="find the operation after which it changed; check the migration in one transaction or by counts",
)
class TotalWrong(Details):
    total: str
    found: float
    expected: float


@code(
    "data.unreadable",
    "fail",
    title="The service cannot read its data",
    sentence="the data cannot be read: {{ error }}",
    meaning="The service answered the read-back with an error of its own: it is up, and its data is not readable.",
    causes=("the database is damaged", "the schema is not the one this version needs"),
    look="operations/service.out, and the error above",
    hint="check the data with the engine's own integrity check",
)
class Unreadable(Details):
    error: str


@code(
    "data.not_read",
    "unknown",
    title="The data could not be read back",
    sentence="not read: {{ error }}",
    meaning="The read-back had no usable answer, so nothing is known about the data.",
    causes=("the service was down or too slow", "[load.read_back] does not fit the answer"),
    look="operations/service.out at the time of the read-back",
    hint="check that [load.read_back] path and pointers fit what the service answers",
)
class NotRead(Details):
    error: str


@code(
    "data.totals_missing",
    "unknown",
    title="The system did not report a total",
    sentence="the system did not report {{ totals|join(', ') }}",
    meaning="A total of [load.read_back.totals] is not in the answer of the read-back, so it could not be compared.",
    causes=("the pointer is misspelt", "this version of the service does not report it"),
    hint="correct the pointer in [load.read_back.totals], or remove it",
    matter="plan",
)
class TotalsMissing(Details):
    totals: list[str]


@code(
    "data.unknown_writes",
    "unknown",
    title="Writes were found that no ledger holds",
    sentence="{{ writes|count('write') }} of our own clients were found that no ledger holds "
    "(first: {{ tokens[:1]|join }})",
    meaning="The data holds writes with tokens of our clients that are not in the ledger, so the ledger is incomplete.",
    causes=("a client was killed before it wrote its ledger", "the data is left over from an earlier run"),
    look="ledger/ in the folder of the run",
    hint="run it again on fresh data",
    matter="harness",
)
class UnknownWrites(Details):
    writes: int
    tokens: list[str]


@code(
    "data.undecidable",
    "unknown",
    title="Writes cannot be judged after an unread restore",
    sentence="{{ writes|count('write') }} cannot be judged: the restore before was never read back",
    meaning="A restore came before that no read-back follows, so it is not known which writes it took away.",
    hint="read back after each restore in the scenario",
    matter="plan",
)
class Undecidable(Details):
    writes: int


@code(
    "data.nothing_acknowledged",
    "unknown",
    title="No acknowledged write was there to be lost",
    sentence="no acknowledged write was there to be lost",
    meaning="No write had been acknowledged when the read-back began, so nothing could be lost.",
    causes=("[load] has no request of kind write, or all of them were refused",),
    look="the writes in the load of the report",
    hint="give [load] a write_rate, and a request of kind write that the service accepts",
    matter="load",
    absent=True,
)
class NothingAcknowledged(Details):
    pass


DAMAGE = (Duplicated, Torn, RefusedFound, TotalWrong)
GAPS = (Lags, TotalsMissing, UnknownWrites, Undecidable)
