"""The codes of the contract: what a system.toml promises, whether it was kept, and what to try when not."""

from __future__ import annotations

from harness.checkers.core.codes import Details, OperationEnd, code

_WHICH_BACKUPS = (
    '`status` prints on stdout {"latest": PATH, "backups": [{"name", "path", "size", "eligible"}]}; without one, '
    "[backups] says it by glob, or by list and pattern"
)


@code(
    "contract.attached_ready",
    "pass",
    title="The attached service was ready",
    sentence="it was ready, in the old version",
    meaning="The system was attached to while it ran, in the old version.",
)
class Attached(Details):
    pass


@code(
    "contract.service_started",
    "pass",
    title="The service starts",
    sentence="ready {{ seconds|s }} after it was started",
    meaning="[service] start brought the service up, and its readiness said so.",
)
class Started(Details):
    seconds: float


@code(
    "contract.probe_answered",
    "pass",
    title="The service answers for itself",
    sentence="answered well",
    meaning="The path that says whether the service lives, or can serve, answered with a good status.",
)
class ProbeAnswered(Details):
    probe: str


@code(
    "contract.probe_refused",
    "unknown",
    title="The service has no such path for us",
    sentence="a service that is up answered {{ answer }}",
    meaning="The path by which the harness asks whether the service lives, or can serve, is not there, or is not for "
    "strangers.",
    hint="service.{{ probe }} is a path that answers 200 without a login, such as the one that its front asks; "
    "[service] headers go with it",
    matter="plan",
)
class ProbeRefused(Details):
    probe: str
    answer: str


@code(
    "contract.probe_wrong",
    "fail",
    title="A service that is up answers badly",
    sentence="a service that is up answered {{ answer }}",
    meaning="The path that says whether the service lives, or can serve, denied it while the service served.",
    hint='{% if probe == "health" %}200 while it lives: see service.health{% else %}200 once it can serve: '
    "see service.ready{% endif %}",
)
class ProbeWrong(Details):
    probe: str
    answer: str


@code(
    "contract.version_told",
    "pass",
    title="The service says its version",
    sentence="says {{ version }}",
    meaning="The service says through its front which version runs.",
)
class VersionTold(Details):
    version: str


@code(
    "contract.version_not_told",
    "unknown",
    title="The service does not say its version",
    sentence="nothing in the answer says which version runs",
    meaning="Whether a deployment did anything is told by the version that answers.",
    hint="service.version is the path and service.version_pointer where in its JSON; or version_pattern, "
    "version_header, version_command",
    matter="plan",
)
class VersionNotTold(Details):
    pass


@code(
    "contract.no_seed",
    "note",
    title="No seed is provided",
    sentence="not provided: the system starts with what it starts with, whatever --size says",
    meaning="Without `seed` the size of the data is not what was asked for.",
    matter="plan",
)
class NoSeed(Details):
    pass


@code(
    "contract.seed_failed",
    "fail",
    title="The seed failed",
    sentence="{{ end|ended }}; {{ end|said }}",
    meaning="The operation that fills the system with data failed.",
    hint="run its command by hand",
)
class SeedFailed(Details):
    end: OperationEnd


@code(
    "contract.seeded",
    "pass",
    title="The seed fills the system",
    sentence="{{ end|ended }}: {{ held_bytes|size }} of data, {{ asked_bytes|size }} were asked for",
    meaning="`seed` exited with 0, and the data directory holds data.",
)
class Seeded(Details):
    end: OperationEnd
    held_bytes: int
    asked_bytes: int


@code(
    "contract.little_data",
    "note",
    title="The seed left little data",
    sentence="far less than the {{ asked_bytes|size }} asked for: figures are of a smaller system than they say",
    meaning="The data after `seed` is less than half of what {size} asked for.",
    hint="let seed fill up to {size} bytes",
    matter="plan",
)
class LittleData(Details):
    held_bytes: int
    asked_bytes: int


@code(
    "contract.load_not_steady",
    "fail",
    title="The load never became steady",
    sentence="{{ why }}{% if unanswered %}the prober got no good answer ({{ unanswered|join(', ') }}) while the load "
    "did{% endif %}",
    meaning="The requests of [load] were not answered well for a while, so nothing was asked of the kit.",
    hint="check [[load.requests]] and service.url; see load.out in the folder of the run",
)
class LoadNotSteady(Details):
    """``unanswered``: channels of the prober, where only those got no good answer."""

    why: str
    unanswered: list[str]


