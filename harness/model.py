"""The value types every part of the harness shares."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.errors import Matter

Outcome = Literal["pass", "fail", "unknown"]
# The island of a run: with root, in a user namespace, or none at all.
Kind = Literal["root", "user", "none"]
NS = 1_000_000_000


@dataclass(frozen=True, slots=True, order=True)
class Instant:
    """A moment: ``mono_ns`` for arithmetic (CLOCK_MONOTONIC, one for all of a host), ``wall_ns`` to show."""

    mono_ns: int
    wall_ns: int


@dataclass(frozen=True, slots=True)
class Span:
    """A named stretch of time, such as ``backup.copy``."""

    name: str
    start: Instant
    stop: Instant

    @property
    def seconds(self) -> float:
        return (self.stop.mono_ns - self.start.mono_ns) / NS


@dataclass(frozen=True, slots=True)
class Edge:
    """The start or the stop of a phase: where a fault can land exactly."""

    phase: str
    event: Literal["start", "stop"]

    def __str__(self) -> str:
        return f"{self.phase}.{self.event}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a class of the user's own comes from: its ``name`` in the Python ``file`` (absolute) with that ``digest``,
    imported as ``module`` with what lies beside it in ``folder`` (empty: from wherever Python finds it)."""

    name: str
    file: str
    module: str
    folder: str
    digest: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What the team says: ``measure`` of ``subject`` is at most ``limit``; ``source`` is where it was written down, and
    ``key`` how its author called it (``deploy_outage_s``; empty: no author, it goes without saying).

    ``level`` is ``every`` (each of the n samples must keep the limit) or a percentile such as ``p95``.
    """

    subject: str
    measure: str
    limit: float
    level: str = "every"
    source: str = "system.toml [claims]"
    key: str = ""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A named list of measured values. ``resolution`` is in the same unit; a value below it was not resolved."""

    name: str
    unit: str
    values: tuple[float, ...]
    resolution: float = 0.0
    attributes: Mapping[str, str] = field(default_factory=dict)


