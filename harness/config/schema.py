"""What a system.toml says, as values; documented key by key beside each field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from harness.model import Claim

OPERATIONS = ("seed", "reset", "backup", "validate", "deploy", "rollback", "restore", "status")
MEASURED_OPERATIONS = ("backup", "validate", "deploy", "rollback", "restore")
Argv = tuple[str, ...]
# A slow request (a report, a stream) may take this long before it counts as timed out, or as long as all others may.
SLOW_DEADLINE_S = 10.0
# How long a monitor that was started has until it answers.
MONITOR_DEADLINE_S = 10.0


def slow_deadline_s(deadline_ms: float) -> float:
    return max(SLOW_DEADLINE_S, deadline_ms / 1000)


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """``[service]``: how the service starts and where it answers; ``attach``: it runs already, and is neither started
    nor stopped. ``version_pointer`` is a JSON pointer into the answer of ``version``, ``version_pattern`` a regular
    expression instead (its group 1, or the whole match); an answer later than ``deadline_ms`` is a bad one."""

    start: Argv
    url: str
    attach: bool = False
    stop: Argv = ()
    health: str = "/health"
    ready: str = "/ready"
    version: str = "/version"
    version_pointer: str = "/version"
    version_pattern: str = ""
    deadline_ms: float = 1000.0
    start_deadline_s: float = 20.0
    access_log: str = ""
    logs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataConfig:
    """``[data]``: where the system keeps its data and its backups; the places may be empty if it is attached."""

    kind: Literal["sqlite", "postgres", "opaque"]
    dir: str
    backup_dir: str
    database: str = ""


@dataclass(frozen=True, slots=True)
class DisksConfig:
    """``[disks]``: sizes of the disks mounted at data.dir and data.backup_dir."""

    data_bytes: int
    backup_bytes: int


@dataclass(frozen=True, slots=True)
class VersionsConfig:
    """``[versions]``: what ``{version}`` is filled with; ``broken`` is a new version that is really bad. ``schemas``
    (optional): version -> the schemas it runs on, as the kit's ``status`` names them."""

    old: str
    new: str
    broken: str = ""
    schemas: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OperationConfig:
    """``[operations.NAME]``. ``restores``: this rollback goes back to a backup, so it loses writes by nature."""

    name: str
    command: Argv
    deadline_s: float = 60.0
    restores: bool = False


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


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """``[phases."NAME"]``: a phase within an operation; None is the start or the end of the operation itself."""

    name: str
    operation: str
    start: EdgeConfig | None
    stop: EdgeConfig | None


@dataclass(frozen=True, slots=True)
class DependencyConfig:
    """``[dependencies.NAME]``: a server at the far side of the links. ``store`` is the directory it keeps what it was
    sent in, a file an object: looked into at every read-back."""

    name: str
    start: Argv
    health: str
    port: int
    store: str = ""


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """``[links.NAME]``: a cable to the dependency ``upstream``; ``env`` tells the system its near end.

    ``near_port`` instead of ``upstream``: it leads back to a program of the system itself, which must listen there on
    ``{near}``; laid only in runs with a fault for it. ``serves``: the clients' requests go over it.
    """

    name: str
    upstream: str
    env: Mapping[str, str]
    near_port: int = 0
    serves: bool = False


@dataclass(frozen=True, slots=True)
class MonitorConfig:
    """``[monitors.NAME]``: one of the team's own detectors; its word is stale after ``stale_after_s``."""

    name: str
    start: Argv
    health: str
    stale_after_s: float = 3.0


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """One of ``[[load.requests]]``. ``write``: its token goes into the ledger. ``slow``: may take SLOW_DEADLINE_S.

    ``expect_status`` (empty: any 2xx) and ``expect_body`` (a regular expression; empty: any) say which answer is a good
    one, and so which write is acknowledged."""

    name: str
    kind: Literal["read", "write", "slow"]
    weight: float
    method: str
    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    expect_status: tuple[int, ...] = ()
    expect_body: str = ""

    @property
    def needs_known(self) -> bool:
        return any("{known}" in text for text in (self.path, self.body, *self.headers.values()))

    def deadline_s(self, deadline_ms: float) -> float:
        return slow_deadline_s(deadline_ms) if self.kind == "slow" else deadline_ms / 1000


@dataclass(frozen=True, slots=True)
class ReadBackConfig:
    """``[load.read_back]``: how all ledger entries are read, page by page. ``items``, ``token``, ``payload`` and
    ``next`` are JSON pointers; ``next`` is null on the last page, and what it gives is quoted into ``{after}``;
    ``totals`` are invariants (pointer -> value).

    With ``pattern`` the pages need not be JSON: each match is an entry, with groups ``token`` and ``payload``;
    ``next_pattern`` (its group 1) leads to the next page, and a page without ``expect_body`` is unreadable."""

    path: str
    items: str = "/items"
    token: str = "/token"
    payload: str = "/payload"
    next: str = "/next"
    totals: Mapping[str, float] = field(default_factory=dict)
    pattern: str = ""
    next_pattern: str = ""
    expect_body: str = ""
    method: str = "GET"
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SystemLoadConfig:
    """``[load]``: the mix. ``arrival_rate`` above 0 selects the open-loop profile instead of users with think time."""

    requests: tuple[RequestTemplate, ...]
    read_back: ReadBackConfig | None
    users: int = 12
    think_s: tuple[float, float] = (0.05, 0.3)
    write_rate: float = 20.0
    arrival_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class VariantConfig:
    """``[variants.NAME]``: environment that switches a named flaw or mode of the system on. ``shown_by`` makes it a
    flaw: the cells that must go red of it, the one meant for it first, each with a failed check in whose sentence the
    regular expression ``observation`` is found."""

    name: str
    env: Mapping[str, str]
    about: str = ""
    shown_by: tuple[str, ...] = ()
    observation: str = ""


@dataclass(frozen=True, slots=True)
class LimitsConfig:
    """``[limits]``: what a run may use. ``allow_hosts``: other hosts than this one that an attached system may answer
    at, and so be loaded."""

    max_run_s: float = 300.0
    allow_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waive:
    """``[waive.NAME]``: an unknown accepted in writing, up to and including the day ``until``."""

    name: str
    reason: str
    until: date


@dataclass(frozen=True, slots=True)
class SystemConfig:
    """One system.toml, checked. ``active`` are the variants switched on; their environment is already in ``env``.
    ``user``: whom the system's commands run as; empty: whoever runs Deploydrill.

    Texts still hold their placeholders (``{dir}``, ``{port}``): see harness.config.placeholders.
    """

    name: str
    file: Path
    service: ServiceConfig
    data: DataConfig
    disks: DisksConfig
    versions: VersionsConfig
    load: SystemLoadConfig
    limits: LimitsConfig
    env: Mapping[str, str]
    operations: Mapping[str, OperationConfig]
    dependencies: Mapping[str, DependencyConfig]
    links: Mapping[str, LinkConfig]
    monitors: Mapping[str, MonitorConfig]
    variants: Mapping[str, VariantConfig]
    claims: tuple[Claim, ...]
    waives: tuple[Waive, ...]
    active: tuple[str, ...] = ()
    phases: tuple[PhaseConfig, ...] = ()
    user: str = ""

    @property
    def folder(self) -> Path:
        """What ``{system}`` is filled with."""
        return self.file.parent