@code(
    "contract.request_answered",
    "pass",
    title="A request is answered well",
    sentence='{{ good }} of {{ requests|count("request") }} were answered well',
    meaning="At least one request of this kind was answered as [[load.requests]] says a good answer is.",
)
class RequestAnswered(Details):
    request: str
    requests: int
    good: int


@code(
    "contract.request_often_failed",
    "unknown",
    title="A request is seldom answered well",
    sentence='{{ good }} of {{ requests|count("request") }} were answered well (else mostly: {{ mostly }})',
    meaning="Fewer than half of the requests of this kind were answered as [[load.requests]] says a good answer is.",
    hint="check the request {{ request }} in [[load.requests]], and whether the service carries this load: [load] "
    "users and write_rate, [probe] every_ms",
    matter="load",
)
class RequestOftenFailed(Details):
    request: str
    requests: int
    good: int
    mostly: str


@code(
    "contract.request_refused",
    "unknown",
    title="A request is turned away",
    sentence='none of {{ requests|count("request") }} was answered well (mostly: {{ mostly }})',
    meaning="The service refuses this request as it may well refuse a stranger: for want of a header, a login or time.",
    hint="{% if late %}[service] deadline_ms, or a machine that has time{% else %}[service] headers, "
    "the headers of the request {{ request }}, or [[load.login]]{% endif %}",
    matter="load",
)
class RequestRefused(Details):
    """``late``: it was most often not answered in time."""

    request: str
    requests: int
    mostly: str
    late: bool = False


@code(
    "contract.request_failed",
    "fail",
    title="A request is never answered well",
    sentence='none of {{ requests|count("request") }} was answered well (mostly: {{ mostly }})',
    meaning="No request of this kind was answered as [[load.requests]] says a good answer is.",
    hint="check the request {{ request }} in [[load.requests]]",
)
class RequestFailed(Details):
    request: str
    requests: int
    mostly: str


@code(
    "contract.broken_off",
    "fail",
    title="The run was broken off by the system",
    sentence="{{ error }}",
    meaning="The system ended the run before its time: it did not start, or failed in a way that nothing could follow.",
    hint="{{ advice }}",
)
class BrokenOff(Details):
    error: str
    advice: str


@code(
    "contract.broken_off_elsewhere",
    "unknown",
    title="The run was broken off",
    sentence="{{ error }}",
    meaning="The harness or the host ended the run before its time, which says nothing about the system.",
    hint='{{ advice or "run it again" }}',
    matter="harness",
)
class BrokenOffElsewhere(Details):
    error: str
    advice: str


@code(
    "contract.not_provided",
    "note",
    title="It is not provided",
    sentence="it was not tried: what needs it is unknown, never a pass",
    meaning="The system.toml declares no such operation, so that what needs it cannot be rehearsed. It promises none, "
    "and so breaks no promise.",
    hint="add [operations.{{ operation }}] to the system.toml{% if operation == 'status' %}, or [backups]{% endif %}",
)
class NotProvided(Details):
    operation: str


@code(
    "contract.data_not_read",
    "unknown",
    title="The data is not read back",
    sentence="nobody reads back what the clients wrote: no lost write would be seen",
    meaning="The system.toml declares no [load.read_back]: nothing tells whether acknowledged writes are there.",
    hint="add [load.read_back], with write requests whose {token} and {payload} it gives back",
    matter="plan",
)
class DataNotRead(Details):
    pass


@code(
    "contract.not_tried",
    "unknown",
    title="It was not tried",
    sentence="it was not tried: the run ended before",
    meaning="The run ended before this part of the contract was tried.",
    hint="put right what stands above",
    matter="plan",
)
class NotTried(Details):
    pass