FindingOutcome = Literal["pass", "fail", "unknown", "note"]
SubjectKind = Literal[
    "run", "load", "request", "channel", "operation", "phase", "backup", "read_back", "crash_state", "fault", "claim",
    "monitor", "version", "process", "file", "checker", "step",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What a question was asked of: its kind, and its id (``deploy-2``, ``fault-1``, ``restore#2``)."""

    kind: SubjectKind
    id: str

    def __str__(self) -> str:
        return self.id or self.kind


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer to one question about one subject.

    ``check`` is the question (``restore.exact``), ``code`` the answer (``restore.mixed``): stable, and what decisions
    are made by. ``details`` are plain JSON values, whose shape the code declares. ``because``: ids of faults and
    findings that caused it. ``count`` and ``examples`` (20 at most) where it is about many things at once. A ``note``
    is shown and never merged into an outcome. ``title``, ``sentence`` and ``hint`` are rendered from the templates
    that stand beside the code; nothing decides by them.
    """

    check: str
    code: str
    outcome: FindingOutcome
    subject: Subject
    details: Mapping[str, Any] = field(default_factory=dict)
    because: tuple[str, ...] = ()
    count: int = 1
    examples: tuple[Any, ...] = ()
    matter: Matter = "system"
    title: str = ""
    sentence: str = ""
    hint: str = ""

    @property
    def id(self) -> str:
        """By which another finding names it as its cause."""
        return f"{self.code}@{self.subject.id}" if self.subject.id else self.code


@dataclass(frozen=True, slots=True)
class Evidence:
    """Whether a fault bit: ``applied`` as our own probe saw it, ``felt`` by the system, ``said`` what was seen."""

    applied: bool
    felt: bool
    said: str


LedgerOutcome = Literal["acknowledged", "refused", "indeterminate"]


@dataclass(frozen=True, slots=True)
class Write:
    """One write a client attempted; times in CLOCK_MONOTONIC ns. ``indeterminate``: sent, and
    no answer was had that says whether it was carried out. ``id``: what the service calls it, where its answer told."""

    token: str
    operation: str
    payload: str
    sent_ns: int
    end_ns: int
    outcome: LedgerOutcome
    status: int = 0
    worker: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the system's own data as read back; ``payload`` is None where its entries show none."""

    token: str
    payload: str | None


@dataclass(frozen=True, slots=True)
class Artefact:
    """A backup as the system's ``status`` names it. ``eligible``: the system itself would restore from it. ``kind``:
    ``full`` or a word of the kit's own, such as ``incremental``; empty where it does not tell. ``needs``: the names of
    the backups without which it cannot be restored."""

    name: str
    path: str
    size: int
    eligible: bool
    kind: str = ""
    needs: tuple[str, ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether it is a file or directory of this host, and no object in a store."""
        return self.path.startswith("/")


@dataclass(frozen=True, slots=True)
class OffsiteCopy:
    """A copy at the far side as the system's ``status`` names it: of which backup, under which file name, path or
    pattern of paths there, and whether the system itself would rely on it. ``size`` and ``digest`` (``sha256:...``) are
    of what is stored, for it may be compressed or encrypted; None and empty where ``status`` does not tell."""

    name: str
    object: str
    counts: bool
    size: int | None = None
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One run of a command of the deployment kit. Times in CLOCK_MONOTONIC ns.

    ``gate_ns`` is how long the harness itself held it at phase edges (not the system's time). ``exit`` is None when it
    was still running at its deadline; then ``blocked_on`` says where it hung.
    """

    id: str
    name: str
    repeat: int
    warmup: bool
    expect: Literal["success", "failure", "any"]
    start_ns: int
    stop_ns: int
    gate_ns: int
    exit: int | None
    blocked_on: str
    output: str
    # What was asked for, and what was seen of it: as the event that told its end has it (recording/events.py).
    restores: bool = False
    to: str = ""
    group: int | None = None
    again: bool = False
    backup: str = ""
    broken_version: str = ""
    damaged_how: str | None = None
    put_back: str | None = None
    on_copy: bool = False
    fault_disk: str | None = None
    free_bytes: int | None = None
    disk_written_bytes: int | None = None
    version_wanted: str = ""
    version_at_exit: str = ""
    version_after_s: float | None = None
    last_s: float | None = None
    last_cpu_s: float | None = None
    last_written_bytes: int | None = None
    left_traces: bool | None = None

    @property
    def seconds(self) -> float:
        """The system's own time: wall time less the time the harness held it at its gates."""
        return (self.stop_ns - self.start_ns - self.gate_ns) / NS

    @property
    def succeeded(self) -> bool:
        return self.exit == 0

    @property
    def on_our_backup(self) -> bool:
        """Whether the backup it was given was one we damaged (or had, and put back), or copied to damage it: no step of
        the scenario's."""
        return self.damaged_how is not None or self.put_back is not None or self.on_copy


@dataclass(frozen=True, slots=True)
class CrashState:
    """One state a power cut may have left a disk in, and how far the system got that was started on it.

    ``at_ns`` is the moment of the cut (CLOCK_MONOTONIC), ``during`` the phase and ``operation`` the id of what it fell
    into; ``kept`` says what of the unflushed writes the state holds, ``hit`` whose blocks they are. ``mount_error`` and
    ``start_error`` are empty when that went well. ``owed_ns``: what was acknowledged by then must be there; 0 where
    that is the moment of the cut.
    """

    label: str
    cut: int
    at_ns: int
    during: str
    operation: str
    kept: str
    hit: str = ""
    mount_error: str = ""
    start_error: str = ""
    start_s: float = 0.0
    owed_ns: int = 0


# The cause of a read-back that is only a look at what an attached system holds when the run begins.
BEFORE = "before"
# How the tokens of our own clients begin (harness.load.requests).
OUR_TOKEN = re.compile(r"[lp]-[0-9a-f]+-[0-9a-f]+-")


@dataclass(frozen=True, slots=True)
class Observation:
    """The system's data as found by a read-back, with all that is needed to judge it.

    ``label`` names the moment (``restore#2``). ``cause`` is the operation it follows: an observation after a
    successful ``restore`` starts a new history. ``writes`` is the whole ledger up to ``stop_ns``; ``earlier`` the
    observations before this one, oldest first. ``found`` is None when the system could not be read; ``error`` says why.
    ``totals`` are the invariants the system reported (pointer or name -> value), ``expected_totals`` what they must be;
    ``totals_with_writes``: those that count entries of our clients, of which the found ones are taken off already.
    ``latest`` is the path of the backup `restore` would use, empty for none; ``status_error`` why that is not known.
    ``snapshot_ns`` for a restore: start and stop of the phase that took the snapshot it was restored from.
    ``said`` is what the kit's ``status`` told besides, each only when it did: ``version``, ``schema``, ``lock`` (who
    holds it; None: nobody). ``schemas`` are those that the version in service runs on, as [versions] has them.
    ``offsite``: the copies the system says it has at the far side, None when it does not say; ``stored``: what is
    really there (path below the store -> bytes), None when nothing says where to look.
    ``held_before``: tokens of our clients that were there before the run, in a system that it was attached to;
    ``backups_before``: path and size of the backups its ``status`` named then.
    ``error_status``: the HTTP status of the answer that ended the read-back, 0 for none. ``not_provided``: which of
    ``status`` and ``read_back`` the system.toml declares nothing for.
    ``lag_s``: for so long it was asked again for writes that did not show up at once; ``settle_s``: so long they may
    take, as system.toml says (0: it does not).
    ``crash``: this is the data a power cut left, not the live one. Then ``writes`` and ``operations`` end at the cut
    (what was under way is indeterminate, or has no exit), and ``operations`` goes on with what was run on that state.
    """

    label: str
    cause: str
    start_ns: int
    stop_ns: int
    found: tuple[Found, ...] | None
    error: str
    writes: Sequence[Write]
    totals: Mapping[str, float] = field(default_factory=dict)
    expected_totals: Mapping[str, float] = field(default_factory=dict)
    totals_with_writes: frozenset[str] = frozenset()
    operations: tuple[Operation, ...] = ()
    artefacts: tuple[Artefact, ...] = ()
    latest: str = ""
    status_error: str = ""
    version: str = ""
    snapshot_ns: tuple[int, int] | None = None
    said: Mapping[str, Any] = field(default_factory=dict)
    schemas: tuple[str, ...] = ()
    offsite: tuple[OffsiteCopy, ...] | None = None
    stored: Mapping[str, int] | None = None
    stored_digests: Mapping[str, str] = field(default_factory=dict)
    earlier: tuple[Observation, ...] = ()
    crash: CrashState | None = None
    held_before: frozenset[str] = frozenset()
    backups_before: frozenset[tuple[str, int]] = frozenset()
    error_status: int = 0
    not_provided: frozenset[str] = frozenset()
    lag_s: float = 0.0
    settle_s: float = 0.0

    def is_new(self, artefact: Artefact) -> bool:
        """Whether a backup was made, or made anew, since the run began."""
        return (artefact.path, artefact.size) not in self.backups_before


# How far a fault came: ``skipped`` and ``failed`` were never in, ``not_applied`` was put in and not found to be in.
FaultState = Literal[
    "planned",
    "skipped",
    "failed",
    "injected",
    "not_applied",
    "applied",
    "lost_early",
    "healed",
    "heal_failed",
]


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """What became of one planned fault. Times in CLOCK_MONOTONIC ns, None when that stage was never reached.
    ``to_the_end``: it was meant to stay in until all steps were taken. ``felt_said``: the words by which the system
    showed that it met it. ``released_ns``: when we began to take it away; by ``healed_ns`` it was seen to be gone.
    ``effects``: what it does, in the words of harness/faults/fault.py; ``targets``: what it is done to, kind (``link``,
    ``disk`` ...) to name."""

    id: str
    name: str
    parameters: Mapping[str, Any]
    at: str
    state: FaultState
    injected_ns: int | None
    confirmed_ns: int | None
    healed_ns: int | None
    evidence: Evidence
    operation: str = ""  # the id of the one it landed on
    to_the_end: bool = False
    felt_said: str = ""
    released_ns: int | None = None
    effects: frozenset[str] = frozenset()
    targets: Mapping[str, str] = field(default_factory=dict)


def merged(outcomes: Sequence[FindingOutcome]) -> Outcome:
    """fail > unknown > pass; nothing judged is unknown, and a note judges nothing."""
    outcomes = [o for o in outcomes if o != "note"]
    if "fail" in outcomes:
        return "fail"
    if "unknown" in outcomes or not outcomes:
        return "unknown"
    return "pass"


@dataclass(frozen=True, slots=True)
class Result:
    """One run, judged: the content of result.json (schema 2, documented in reports/README.md)."""

    schema: int
    run: str
    system: str
    scenario: str
    cell: str
    seed: int
    outcome: Outcome
    findings: tuple[Finding, ...]
    measurements: tuple[Measurement, ...]
    claims: tuple[Mapping[str, Any], ...]
    spans: tuple[Mapping[str, Any], ...]
    operations: tuple[Mapping[str, Any], ...]
    faults: tuple[Mapping[str, Any], ...]
    observations: tuple[Mapping[str, Any], ...]
    outages: tuple[Mapping[str, Any], ...]
    load: Mapping[str, Any]
    host: Mapping[str, Any]
    provenance: Mapping[str, Any]
    warnings: tuple[str, ...]
    waived: tuple[Mapping[str, Any], ...]
    title: str = ""
    reproduce: str = ""
    review: Mapping[str, Any] = field(default_factory=dict)
