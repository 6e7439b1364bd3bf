"""The events of a recording: one struct a kind, which writer, reader, live view and reference page share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import msgspec

from harness.errors import ExitCode, Matter
from harness.model import Instant

# How an edge of a phase came to be known: a mark of the kit, a system call, a line of a log, bytes written, or the
# start or the end of the operation.
By = Literal["mark", "syscall", "log", "bytes", "start", "end"]
Expect = Literal["success", "failure", "any"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """Something that happened. The recorder sets when, and the number of its line."""

    t: Annotated[int, "CLOCK_MONOTONIC, ns"] = -1
    w: Annotated[int, "wall clock, ns"] = -1
    n: Annotated[int, "number of the line, from 0: a hole is seen"] = -1

    @property
    def instant(self) -> Instant:
        return Instant(self.t, self.w)

    @property
    def kind(self) -> str:
        """As it is written in the recording: ``load.steady``."""
        return str(self.__struct_config__.tag)


# -- the run ---------------------------------------------------------------------------------------------------------
class RunStarted(Event, tag="run.start", frozen=True):
    """The inside half begins."""

    digest: Annotated[str, "of run.json: one of another run is seen"] = ""


class RunInterrupted(Event, tag="interrupted", frozen=True):
    """The outside half wants the run to end."""


class RunFailed(Event, tag="error", frozen=True):
    """What ended the run before its time."""

    text: str
    hint: Annotated[str, "what to try; empty: nothing is known"] = ""
    code: Annotated[int, "exit code of its kind of error"] = 0
    matter: Annotated[Matter, "whose it is"] = "system"

    @property
    def of_system(self) -> bool:
        """Whether the system did it: our own bugs and what this host lacks say nothing about it."""
        return self.code in (ExitCode.UNKNOWN, ExitCode.USAGE) and self.matter == "system"


class StopWhenMet(Event, tag="stop_when", frozen=True):
    """A limit of [limits] stop_when was met: every fault was reverted, and no further step was begun."""

    limit: Annotated[str, "`bad_share`, `latency_ms_p95`, `url` or `load`"]
    value: float = 0.0
    allowed: float = 0.0
    said: Annotated[str, "what the URL answered"] = ""


class Warned(Event, tag="warning", frozen=True):
    """Why this run may be less trustworthy than it looks."""

    text: str


class NotProvided(Event, tag="not_provided", frozen=True):
    """A step was not taken: the system has no command for it."""

    operation: str
    of: Annotated[str, "what it lacks it for: `a broken version`, `a damaged backup`; empty: it has none at all"] = ""
    optional: Annotated[bool, "nothing is the worse for it: the step was to be tried only where there is one"] = False

    @property
    def named(self) -> str:
        """``deploy of a broken version``."""
        return f"{self.operation} of {self.of}" if self.of else self.operation


class LeftOut(Event, tag="left_out", frozen=True):
    """Something was not set up, was not done, or went wrong for our sake: an unknown."""

    what: str
    why: str


class RecordingComplete(Event, tag="recording.complete", frozen=True):
    """The last line; a recording that does not end with it was cut short."""

    events: Annotated[int, "lines of the file, this one included"]


class Custom(Event, tag="custom", frozen=True):
    """An event of an extension; nothing of ours reads it."""

    owner: Annotated[str, "whose event it is, such as the name of a package"]
    fields: Annotated[Mapping[str, Any], "what the owner likes"]


# -- what the system stands on ---------------------------------------------------------------------------------------
class IslandUp(Event, tag="island.up", frozen=True):
    """The run has its own network, mounts and processes, as far as the host gives them."""

    island: Annotated[str, "`root`, `user`, or `none`"]


class DiskMounted(Event, tag="disk", frozen=True):
    """A disk of the system is there."""

    name: str
    profile: Annotated[str, "what it stands on"]
    size_bytes: int = 0
    path: Annotated[str, "where it is mounted"] = ""


class LinkLaid(Event, tag="link.laid", frozen=True):
    """A link to a dependency, or from one part to another, is there."""

    name: str
    upstream: Annotated[str, "the address it leads to"]
    serves: Annotated[bool | None, "requests of clients need it; null: nobody says"]


class Seeded(Event, tag="seeded", frozen=True):
    """The system was filled with data."""

    asked_bytes: int
    found_bytes: Annotated[int, "after the seed"]


class SystemUp(Event, tag="system.up", frozen=True):
    """The service was ready for the first time."""

    version: Annotated[str, "in service; empty: it did not say"]
    seconds: Annotated[float, "from its start"] = 0.0
    health: Annotated[str, "empty, or what was answered instead of a good answer"] = ""
    ready: Annotated[str, "empty, or what was answered instead of a good answer"] = ""
    health_status: Annotated[int, "HTTP status of that answer; 0: there was none"] = 0
    ready_status: Annotated[int, "HTTP status of that answer; 0: there was none"] = 0
    data_bytes: Annotated[int, "size of its data; 0: nobody asked"] = 0
    attached: Annotated[bool, "it ran already"] = False


class ServiceStopped(Event, tag="service.stopped", frozen=True):
    """The service was stopped, at the end of a cell that restarts it."""

    still_answers: Annotated[str, "empty, or what still answered"] = ""
    error: Annotated[str, "how the command of [service] stop failed; empty: it did not, or there is none"] = ""
    killed: Annotated[bool, "the process of the service had to be killed"] = False
    seconds: Annotated[float, "how long it took"] = 0.0


class ServiceRestarted(Event, tag="service.restarted", frozen=True):
    """The service was started again, at the end of a cell that restarts it."""

    version: str
    seconds: Annotated[float, "from its start until it was ready"]


# -- load and meters -------------------------------------------------------------------------------------------------
class LoadStarted(Event, tag="load.start", frozen=True):
    """The load and the meters begin."""

    profile: Annotated[str, "the load in words"]
    users: Annotated[int | None, "null with an arrival rate"] = None


class LoadSteady(Event, tag="load.steady", frozen=True):
    """The load is steady: from here on downtime is counted."""

    rate_per_s: float
    seconds: Annotated[float, "how long that took"]


class BadAnswer(msgspec.Struct, frozen=True):
    """So many requests of one name that ended like this."""

    request: str
    outcome: str
    status: int
    count: int
    said: str


class LoadUnsteady(Event, tag="load.unsteady", frozen=True):
    """The load did not become steady."""

    why: Annotated[str, "empty where only the probes were not answered"] = ""
    unanswered: Annotated[tuple[str, ...], "channels of the prober that got no good answer while the load did"] = ()
    bad_answers: Annotated[
        tuple[BadAnswer, ...],
        "how requests ended badly, the commonest way first: `request`, `outcome`, `status`, `count`, and `said`, the "
        "first words of the first such answer",
    ] = ()
    requests: Annotated[int, "so many requests had ended by then"] = 0
    load_per_s: Annotated[float, "requests of the load"] = 0.0
    probes_per_s: float = 0.0


class LoadHollow(Event, tag="load.hollow", frozen=True):
    """The prober's reads prove nothing."""

    why: Annotated[str, "they are answered as any path that does not exist is"]