@code(
    "contract.operation_failed",
    "fail",
    title="An operation failed",
    sentence="{{ end|ended }}{% if end.blocked_on %}; it hung in {{ end.blocked_on }}{% endif %}; {{ end|said }}",
    meaning="Without any fault the operation did not exit with 0.",
    hint="{% if end.exit is none %}operations.{{ operation }}.deadline_s is how long it may take{% else "
    "%}run it by hand; see operations/{{ end.id }}.out in the folder of the run{% endif %}",
)
class OperationFailed(Details):
    operation: str
    end: OperationEnd


@code(
    "contract.backup_not_named",
    "unknown",
    title="It was not told which backup",
    sentence="{{ end|ended }}; {{ why }}",
    meaning="The operation failed, but the kit's `status` had not told which backup it was to use.",
    hint=_WHICH_BACKUPS,
    matter="plan",
)
class BackupNotNamed(Details):
    end: OperationEnd
    why: str


@code(
    "contract.backup_made",
    "pass",
    title="A backup is made and named",
    sentence="{{ end|ended }}; status names {{ backup }}"
    "{% if held_bytes %}, {{ held_bytes|size }} on the disk{% endif %}",
    meaning="`backup` exited with 0, `status` names a new backup, and its file is there; or it is known by an id.",
)
class BackupMade(Details):
    end: OperationEnd
    backup: str
    held_bytes: int


@code(
    "contract.backup_not_known",
    "unknown",
    title="What the backup made is not known",
    sentence='{{ end|ended }}; what it made is not known: {{ why or "there was no read-back after it" }}',
    meaning="`backup` exited with 0, and `status` did not say what there is.",
    hint=_WHICH_BACKUPS,
    matter="plan",
)
class BackupNotKnown(Details):
    end: OperationEnd
    why: str


@code(
    "contract.no_new_backup",
    "fail",
    title="No new backup is named",
    sentence="{{ end|ended }}, and status names no backup that was not there before",
    meaning="`backup` exited with 0 and made nothing that `status` knows of.",
    hint="exit 0 only with a new backup. " + _WHICH_BACKUPS,
)
class NoNewBackup(Details):
    end: OperationEnd


@code(
    "contract.backup_file_missing",
    "fail",
    title="The named backup is not there",
    sentence='{{ end|ended }}, and {{ path }}, which status names, {{ "is empty" if empty else "does not exist" }}',
    meaning="`status` names a backup whose file is missing or empty.",
    hint="path in status is where the backup lies, in full",
)
class BackupFileMissing(Details):
    end: OperationEnd
    path: str
    empty: bool


@code(
    "contract.latest_is_another",
    "fail",
    title="Latest is not the new backup",
    sentence='{{ end|ended }} and made {{ backup }}, but what status calls latest is {{ latest or "null" }}',
    meaning="`status` calls another backup the latest than the one just made.",
    hint="latest is the path of what a restore would use",
)
class LatestIsAnother(Details):
    end: OperationEnd
    backup: str
    latest: str


@code(
    "contract.restore_not_known",
    "unknown",
    title="What the restore brought is not known",
    sentence='{{ end|ended }}; what it brought back is not known: {{ why or "it was never read back" }}',
    meaning="`restore` exited with 0, and the data could not be read back after it.",
    hint="[load.read_back] says how entries are read",
    matter="plan",
)
class RestoreNotKnown(Details):
    end: OperationEnd
    why: str


@code(
    "contract.status_answered",
    "pass",
    title="Status answers",
    sentence='asked {{ asked|count("time") }}, named up to {{ backups|count("backup") }}'
    "{% if latest %}, at last {{ latest }} as what a restore would use{% endif %}"
    "{% if kinds %}; of the kinds {{ kinds|join(', ') }}{% endif %}"
    "{% if also %}; also tells {{ also|join(', ') }}{% endif %}",
    meaning="`status`, or [backups] in its place, told each time which backups there are.",
)
class StatusAnswered(Details):
    """``latest``: the name of what a restore would use, at the last read-back; ``kinds``: what backups say they are."""

    asked: int
    backups: int
    also: list[str]
    latest: str = ""
    kinds: tuple[str, ...] = ()


@code(
    "contract.status_failed",
    "fail",
    title="Status does not answer",
    sentence="at {{ read_back }}: {{ error }}",
    meaning="`status` failed, or did not print the JSON object that it has to print.",
    hint=_WHICH_BACKUPS,
)
class StatusFailed(Details):
    read_back: str
    error: str


