"""What a system.toml says, as values, with the declaration of each key beside its field."""

# The annotations are read at run time, so they are no texts here.
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from harness.config.claims import ClaimLimit
from harness.config.keys import Key
from harness.config.placeholders import LINK, PLACES, REQUEST
from harness.config.toml.shapes import (
    PAGES,
    Accounts,
    Argv,
    ByName,
    Choice,
    Conditions,
    Day,
    Environment,
    Flag,
    Headers,
    Health,
    Named,
    Number,
    One,
    Pattern,
    Patterns,
    Pointer,
    Program,
    RequestPath,
    Sentence,
    Several,
    Size,
    Span,
    Statuses,
    Text,
    Texts,
    TextsByName,
    Totals,
    Url,
    Whole,
)
from harness.host.held_calls import FAMILIES
from harness.model import Claim

# A slow request (a report, a stream) may take this long before it counts as timed out, or as long as all others may.
SLOW_DEADLINE_S = 10.0
# How long a monitor that was started has until it answers.
MONITOR_DEADLINE_S = 10.0


def slow_deadline_s(deadline_ms: float) -> float:
    return max(SLOW_DEADLINE_S, deadline_ms / 1000)


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """``[service]``."""

    start: Annotated[
        Argv,
        Key(
            Program(),
            "This command starts {version}: it may stay in the foreground, or exit 0 with the service up.",
            attached=(),
            where="island",
        ),
    ]
    url: Annotated[
        str,
        Key(
            Url(),
            "All load goes to this address.",
            "Its port is fixed or `{port}`. A `[client]` of your own is given it as it is, and needs none.",
            default="",
            example='"http://127.0.0.1:{port}"',
        ),
    ]
    attach: Annotated[
        bool,
        Key(
            Flag(),
            "The system runs already: the harness neither starts nor stops it.",
            "See [a system that runs already](attach.md).",
            where="attached",
            example="true",
            init="another",
        ),
    ] = False
    headers: Annotated[
        Mapping[str, str],
        Key(
            Headers(PLACES),
            "Every request carries these headers: of the load, the probes, the read-back and for version and health.",
            "`Host` is sent instead of the address. A request's own headers win.",
            example='{ X-Forwarded-Proto = "https", Host = "shop.example" }',
        ),
    ] = field(default_factory=dict)
    cookies: Annotated[
        bool,
        Key(
            Flag(),
            "Clients keep the cookies that they are given: each user of the load its own, the prober its own.",
            example="true",
            init="another",
        ),
    ] = False
    ca_file: Annotated[
        str,
        Key(
            Text(PLACES),
            "The certificate of the service is checked by these authorities, instead of the host's.",
            example='"{dir}/tls/ca.pem"',
            init="another",
        ),
    ] = ""
    cert_file: Annotated[
        str,
        Key(
            Text(PLACES),
            "Clients show this certificate.",
            example='"{system}/client.pem"',
            init="another",
        ),
    ] = ""
    key_file: Annotated[
        str,
        Key(
            Text(PLACES),
            "The key of that certificate, where it is in a file of its own.",
            example='"{system}/client.key"',
            init="another",
        ),
    ] = ""
    verify: Annotated[
        bool,
        Key(
            Flag(),
            "Whether the certificate of the service is checked; false for an address of this host only.",
            example="false",
            init="another",
        ),
    ] = True
    stop: Annotated[
        Argv,
        Key(
            Program(),
            "This command stops the service.",
            "Without it, the harness ends the process that `start` left in the foreground.",
            where="island",
            example='["PROGRAM"]',
        ),
    ] = ()
    health: Annotated[
        str, Key(RequestPath(), "This path answers 200 while the service lives.", "If only `ready` is said, that one.")
    ] = "/health"
    ready: Annotated[
        str,
        Key(RequestPath(), "This path answers 200 once the service can serve.", "If only `health` is said, that one."),
    ] = "/ready"
    version: Annotated[
        str, Key(RequestPath(), "This path answers with the version that runs, in JSON or as plain text.")
    ] = "/version"
    version_pointer: Annotated[str, Key(Pointer(), "The version stands there in a JSON answer.")] = "/version"
    version_pattern: Annotated[
        str,
        Key(
            Pattern(),
            "Instead of it: group 1 of this expression is the version, or its whole match.",
            example=r"'version (\S+)'",
            init="instead",
        ),
    ] = ""
    version_header: Annotated[
        str,
        Key(
            Text(),
            "Instead of it: this header of the answer is the version.",
            example='"X-App-Version"',
            init="another",
        ),
    ] = ""
    version_command: Annotated[
        Argv,
        Key(
            Program(),
            "Instead of asking for `version`: this command prints it.",
            "It prints what the path would answer: JSON, for `version_pointer`, or a text.",
            example='["PROGRAM", "version"]',
            init="another",
        ),
    ] = ()
    deadline_ms: Annotated[float, Key(Number(1, 600_000), "A request answered later than this counts as failed.")] = (
        1000.0
    )
    start_deadline_s: Annotated[float, Key(Number(0.1, 3600), "A start may take this long.")] = 20.0
    stop_deadline_s: Annotated[
        float,
        Key(
            Number(0.1, 3600),
            "A stop may take this long.",
            "The harness kills what is still there then, and says so. At the end of a run it waits 2 s at most.",
            where="island",
        ),
    ] = 20.0
    access_log: Annotated[
        str,
        Key(
            Text(PLACES),
            "The harness compares its count of requests with this log of the service.",
            example='"{dir}/access.log"',
        ),
    ] = ""
    logs: Annotated[
        tuple[str, ...],
        Key(Texts(PLACES), "The harness copies these files and folders into the report.", example='["{dir}/app.log"]'),
    ] = ()