class LoadStopping(Event, tag="load.stopping", frozen=True):
    """The steps are taken: downtime is counted up to here."""


class ProberStopped(Event, tag="prober.stopped", frozen=True):
    """The prober has ended."""

    clean: Annotated[bool, "by itself, all written down"]
    why: Annotated[str, "not clean"] = ""
    started: Annotated[int | None, "requests by its own count"] = None
    contents: Annotated[
        Mapping[str, Sequence[str]], "kinds of content each request was answered with, the usual one first"
    ] = {}


class LoadStopped(Event, tag="load.stopped", frozen=True):
    """The load has ended."""

    clean: Annotated[bool, "by itself, all written down"]
    why: Annotated[str, "not clean"] = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    started: Annotated[int | None, "requests by its own count"] = None


class ServerCount(Event, tag="server.count", frozen=True):
    """What the system's own access log counted."""

    marker: Annotated[str, "what those requests say they come from"]
    requests: int
    sent_again: Annotated[int, "so many requests of the load were, with a new session"] = 0


# -- operations and phases -------------------------------------------------------------------------------------------
class OperationStarted(Event, tag="operation.start", frozen=True):
    """A command of the kit is about to be started."""

    id: str
    name: str
    repeat: Annotated[int, "round, from 0"] = 0
    warmup: Annotated[bool, "it is not measured"] = False