@code(
    "contract.read_back_failed",
    "fail",
    title="The data cannot be read back",
    sentence="{{ error }}",
    meaning="The entries could not be read back as [load.read_back] says.",
    hint="its pointers name where items, token and payload stand",
)
class ReadBackFailed(Details):
    error: str


@code(
    "contract.data_read",
    "pass",
    title="The data can be read back",
    sentence="{{ entries|grouped }} entries read",
    meaning="The pages of [load.read_back] could be read to their end. Nothing was written, so nothing is said of what "
    "is in them.",
)
class DataRead(Details):
    entries: int


@code(
    "contract.no_writes",
    "unknown",
    title="No write was acknowledged",
    sentence="no write was acknowledged before it",
    meaning="Nothing shows that a read-back sees what clients wrote.",
    hint="give [load] a write_rate, and a request of kind write",
    matter="plan",
)
class NoWrites(Details):
    pass


@code(
    "contract.foreign_entries",
    "fail",
    title="The read-back shows other entries",
    sentence='none of {{ acknowledged|count("acknowledged write") }} is among the {{ entries }} entries it gave',
    meaning="The read-back gives entries, and none that the clients wrote.",
    hint="token has to be what {token} of the request was",
)
class ForeignEntries(Details):
    acknowledged: int
    entries: int


@code(
    "contract.not_ours_to_stop",
    "note",
    title="A stop and start was not tried",
    sentence="not tried: it runs already, and is not the harness's to stop",
    meaning="An attached system is neither started nor stopped.",
    matter="plan",
)
class NotOursToStop(Details):
    pass


@code(
    "contract.still_answers",
    "fail",
    title="The stopped service still answers",
    sentence="5 s after it was stopped its address still answered: {{ answer }}",
    meaning="[service] stop left something behind that answers at the service's address.",
    hint="[service] stop has to end what start left behind; else somebody else is on that port",
)
class StillAnswers(Details):
    answer: str


@code(
    "contract.stop_failed",
    "note",
    title="The stop failed",
    sentence="{{ error }}",
    meaning="The command of [service] stop did not exit with 0, or not in time. Whether the service is gone is another "
    "finding.",
    hint="run [service] stop by hand while the service runs; service.stop_deadline_s gives it more time",
)
class StopFailed(Details):
    error: str


@code(
    "contract.stop_killed",
    "note",
    title="The service had to be killed",
    sentence="it had not ended {{ seconds|s }} after it was asked to, and was killed",
    meaning="The process that [service] start left in the foreground outlived service.stop_deadline_s.",
    hint="service.stop_deadline_s gives it more time",
)
class StopKilled(Details):
    seconds: float


@code(
    "contract.restart_not_known",
    "unknown",
    title="It is not known whether data stayed",
    sentence="ready again after {{ seconds|s }}; whether it kept its data is not known: no read-back",
    meaning="The service started again, and its data could not be compared.",
    hint="[load.read_back] says how entries are read",
    matter="plan",
)
class RestartNotKnown(Details):
    seconds: float


@code(
    "contract.restart_lost",
    "fail",
    title="A stop and start loses data",
    sentence="{{ lost }} of {{ entries }} entries are gone after it",
    meaning="Entries that were there before the service was stopped are gone after it was started.",
    hint="what was acknowledged lies in data.dir when the service ends",
)
class RestartLost(Details):
    lost: int
    entries: int


@code(
    "contract.restarted",
    "pass",
    title="A stop and start keeps the data",
    sentence="ready again after {{ seconds|s }}; all {{ entries }} entries are there",
    meaning="Stopped, the service did not answer; started again, it had what it had before.",
)
class Restarted(Details):
    seconds: float
    entries: int


@code(
    "contract.version_moved",
    "pass",
    title="The version changes",
    sentence="{{ end|ended }}; /version went from {{ before }} to {{ after }}",
    meaning="When the operation exited, the version that it was asked for answered.",
)
class VersionMoved(Details):
    end: OperationEnd
    before: str
    after: str


@code(
    "contract.nothing_moved",
    "fail",
    title="The version was there before",
    sentence="{{ end|ended }}, and /version said {{ version }} before it already: nothing shows that it did anything",
    meaning="The version that the deployment was asked for answered before it began.",
    hint="[versions] old and new have to be two, and service.version has to tell them apart",
)
class NothingMoved(Details):
    end: OperationEnd
    version: str