@dataclass(frozen=True, slots=True)
class DataConfig:
    """``[data]``. The places may be empty if the system is attached."""

    kind: Annotated[
        Literal["sqlite", "postgres", "opaque"],
        Key(
            Choice(("sqlite", "postgres", "opaque")),
            "The engine that keeps the data: sqlite, postgres or opaque (any other).",
            "For whoever reads the file: no judgement depends on it.",
            default="opaque",
            attached="opaque",
        ),
    ]
    dir: Annotated[
        str,
        Key(
            Text(PLACES),
            "The system keeps its data in this directory.",
            "It is a disk of its own, mounted before anything starts; `disk_full` really fills it.",
            attached="",
            example='"{dir}/data"',
        ),
    ]
    backup_dir: Annotated[
        str,
        Key(
            Text(PLACES),
            "The kit keeps its backups in this directory.",
            "It is another disk of its own.",
            attached="",
            example='"{dir}/backup"',
        ),
    ]
    database: Annotated[str, Key(Text(PLACES), "The database is this file.", example='"{dir}/data/app.db"')] = ""
    mount: Annotated[
        str,
        Key(
            Text(PLACES),
            "The data disk is mounted here, at data.dir or above it.",
            "Name a directory above it if the kit renames, replaces or links `data.dir` as a whole: to the place of a "
            'mount nobody can do that. With `"{dir}"` all of the system but `backup_dir` is on that disk.',
            where="island",
            example='"{dir}"',
            init="another",
        ),
    ] = ""

    @property
    def mounted_at(self) -> str:
        """Where the data disk is mounted, with its placeholders."""
        return self.mount or self.dir


def _too_small(size: int) -> str:
    return f"{size} bytes is too small for a file system"


_DISK = Size(2**20, _too_small, "at least 1m")


@dataclass(frozen=True, slots=True)
class DisksConfig:
    """``[disks]``: sizes of the disks mounted at data.dir and data.backup_dir."""

    data_bytes: Annotated[int, Key(_DISK, "Size of the disk at data.dir.", name="data", default="512m")]
    backup_bytes: Annotated[int, Key(_DISK, "Size of the disk at data.backup_dir.", name="backup", default="512m")]