class OperationStopped(Event, tag="operation.stop", frozen=True):
    """A command of the kit has ended, or was ended at its deadline."""

    id: str
    name: str
    repeat: Annotated[int, "round, from 0"]
    warmup: Annotated[bool, "it is not measured"]
    expect: Annotated[Expect, "what a sound kit does with it: `success`, `failure`, `any`"]
    start_ns: int
    gate_ns: Annotated[int, "how long we held it at phase edges"]
    exit: Annotated[int | None, "null: it was still running at its deadline"]
    timed_out: bool = False
    blocked_on: Annotated[str, "where it hung, if it did"] = ""
    # What was asked for; empty, null or false where it was not.
    restores: Annotated[bool, "it goes back to a backup"] = False
    to: Annotated[str, "where a restore ends: `snapshot`, `latest`; empty where system.toml does not say"] = ""
    group: Annotated[int | None, "number of the group it ran in, beside others"] = None
    again: Annotated[bool, "tried once more, on what a power cut left"] = False
    backup: Annotated[str, "path of the backup it was given"] = ""
    broken_version: Annotated[str, "the version it was to deploy, where that is known to be broken"] = ""
    damaged_how: Annotated[str | None, "the damage we did to its backup: `truncated`, `flipped`, `empty`"] = None
    put_back: Annotated[str | None, "the damage its backup had before it was made whole again"] = None
    on_copy: Annotated[bool, "its backup was our copy of one, to be damaged"] = False
    # What was seen of it.
    fault_disk: Annotated[str | None, "the disk that we filled"] = None
    free_bytes: Annotated[int | None, "what was free on that disk once it was filled"] = None
    disk_written_bytes: Annotated[int | None, "by how much that disk got fuller, at most"] = None
    version_wanted: Annotated[str, "what /version was to say after it"] = ""
    version_at_exit: Annotated[str, "what /version said right after exit 0; empty: nothing"] = ""
    version_after_s: Annotated[float | None, "how much later it said what was wanted; null: not within the time"] = None
    last_s: Annotated[float | None, "of one that was ended: the last seconds, of which the next two tell"] = None
    last_cpu_s: Annotated[float | None, "CPU used then"] = None
    last_written_bytes: Annotated[int | None, "bytes written then; null: that is not known"] = None
    left_traces: Annotated[
        bool | None, "whether a restore to the latest replaced the data or read its backup; null: that is not known"
    ] = None


class PhaseEdge(Event, tag="phase", frozen=True):
    """The start or the stop of a phase. A kit that marks it was held there."""

    operation: Annotated[str, "id"]
    phase: str
    event: Annotated[Literal["start", "stop"], "`start` or `stop`"]
    gate_ns: Annotated[int, "how long we held it there"] = 0
    by: Annotated[By, "how it was seen: `mark`, `syscall`, `log`, `bytes`, or `start`, `end` of the operation"] = "mark"
    held: Annotated[bool, "the kit stood there meanwhile"] = True
    late_ns: Annotated[int, "it was seen so late at most"] = 0
    ended: Annotated[bool, "it was seen only after the operation had ended: nothing was done there"] = False


class Barrier(Event, tag="barrier", frozen=True):
    """One of the operations that run together was held at an edge until the others had reached the barrier or ended."""

    operation: Annotated[str, "id"]
    at: Annotated[str, "the edge"]
    arrived: Annotated[Sequence[str], "operations that had reached the barrier when it went on"] = ()
    ended: Annotated[Sequence[str], "operations that had ended by then"] = ()
    complete: Annotated[bool, "no operation was missing"] = False
    seconds: Annotated[float, "how long it was held"] = 0.0