@code(
    "contract.nothing_to_move_back",
    "unknown",
    title="There was nothing to roll back",
    sentence="{{ end|ended }}, and /version said {{ version }} before it already: nothing shows that it did anything",
    meaning="The deployment before had failed, so the roll-back had nothing to do.",
    hint="put right what stands above",
    matter="plan",
)
class NothingToMoveBack(Details):
    end: OperationEnd
    version: str


@code(
    "contract.version_silent",
    "unknown",
    title="The version did not answer",
    sentence="{{ end|ended }}, and /version did not answer then",
    meaning="When the operation exited, the service did not say which version runs.",
    hint="exit 0 only when the version it was asked for answers, and not before",
)
class VersionSilent(Details):
    end: OperationEnd


@code(
    "contract.version_late",
    "fail",
    title="The version comes after the success",
    sentence="{{ end|ended }} while /version said {{ told }}, not {{ wanted }}, {% if late_s is none %}and "
    "never said so{% else %}and said so {{ late_s|s }} later{% endif %}",
    meaning="The operation exited with 0 before the version that it was asked for answered.",
    hint="exit 0 only when the version it was asked for answers, and not before",
)
class VersionLate(Details):
    end: OperationEnd
    told: str
    wanted: str
    late_s: float | None


@code(
    "contract.no_phases",
    "note",
    title="The kit marks no phases",
    sentence="none is marked: a fault can only land where an operation begins or ends",
    meaning="Marks are optional; with them a fault lands inside an operation.",
    hint="mark them over $DEPLOYDRILL_PHASES, or detect them by [phases]",
    matter="plan",
)
class NoPhases(Details):
    pass


@code(
    "contract.phases_marked",
    "note",
    title="The kit marks phases",
    sentence='{{ phases|join(", ") }}',
    meaning="The phases that were marked, or detected, in this operation.",
    matter="plan",
)
class PhasesMarked(Details):
    phases: list[str]


@code(
    "contract.phase_not_ended",
    "fail",
    title="A marked phase has no end",
    sentence="{{ operation }} marked the start of {{ phase }} and no stop",
    meaning="An operation that succeeded marked the start of a phase and never its stop.",
    hint="a phase ends before its operation exits 0",
)
class PhaseNotEnded(Details):
    operation: str
    phase: str


@code(
    "contract.downtime_seen",
    "note",
    title="There was downtime",
    sentence='{{ bad|grouped }} of {{ requests|count("request") }} were bad',
    meaning="A stop and start under load is no breach of the contract; of a claim it is.",
    hint="[claims] bad_requests (of a whole run: six rounds in baseline:round-trip) and deploy_outage_s, "
    "rollback_outage_s: what you promise; else every cell that deploys fails",
    matter="plan",
)
class DowntimeSeen(Details):
    bad: int
    requests: int


CODES = (
    Attached,
    Started,
    ProbeAnswered,
    ProbeRefused,
    ProbeWrong,
    VersionTold,
    VersionNotTold,
    NoSeed,
    SeedFailed,
    Seeded,
    LittleData,
    LoadNotSteady,
    RequestAnswered,
    RequestFailed,
    RequestOftenFailed,
    RequestRefused,
    BrokenOff,
    BrokenOffElsewhere,
    NotProvided,
    DataNotRead,
    NotTried,
    OperationFailed,
    BackupNotNamed,
    BackupMade,
    BackupNotKnown,
    NoNewBackup,
    BackupFileMissing,
    LatestIsAnother,
    RestoreNotKnown,
    StatusAnswered,
    StatusFailed,
    ReadBackFailed,
    DataRead,
    NoWrites,
    ForeignEntries,
    NotOursToStop,
    StillAnswers,
    StopFailed,
    StopKilled,
    RestartNotKnown,
    RestartLost,
    Restarted,
    VersionMoved,
    NothingMoved,
    NothingToMoveBack,
    VersionSilent,
    VersionLate,
    NoPhases,
    PhasesMarked,
    PhaseNotEnded,
    DowntimeSeen,
)