@dataclass(frozen=True, slots=True)
class VersionsConfig:
    """``[versions]``."""

    old: Annotated[str, Key(Text(), "The version that serves when a run begins.", example='"1"')]
    new: Annotated[str, Key(Text(), "The version that a deployment brings.", example='"2"')]
    broken: Annotated[
        str, Key(Text(), "A new version that is really bad, for what must notice it.", example='"2-broken"')
    ] = ""
    schemas: Annotated[
        Mapping[str, tuple[str, ...]],
        Key(
            TextsByName(),
            "Which schemas each version runs on, as `status` names them.",
            "`concurrent_deployments` asks.",
            example='{ "1" = ["1", "2"], "2" = ["2"] }',
        ),
    ] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationConfig:
    """``[operations.NAME]``. ``own``: no operation that the harness knows, only a step of the user's scenarios."""

    name: str
    command: Annotated[Argv, Key(Program(), "The harness runs this command; exit 0 says that it kept its promise.")]
    deadline_s: Annotated[float, Key(Number(0.1, 86_400), "The harness kills an operation that runs longer.")] = 60.0
    restores: Annotated[
        bool,
        Key(
            Flag(),
            "This rollback goes back to a backup, so it loses later writes by nature.",
            "Only in `[operations.rollback]`.",
            example="true",
            init="another",
        ),
    ] = False
    to: Annotated[
        str,
        Key(
            Choice(("snapshot", "latest")),
            "Where the restore ends: at its backup, or (it replays a log) at the last commit before it began.",
            "Only in `[operations.restore]`, and in a rollback that `restores`. Unsaid, data that is one clean cut "
            "after the backup is unknown.",
            default="",
            example='"latest"',
            init="another",
        ),
    ] = ""
    version: Annotated[
        str,
        Key(
            Choice(("same", "old", "new", "backup")),
            "The version that answers after it: that of before, one of `[versions]`, or that of its backup.",
            "Only in `[operations.restore]` and `[operations.rollback]`. Unsaid, a restore leaves the version as it "
            "is, and a rollback brings back the old one.",
            default="",
            example='"backup"',
            init="another",
        ),
    ] = ""
    needs_links: Annotated[
        tuple[str, ...] | None,
        Key(
            Texts(),
            "The operation cannot work while one of these links is cut; `[]`: it needs none.",
            "Such as a deployment that begins with a backup and its copy off site. Unsaid, one that fails under a cut "
            "link is unknown.",
            default=None,
            example='["offsite"]',
            init="another",
        ),
    ] = None
    checks_space: Annotated[
        bool | None,
        Key(
            Flag(),
            "Whether it makes sure that there is room before it writes; `false`: it ends when the disk is full.",
            "Both are sound, if it fails and cleans up. Unsaid, one that had filled the disk is unknown.",
            default=None,
            example="true",
            init="another",
        ),
    ] = None
    asks_monitors: Annotated[
        str,
        Key(
            Choice(("throughout", "before")),
            "When it asks the monitors: to its end, or only before it changes anything.",
            "Only in `[operations.deploy]`. Unsaid, one that went on after the monitors were lost in it is unknown.",
            default="",
            example='"throughout"',
            init="another",
        ),
    ] = ""
    own: Annotated[
        bool,
        Key(
            Flag(),
            "This is an operation of your own, although its name is close to one that the harness knows.",
            "Not in the table of an operation that the harness knows.",
            example="true",
            init="another",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """``[client]``: how a service is talked to that does not speak HTTP. ``python`` or ``command``, not both."""

    python: Annotated[
        str,
        Key(
            Text(PLACES),
            "A Python file with one subclass of `harness.Client`.",
            "See [clients](clients.md#a-client-of-your-own).",
            example='"{system}/client.py"',
        ),
    ] = ""
    command: Annotated[
        Argv,
        Key(
            Program(),
            "Instead of it: a program that answers JSON lines.",
            example='["PROGRAM", "client"]',
            init="another",
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class LockConfig:
    """``[locks.NAME]``: operations of which only one at a time may change something."""

    name: str
    operations: Annotated[
        tuple[str, ...],
        Key(
            Texts(),
            "These operations share the lock; others may run beside them.",
            "Where nothing is said, a backup that ran beside a deployment is unknown; two deployments at once fail.",
            example='["deploy", "rollback", "restore"]',
        ),
    ]
    waits_s: Annotated[
        float,
        Key(
            Number(0, 86_400),
            "One that finds the lock taken waits so long for it before it gives up; 0: it gives up at once.",
            "Time in which the harness holds the other one does not count.",
        ),
    ] = 0.0


@dataclass(frozen=True, slots=True)
class BackupsConfig:
    """``[backups]``: how a kit without ``[operations.status]`` tells which backups there are."""

    glob: Annotated[
        str,
        Key(
            Text(PLACES),
            "The files or directories that match this are the backups.",
            "`**` is any depth.",
            example='"{dir}/backup/*.dump"',
        ),
    ] = ""
    order: Annotated[
        str,
        Key(Choice(("time", "name")), "Which of them is the newest: the one written last, or the last by name."),
    ] = "time"
    list: Annotated[
        Argv,
        Key(
            Program(),
            "Instead of `glob`: this command lists the backups.",
            "For backups that are no files here, such as objects in a store or snapshots.",
            example='["restic", "snapshots"]',
            init="another",
        ),
    ] = ()
    pattern: Annotated[
        str,
        Key(
            Pattern(("id",)),
            "Each match in what `list` prints is a backup: group `id` is its name.",
            "Group `path` is its {backup} if that is another, `size` its bytes, `kind` as in `status`.",
            example=r"'^(?P<id>[0-9a-f]{8}) '",
            init="another",
        ),
    ] = ""
    newest: Annotated[
        str, Key(Choice(("last", "first")), "Where the newest stands in what `list` prints.", init="another")
    ] = "last"
    latest: Annotated[
        Argv,
        Key(
            Program(),
            "This command prints the backup that a restore would use; without it, the newest.",
            example='["PROGRAM", "latest"]',
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class EdgeConfig:
    """An edge of a phase that the kit does not mark itself, by what it does: the ``nth`` line that ``pattern`` is found
    in (of ``file``; of its own output when empty), ``size_bytes`` written below ``path``, or the ``nth`` system call of
    the family ``call`` on a path that ``pattern`` is found in."""

    by: Literal["log", "bytes", "syscall"]
    pattern: str = ""
    file: str = ""
    path: str = ""
    size_bytes: int = 0
    call: str = ""
    nth: int = 1


_NTH = Key(Whole(1), "Which of them: 2 is the second.", example="2")


@dataclass(frozen=True, slots=True)
class LogEdge:
    """An edge seen in a line of a log."""

    log: Annotated[str, Key(Pattern(), "The kit writes a line in which this is found.", example="'^copying'")]
    file: Annotated[
        str,
        Key(
            Text(PLACES),
            "The line is one of this file; without it, one of the operation's output.",
            example='"{dir}/kit.log"',
        ),
    ] = ""
    nth: Annotated[int, _NTH] = 1

    def edge(self) -> EdgeConfig:
        return EdgeConfig("log", self.log, self.file, nth=self.nth)


def _at_once(_: int) -> str:
    return "is 0, which is there from the start"


@dataclass(frozen=True, slots=True)
class BytesEdge:
    """An edge seen in what was written."""

    size_bytes: Annotated[
        int,
        Key(
            Size(1, _at_once, "leave the edge out for the operation's own"),
            "The kit has written so much below path since the operation began.",
            name="bytes",
            example='"1m"',
        ),
    ]
    path: Annotated[
        str, Key(Text(PLACES), "The harness watches what grows below this directory.", example='"{dir}/backup"')
    ]

    def edge(self) -> EdgeConfig:
        return EdgeConfig("bytes", path=self.path, size_bytes=self.size_bytes)


@dataclass(frozen=True, slots=True)
class CallEdge:
    """An edge at a system call."""

    call: Annotated[
        str,
        Key(
            Choice(tuple(FAMILIES)),
            "The kit makes this system call, and is held there until the fault is in.",
            name="syscall",
            where="island",
            example='"rename"',
        ),
    ]
    pattern: Annotated[
        str, Key(Pattern(), "This is found in the path of the call.", name="path", example=r"'\.bak$'")
    ] = ""
    nth: Annotated[int, _NTH] = 1

    def edge(self) -> EdgeConfig:
        return EdgeConfig("syscall", self.pattern, call=self.call, nth=self.nth)


EDGES: dict[str, type[LogEdge] | type[BytesEdge] | type[CallEdge]] = {
    "log": LogEdge,
    "bytes": BytesEdge,
    "syscall": CallEdge,
}


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """``[phases."NAME"]``: a phase within an operation; None is the start or the end of the operation itself.
    ``same_as``: it is whenever that other phase is."""

    name: str
    operation: str
    start: EdgeConfig | None
    stop: EdgeConfig | None
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class DependencyConfig:
    """``[dependencies.NAME]``."""

    name: str
    start: Annotated[Argv, Key(Program(), "This command starts the server.", example='["PROGRAM", "{port}"]')]
    health: Annotated[
        str,
        Key(
            Health("tcp://127.0.0.1:{port}"),
            "The server is up once it answers there.",
            example='"tcp://127.0.0.1:{port}"',
        ),
    ]
    port: Annotated[int, Key(Whole(1, 65_535), "The server listens on this port, its {port}.", example="9000")]
    store: Annotated[
        str,
        Key(
            Text(PLACES),
            "The server keeps what it was sent in this directory, a file an object.",
            "Every read-back looks into it: what is really there is compared with what `status` counts.",
            example='"{dir}/store"',
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """``[links.NAME]``. ``upstream`` or ``near_port``, not both."""

    name: str
    upstream: Annotated[str, Key(Text(), "The cable leads to the dependency of this name.", example='"store"')] = ""
    env: Annotated[
        Mapping[str, str],
        Key(
            Environment(LINK),
            "Variables for every command: {link} is the near end of the cable.",
            example='{ STORE_URL = "http://{link}/" }',
        ),
    ] = field(default_factory=dict)
    near_port: Annotated[
        int,
        Key(
            Whole(0, 65_535),
            "The cable leads back to a program of the system, which listens on this port of {near}.",
            "The harness lays it only in runs with a fault for it.",
            example="8081",
        ),
    ] = 0
    serves: Annotated[
        bool | None,
        Key(
            Flag(),
            "Whether the clients' requests need this cable, as those to a database of the service do.",
            "What is bad while it is cut is then not counted as downtime. Unsaid, such requests are unknown.",
            default=None,
            example="true",
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """``[monitors.NAME]``."""

    name: str
    start: Annotated[Argv, Key(Program(), "This command starts the monitor.", example='["PROGRAM"]')]
    health: Annotated[
        str,
        Key(
            Health("http://127.0.0.1:9101/status"),
            "The monitor is up once it answers there.",
            default="",
            example='"http://127.0.0.1:9101/status"',
        ),
    ] = ""
    file: Annotated[
        str,
        Key(
            Text(PLACES),
            "Instead of health: the monitor is up while it writes this file, at least every stale_after_s.",
            example='"{dir}/monitor.heartbeat"',
            init="another",
        ),
    ] = ""
    pattern: Annotated[
        str,
        Key(
            Pattern(),
            "And this is found in it.",
            "Only with `file`.",
            example="'^ok'",
            init="another",
        ),
    ] = ""
    stale_after_s: Annotated[float, Key(Number(0.1, 3600), "What the monitor said is stale after this time.")] = 3.0


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """One of ``[[load.requests]]``."""

    name: Annotated[str, Key(Text(), "Samples carry this name.", example='"look"')]
    kind: Annotated[
        Literal["read", "write", "slow"],
        Key(
            Choice(("read", "write", "slow")),
            "It is read, slow (may take 10 s) or write (goes into the ledger).",
            "A good answer to a write means that it is stored for good.",
            example='"read"',
        ),
    ]
    weight: Annotated[
        float,
        Key(
            Number(0, 1e6),
            "This share of the users' requests.",
            "A write may have 0: `write_rate` sends writes anyway.",
            default=1.0,
        ),
    ]
    method: Annotated[
        str, Key(Choice(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")), "The HTTP method.", default="GET")
    ]
    path: Annotated[
        str,
        Key(
            RequestPath(REQUEST, open_=True),
            "The clients ask for this path: {n} is a number, {known} a written token, {id} the id of one.",
            "Left out beside a `[client]` of your own, which is asked to write or to read.",
            default="",
        ),
    ]
    body: Annotated[
        str,
        Key(
            Text(REQUEST, open_=True),
            "The clients send this; the body of a write holds {token} and {payload}.",
            example="""'{"token": "{token}", "payload": "{payload}"}'""",
        ),
    ] = ""
    headers: Annotated[
        Mapping[str, str],
        Key(
            Headers(REQUEST, open_=True),
            "The clients send these headers.",
            "With another `Content-Type` the body need not be JSON.",
            example='{ Accept = "application/json" }',
        ),
    ] = field(default_factory=dict)
    expect_status: Annotated[
        tuple[int, ...],
        Key(Statuses(), "A good answer has one of these statuses; without it, any 2xx.", example="[200]"),
    ] = ()
    expect_body: Annotated[
        str,
        Key(
            Pattern(),
            "This is found in the body of a good answer, and not in an error page with status 200.",
            example="'</html>'",
        ),
    ] = ""
    expect_headers: Annotated[
        Mapping[str, str],
        Key(
            Patterns(),
            "These are found in the headers of a good answer.",
            "A redirect to the page of what was written is a success, and one to the login page is none.",
            default={},
            example="{ Location = '^/items/' }",
            init="another",
        ),
    ] = field(default_factory=dict)
    id: Annotated[
        str,
        Key(
            Pointer(),
            "The id that the service gave what was written stands there in the answer to a write.",
            "It goes into the ledger, and fills `{id}` of later requests and of the read-back.",
            example='"/data/id"',
            init="another",
        ),
    ] = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is filled in."""
        return (self.path, self.body, *self.headers.values())

    @property
    def needs_known(self) -> bool:
        return any("{known}" in text or "{id}" in text for text in self.texts)

    @property
    def reads_body(self) -> bool:
        """Whether the body of a good answer tells something."""
        return bool(self.expect_body or self.id)

    def deadline_s(self, deadline_ms: float) -> float:
        return slow_deadline_s(deadline_ms) if self.kind == "slow" else deadline_ms / 1000


@dataclass(frozen=True, slots=True)
class ReadBackConfig:
    """``[load.read_back]``: how all ledger entries are read, page by page, as JSON or (``pattern``) by expressions."""

    path: Annotated[
        str,
        Key(
            RequestPath(PAGES, open_=True),
            "Each page is read there; {after} is empty on the first.",
            "With {page} or {offset} the harness counts, until a page is empty, not there or nothing new. With {id} "
            "each write is asked for by itself, by the id that its answer gave.",
            example='"/items?after={after}"',
        ),
    ]
    items: Annotated[
        str, Key(Pointer(whole=True), "The list of entries stands there in the answer.", 'With `""` it is the answer.')
    ] = "/items"
    token: Annotated[
        str, Key(Pointer(whole=True), "The token stands there in an entry.", 'With `""` an entry is the token itself.')
    ] = "/token"
    payload: Annotated[
        str,
        Key(
            Pointer(whole=True),
            "The payload stands there in an entry.",
            'With `""` entries have none, and of a write only that it is there is judged.',
        ),
    ] = "/payload"
    next: Annotated[
        str,
        Key(
            Pointer(),
            "What the next {after} is stands there in the answer; null on the last page.",
            "Where `path` has no {after}, the address of the next page.",
        ),
    ] = "/next"
    next_in_entry: Annotated[
        str,
        Key(
            Pointer(),
            "Instead of next: the next {after} stands there in the last entry of a page.",
            example='"/id"',
            init="another",
        ),
    ] = ""
    next_link: Annotated[
        bool,
        Key(
            Flag(),
            'Instead of next: the header `Link: <...>; rel="next"` leads to the next page.',
            "Its path and query are asked for at `url`, whatever host it names.",
            example="true",
            init="another",
        ),
    ] = False
    first_page: Annotated[int, Key(Whole(0, 1), "The number of the first {page}.", init="another")] = 1
    totals: Annotated[
        Mapping[str, float],
        Key(
            Totals(),
            "These numbers of the answer must always be so.",
            "They alone cover the data that no client wrote, such as the seeded rows. Take numbers that do not depend "
            "on {size}, such as how many seeded rows are missing.",
            example='{ "/rows_missing" = 0 }',
        ),
    ] = field(default_factory=dict)
    pattern: Annotated[
        str,
        Key(
            Pattern(("token", "payload")),
            "Each match on a page is an entry; the answer need not be JSON.",
            example=r"'<td>(?P<token>\S+)</td><td>(?P<payload>\S+)</td>'",
            init="instead",
        ),
    ] = ""
    next_pattern: Annotated[
        str,
        Key(
            Pattern(),
            "Its group 1 is the next {after}; the last page has no match.",
            "Without it there is one page, and no `{after}`.",
            example=r"'href=\"\?after=(\w+)\"'".replace(r"\"", '"'),
            init="instead",
        ),
    ] = ""
    expect_body: Annotated[
        str,
        Key(
            Pattern(),
            "Only a whole page has this: a page without it is unreadable, not empty.",
            example="'</html>'",
            init="instead",
        ),
    ] = ""
    method: Annotated[str, Key(Choice(("GET", "POST")), "The HTTP method.")] = "GET"
    body: Annotated[str, Key(Text(PAGES, open_=True), "The harness sends this.", example='""')] = ""
    headers: Annotated[
        Mapping[str, str],
        Key(Headers(open_=True), "The harness sends these headers.", example='{ Accept = "application/json" }'),
    ] = field(default_factory=dict)
    settle_s: Annotated[
        float,
        Key(
            Number(0, 600),
            "What was written shows up in the read-back within this time, as of a replica or an index that lags.",
            "What is missing is asked for again so long, and how long it took is told. Unsaid, the newest writes that "
            "show up late are unknown.",
            example="2",
            init="another",
        ),
    ] = 0.0

    @property
    def by_id(self) -> bool:
        """Whether each write is asked for by itself."""
        return "{id}" in self.path

    @property
    def counted(self) -> bool:
        """Whether the harness counts pages or entries, and no answer says what comes next."""
        return any(word in self.path + self.body for word in ("{page}", "{offset}"))

    @property
    def follows_links(self) -> bool:
        """Whether each page names the address of the next."""
        told_otherwise = self.counted or self.by_id or self.pattern or self.next_in_entry
        return self.next_link or not (told_otherwise or "{after}" in self.path + self.body)


@dataclass(frozen=True, slots=True)
class LoginStep:
    """One of ``[[load.login]]``: a request by which a client logs in, and what it takes from the answer. A placeholder
    is a variable that an earlier one took, or a key of `accounts`."""

    path: Annotated[str, Key(RequestPath(open_=True), "The client asks for this path.", example='"/auth/login"')]
    method: Annotated[str, Key(Choice(("GET", "POST", "PUT", "PATCH")), "The HTTP method.", default="POST")] = "POST"
    body: Annotated[
        str,
        Key(
            Text(open_=True),
            "The client sends this.",
            example="""'{"email": "{name}", "password": "{password}"}'""",
        ),
    ] = ""
    headers: Annotated[
        Mapping[str, str],
        Key(Headers(open_=True), "The client sends these headers.", example='{ X-CSRFToken = "{csrf}" }'),
    ] = field(default_factory=dict)
    expect_status: Annotated[
        tuple[int, ...],
        Key(Statuses(), "A good answer has one of these statuses; without it, any 2xx or 3xx.", example="[200]"),
    ] = ()
    pointers: Annotated[
        Mapping[str, str],
        Key(
            Environment(),
            "Variables, each with the JSON pointer at which it stands in the answer.",
            default={},
            example='{ access = "/data/access_token" }',
        ),
    ] = field(default_factory=dict)
    patterns: Annotated[
        Mapping[str, str],
        Key(
            Patterns(),
            "Variables, each with an expression whose group 1 is found in the body of the answer.",
            default={},
            example='{ csrf = \'name="csrf" value="([^"]+)\' }',
        ),
    ] = field(default_factory=dict)
    from_headers: Annotated[
        Mapping[str, str],
        Key(
            Environment(),
            "Variables, each with the header of the answer that is its value.",
            default={},
            example='{ session = "X-Session" }',
        ),
    ] = field(default_factory=dict)
    from_cookies: Annotated[
        Mapping[str, str],
        Key(
            Environment(),
            "Variables, each with the cookie that is its value.",
            default={},
            example='{ csrf = "csrftoken" }',
        ),
    ] = field(default_factory=dict)

    @property
    def takes(self) -> tuple[str, ...]:
        """The variables that it takes."""
        return (*self.pointers, *self.patterns, *self.from_headers, *self.from_cookies)


@dataclass(frozen=True, slots=True)
class TotalConfig:
    """``[load.totals.NAME]``: a number that a request of its own tells, such as how many rows there are."""

    name: str
    path: Annotated[str, Key(RequestPath(), "The harness asks for this path.", example='"/count"')]
    pointer: Annotated[str, Key(Pointer(whole=True), "The number stands there in the JSON answer.", example='"/rows"')]
    equals: Annotated[
        float | None,
        Key(
            Number(-1e15),
            "It must always be this; unsaid, what it was when the service had come up.",
            default=None,
            example="0",
        ),
    ] = None
    with_writes: Annotated[
        bool,
        Key(
            Flag(),
            "Entries of our clients are counted in it: as many as the read-back finds are taken off.",
            example="true",
        ),
    ] = False


@dataclass(frozen=True, slots=True)
class SystemLoadConfig:
    """``[load]``. ``arrival_rate`` above 0 selects the open-loop profile instead of users with think time."""

    requests: Annotated[
        tuple[RequestTemplate, ...], Key(Several(RequestTemplate), "The requests that clients send, in a random mix.")
    ]
    read_back: Annotated[
        ReadBackConfig | None,
        Key(One(ReadBackConfig), "How the harness reads every write again, page by page.", default=None),
    ]
    login: Annotated[
        tuple[LoginStep, ...],
        Key(Several(LoginStep), "How a client logs in, request by request.", default=()),
    ] = ()
    totals: Annotated[
        Mapping[str, TotalConfig],
        Key(ByName(TotalConfig), "Numbers of the data that no client wrote, each by a request of its own.", default={}),
    ] = field(default_factory=dict)
    accounts: Annotated[
        tuple[Mapping[str, str], ...],
        Key(
            Accounts(),
            "Each client logs in by one of these, in turn.",
            "Never recorded.",
            default=(),
            example='[{ name = "ann", password = "..." }, { name = "bob", password = "..." }]',
            init="another",
        ),
    ] = ()
    renew_s: Annotated[
        float,
        Key(
            Number(0, 86_400),
            "A client logs in again after this time; 0: when it is refused (401, 403, a redirect to the login).",
            init="another",
        ),
    ] = 0.0
    headers: Annotated[
        Mapping[str, str],
        Key(
            Headers(open_=True),
            "Every request of a client, and the read-back, carries these: here a variable of the login may stand.",
            example='{ Authorization = "Bearer {access}" }',
            init="another",
        ),
    ] = field(default_factory=dict)
    n: Annotated[
        tuple[float, float],
        Key(Span(), "{n} is a whole number from the first to the second."),
    ] = (0, 999_999)
    users: Annotated[int, Key(Whole(1, 100_000), "So many clients send requests at once.")] = 12
    think_s: Annotated[
        tuple[float, float], Key(Span(), "A client waits between these times from an answer to its next request.")
    ] = (0.05, 0.3)
    write_rate: Annotated[
        float,
        Key(
            Number(0, 1e6),
            "So many ledger writes are sent each second; without them no lost write can be seen.",
        ),
    ] = 20.0
    arrival_rate: Annotated[
        float,
        Key(
            Number(0, 1e6),
            "Above 0: so many requests arrive each second, however slow the answers, instead of users.",
        ),
    ] = 0.0


@dataclass(frozen=True, slots=True)
class ProbeConfig:
    """``[probe]``: what downtime is judged by."""

    every_ms: Annotated[
        float,
        Key(
            Number(1, 60_000),
            "A probe is sent so often, whatever became of those before.",
            "An outage shorter than this is not seen. Where a service limits how often one address may ask, the probes "
            "and the load together have to stay below that.",
        ),
    ] = 10.0
    requests: Annotated[
        tuple[str, ...],
        Key(
            Texts(),
            "These of `[[load.requests]]` are probed: a read, and a write if it is to be probed too.",
            "Without it the first read and the first write that name no known token.",
            example='["look", "create"]',
        ),
    ] = ()


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """``[variants.NAME]``. It is a flaw with ``shown_by``, and ``codes`` or an ``observation``."""

    name: str
    env: Annotated[
        Mapping[str, str],
        Key(
            Environment(PLACES),
            "These variables switch the flaw or mode on.",
            default={},
            example='{ MODE = "slow" }',
        ),
    ]
    about: Annotated[str, Key(Text(), "What the variant changes.", example='"what it changes"')] = ""
    shown_by: Annotated[
        tuple[str, ...],
        Key(
            Texts(),
            "It is a flaw: `discriminate` expects these cells to fail, the first of all.",
            example='["baseline:round-trip"]',
        ),
    ] = ()
    codes: Annotated[
        tuple[str, ...],
        Key(
            Texts(),
            "Each of these cells must fail with all of these finding codes.",
            'Alternatives in one text, `"a.b | c.d"`, where it is a matter of chance which one the flaw shows. '
            "`deploydrill explain` lists the codes.",
            example='["operations.overlapped"]',
        ),
    ] = ()
    where: Annotated[
        Mapping[str, Any],
        Key(
            Conditions(),
            "What the details of these findings must hold, where the code alone is not enough.",
            "Each detail is asked of the codes that have it. Of a list in the details one element must match; a list "
            'here means one of these; a table, or a dotted key, looks inside: `{ end.exit = 1, name = ["deploy", '
            '"rollback"] }`.',
            default={},
            example="{ overlaps.both_succeeded = true }",
        ),
    ] = field(default_factory=dict)
    observation: Annotated[
        str,
        Key(
            Text(),
            "A regular expression instead of `codes`: the sentence of a failed finding must match it.",
            "Wording may change from one version to the next; codes do not.",
            example='"HTTP 50[23]"',
            init="another",
        ),
    ] = ""


@dataclass(frozen=True, slots=True)
class StopWhenConfig:
    """``[limits.stop_when]``: how badly off the service may be. Beyond it every fault is reverted at once, the rest of
    the run is left out, and its result is unknown."""

    bad_share: Annotated[
        float,
        Key(Number(0, 1), "More than this share of the load's requests is bad.", example="0.2"),
    ] = 0.0
    latency_ms_p95: Annotated[
        float,
        Key(Number(0, 600_000), "The 95th percentile of the load's latency is above this.", example="500"),
    ] = 0.0
    url: Annotated[
        str,
        Key(
            Text(PLACES),
            "This address, such as one of your own alarms, answers anything else than 2xx.",
            example='"http://127.0.0.1:9100/all-well"',
        ),
    ] = ""
    window_s: Annotated[float, Key(Number(0.5, 600), "Share and latency are those of so many seconds.")] = 5.0


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """``[limits]``."""

    max_run_s: Annotated[float, Key(Number(1, 604_800), "A run may take this long.")] = 300.0
    allow_hosts: Annotated[
        tuple[str, ...],
        Key(
            Texts(),
            "Other hosts than this one that the harness may load.",
            "Name only what may be overloaded.",
            where="attached",
            example='["shop.staging"]',
            init="another",
        ),
    ] = ()
    stop_when: Annotated[
        StopWhenConfig | None,
        Key(One(StopWhenConfig), "How badly off the service may be in a run.", default=None),
    ] = None


@dataclass(frozen=True, slots=True)
class Waive:
    """``[waive.NAME]``."""

    name: str
    reason: Annotated[
        str,
        Key(
            Sentence("say why this unknown is acceptable, for whoever reads the report"),
            "Why this unknown is acceptable.",
            example='"batteries in every rack"',
        ),
    ]
    until: Annotated[date, Key(Day(), "The waiver's last day.", example="2027-01-01")]


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """One system.toml, checked. ``active`` are the variants switched on; their environment is already in ``env``.

    Texts still hold their placeholders (``{dir}``, ``{port}``): see harness.config.placeholders.
    """

    name: Annotated[
        str,
        Key(
            Named(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", "letters, digits, . _ and -, at most 64"),
            "The name of the system, in reports and for `--system`.",
        ),
    ]
    file: Path
    service: Annotated[ServiceConfig, Key(One(ServiceConfig), "How the service starts, and where it answers.")]
    data: Annotated[
        DataConfig,
        Key(
            One(DataConfig),
            "Where the system keeps its data and its backups: tell it by variables or arguments.",
            attached={},
        ),
    ]
    disks: Annotated[DisksConfig, Key(One(DisksConfig), "How large the two disks are.", default={}, where="island")]
    versions: Annotated[VersionsConfig, Key(One(VersionsConfig), "What {version} is filled with.")]
    load: Annotated[SystemLoadConfig, Key(One(SystemLoadConfig), "What clients do.")]
    client: Annotated[
        ClientConfig | None,
        Key(One(ClientConfig), "A client of your own, for a service that does not speak HTTP.", default=None),
    ]
    probe: Annotated[ProbeConfig, Key(One(ProbeConfig), "What downtime is judged by.", default={})]
    limits: Annotated[LimitsConfig, Key(One(LimitsConfig), "What a run may use.", default={})]
    env: Annotated[Mapping[str, str], Key(Environment(PLACES), "Variables for every command.", default={})]
    operations: Annotated[
        Mapping[str, OperationConfig],
        Key(
            ByName(OperationConfig),
            "What the kit can do. What needs an operation that is left out is unknown, never a pass.",
            default={},
        ),
    ]
    locks: Annotated[
        Mapping[str, LockConfig],
        Key(ByName(LockConfig), "Which operations keep each other out, and how long one waits.", default={}),
    ]
    backups: Annotated[
        BackupsConfig | None,
        Key(
            One(BackupsConfig),
            "Which backups there are, for a kit without [operations.status].",
            default=None,
        ),
    ]
    phases: Annotated[
        tuple[PhaseConfig, ...],
        Key(ByName(PhaseConfig), "A phase of an operation, seen in what the kit does.", default={}),
    ]
    dependencies: Annotated[
        Mapping[str, DependencyConfig],
        Key(
            ByName(DependencyConfig),
            "A server that the system needs, at the far side of a cable that can be cut.",
            default={},
            where="island",
        ),
    ]
    links: Annotated[
        Mapping[str, LinkConfig],
        Key(ByName(LinkConfig), "A cable, to a dependency or back to the system.", default={}, where="island"),
    ]
    monitors: Annotated[
        Mapping[str, MonitorConfig],
        Key(
            ByName(MonitorConfig),
            "A detector of the team's own, which a deployment asks.",
            default={},
            where="island",
        ),
    ]
    variants: Annotated[
        Mapping[str, VariantConfig],
        Key(ByName(VariantConfig), "A flaw or mode of the system, switched on by --flaw NAME.", default={}),
    ]
    claims: Annotated[tuple[Claim, ...], Key(One(ClaimLimit), "What the team promises: upper limits.", default={})]
    waives: Annotated[
        tuple[Waive, ...],
        Key(
            ByName(Waive),
            "An unknown accepted in writing: listed first, still not a pass.",
            name="waive",
            default={},
        ),
    ]
    active: tuple[str, ...] = ()
    user: Annotated[
        str,
        Key(
            Text(),
            "Every command runs as this user, to whom {dir} then belongs.",
            "For a program that refuses root. Without it they run as whoever runs Deploydrill: as root, to whom "
            "permissions mean nothing, or as an ordinary user.",
            example='"postgres"',
        ),
    ] = ""
    joined: Annotated[
        Mapping[str, str],
        Key(
            Environment(),
            "What stands between the values of a variable that several active variants set.",
            example='{ MODES = "," }',
        ),
    ] = field(default_factory=dict)

    @property
    def tells_backups(self) -> bool:
        """Whether anybody says which backups there are."""
        return "status" in self.operations or self.backups is not None

    @property
    def reads_back(self) -> bool:
        """Whether the written data can be read back."""
        return self.load.read_back is not None or self.client is not None

    @property
    def folder(self) -> Path:
        """What ``{system}`` is filled with."""
        return self.file.parent