class Recovered(Event, tag="recovered", frozen=True):
    """A look at the service after an operation or a fault, until it was healthy or the time was over."""

    after: Annotated[str, "id of the operation, or what else it came after"]
    ok: bool
    start_ns: Annotated[int, "begin of the look"]
    seconds: Annotated[float, "its length"]
    last_bad_ns: Annotated[int, "when it was last asked in vain; 0: never"] = 0
    version: Annotated[str, "in service then"] = ""
    version_owed: Annotated[str, "what it must be if the operation failed; empty: that is not known"] = ""


class Observed(Event, tag="observation", frozen=True):
    """The system's data were read back."""

    label: Annotated[str, "observations/LABEL.json has what was found"]
    cause: Annotated[str, "the operation before it"]
    start_ns: int
    digest: Annotated[str, "of its file: that of another run is seen"] = ""
    backup_files: Annotated[Mapping[str, int | None], "path of each backup to its bytes on the disk, or null"] = {}


# -- faults ----------------------------------------------------------------------------------------------------------
class FaultEvent(Event, frozen=True):
    """Something that became of one planned fault."""

    id: str


class FaultPlanned(FaultEvent, tag="fault.planned", frozen=True):
    """A fault is to come."""

    name: str
    parameters: Mapping[str, Any]
    at: Annotated[str, "the moment it is to come at"]
    hold: Annotated[float | str, "seconds, or until its own `operation`, an `other` one or the run (`end`) ends"] = (
        "operation"
    )
    effects: Annotated[Sequence[str], "what it does: `cuts`, `pauses`, `refuses_space` ..."] = ()
    targets: Annotated[Mapping[str, str], "what it is done to: `link`, `disk`, `monitor` ... to its name"] = {}


class FaultSkipped(FaultEvent, tag="fault.skipped", frozen=True):
    """Its moment came and was seen too late: nothing was done."""

    said: str


class FaultFailed(FaultEvent, tag="fault.failed", frozen=True):
    """It could not be put in, or nothing could be told of it."""

    said: str


class FaultInjected(FaultEvent, tag="fault.injected", frozen=True):
    """It was put in."""

    operation: Annotated[str, "id of the one it landed on"] = ""


class FaultConfirmed(FaultEvent, tag="fault.confirmed", frozen=True):
    """Our own probe has looked whether it is in."""

    applied: Annotated[bool, "it is"]
    felt: Annotated[bool, "the system has met it already"] = False
    said: Annotated[str, "what was seen"] = ""


class FaultLost(FaultEvent, tag="fault.lost", frozen=True):
    """It was gone before we took it away."""

    said: Annotated[str, "what took it away"]


class FaultHealed(FaultEvent, tag="fault.healed", frozen=True):
    """It was taken away."""

    ok: Annotated[bool, "it is really gone, read back"]
    felt: Annotated[bool, "the system has met it"] = False
    felt_said: Annotated[str, "the words that show it"] = ""
    released_ns: Annotated[int | None, "when we began to take it away"] = None


class MonitorsBlind(Event, tag="monitors.out", frozen=True):
    """What a fault did to the team's monitors, written when it was confirmed."""

    since_ns: int
    operation: Annotated[str, "id of the one it landed on"]
    names: Annotated[Sequence[str], "of the monitors that are out"]
    declared: Annotated[Sequence[str], "all that there are"]
    how: Annotated[str, "what was done to them, in words"]
    status: Annotated[Sequence[str], "what the kit's `status` called degraded then"] = ()


# -- versions, as seen from outside ----------------------------------------------------------------------------------
class VersionSeen(Event, tag="version.seen", frozen=True):
    """Another version answers than before. Only in runs with a version known to be broken, as are the next two."""

    version: str
    before_ns: Annotated[int, "when the question before it was asked"]


class VersionSilent(Event, tag="version.silent", frozen=True):
    """Questions in a row told no version."""

    since_ns: int
    version: Annotated[str, "what was told at last; empty: nobody asked any more"] = ""
    questions: Annotated[int, "how many; 0: the watch itself ended early"] = 0
    refused: Annotated[int, "how many of them found nobody listening"] = 0
    said: Annotated[str, "what the first got instead"] = ""


class VersionWatched(Event, tag="version.watched", frozen=True):
    """The last question was asked."""

    interval_s: Annotated[float, "between the questions"]


# -- power cuts ------------------------------------------------------------------------------------------------------
class PlannedCut(msgspec.Struct, frozen=True):
    """A moment at which the power is cut, chosen in what was recorded."""

    number: int
    at_ns: int
    during: str
    record: int


class PowerAsked(Event, tag="power.asked", frozen=True):
    """The power is to be cut."""

    about: Annotated[str, "where, in words"]


class PowerPlanned(Event, tag="power.planned", frozen=True):
    """The cuts were chosen."""

    cuts: Annotated[Sequence[PlannedCut], "each `number`, `at_ns`, `during` (a phase), `record` (of the block log)"]
    asked: Annotated[int, "how many cuts were asked for"] = 0
    states: Annotated[Sequence[str], "labels"] = ()
    records: Annotated[int, "of the block log"] = 0
    flushes: Annotated[int, "of the block log"] = 0


class PowerState(Event, tag="power.state", frozen=True):
    """The system was started on a state that a cut may have left."""

    label: str
    build_ms: Annotated[float, "making its image"]
    seconds: Annotated[float, "all of it"]


class PowerUnsound(Event, tag="power.unsound", frozen=True):
    """No state can be built."""

    why: Annotated[str, "the block log is not what the disk is"]


class PowerBroken(Event, tag="power.broken", frozen=True):
    """A state could not be examined."""

    label: str
    why: str


class BootMounted(Event, tag="boot.mounted", frozen=True):
    """In states/LABEL/ only, as are the next three: the disk of the state was mounted."""

    error: Annotated[str, "why not, or empty"]
    hit: Annotated[str, "for `cut-<n>-names`: whose blocks those are, most first"] = ""


class BootStarted(Event, tag="boot.started", frozen=True):
    """The system was started on the state; once more after a restore."""

    error: Annotated[str, "why it did not start, or empty"]
    seconds: float = 0.0


class BootDone(Event, tag="boot.done", frozen=True):
    """The look at the state went to its end."""


class BootFailed(Event, tag="boot.failed", frozen=True):
    """The look at the state did not go to its end."""

    why: str


# -- lines -----------------------------------------------------------------------------------------------------------
class _Header(msgspec.Struct, frozen=True):
    """What every line has, also one of a kind that only a later version knows."""

    t: int
    w: int
    n: int
    kind: str


@cache
def kinds() -> Mapping[str, type[Event]]:
    """Every kind of event by the name it is written under, in the order of this module."""
    found: list[type[Event]] = []
    waiting: list[type[Event]] = [Event]
    while waiting:
        struct = waiting.pop()
        found.append(struct)
        waiting += reversed(struct.__subclasses__())
    return {str(e.__struct_config__.tag): e for e in found if e not in (Event, FaultEvent)}


@cache
def _decoder() -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(Union[tuple(kinds().values())])  # noqa: UP007 - the union is made of what there is


_encode = msgspec.json.Encoder(enc_hook=str).encode


def encode(event: Event) -> bytes:
    """The event as one line of JSON, without the end of the line."""
    try:
        return _encode(event)
    except UnicodeEncodeError:  # half a surrogate in what a system said
        plain = msgspec.to_builtins(event, enc_hook=str)
        return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def decode(line: bytes) -> Event:
    """The event of one line; msgspec.DecodeError when it is none. Fields that nobody here knows are passed over, and an
    event of a kind that nobody here knows is an ``Event`` and no more."""
    try:
        event = _decoder().decode(line)
    except msgspec.ValidationError:
        header = msgspec.json.decode(line, type=_Header)
        if header.kind in kinds():
            raise
        return Event(t=header.t, w=header.w, n=header.n)
    if min(event.t, event.w, event.n) < 0:
        raise msgspec.ValidationError("it does not say when it was")
    return event


def read_events(path: Path) -> tuple[tuple[Event, ...], int]:
    """The events of a file, and of how many lines; those that are torn, foreign or out of sequence are left out. No
    file is no line."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    if lines and not lines[-1]:
        lines.pop()
    found: list[Event] = []
    for number, line in enumerate(lines):
        try:
            event = decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if event.n == number:
            found.append(event)
    return tuple(found), len(lines)
