"""Runs one operation of the deployment kit and records what happened: time, gates, exit, where it hung."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from harness.host import commands
from harness.host.clock import Deadline, mono_ns, now, wait_until
from harness.host.held_calls import CannotHold, spawned_under
from harness.host.processes import Effort, blocked_on, effort
from harness.model import NS, Artefact, Edge, OffsiteCopy
from harness.recording.events import LeftOut, OperationStarted, OperationStopped
from harness.system.backup_list import CannotList, listed
from harness.system.live import LiveSystem
from harness.system.phases.mark_server import PhaseServer
from harness.system.phases.watcher import PhaseWatch
from harness.system.restore_traces import RestoreTraces

# How long an operation that exited 0 is watched for the version it promised.
VERSION_GRACE_S = 15.0
# Of one that is still running at its deadline it is told what it did in so many seconds before it.
LAST_S = 5.0
# Of a copy off site.
DIGESTS = ("sha256", "sha1", "md5")
_KIND_CHARS = 80
# So many lines that begin with { are looked at for what a `status` says.
_OBJECTS = 1000


@dataclass(frozen=True, slots=True)
class OperationRequest:
    """An operation to run, for the n-th repeat, and how a sound kit ends it."""

    operation: str
    repeat: int = 0
    warmup: bool = False
    expect: Literal["success", "failure", "any"] = "success"
    version: str = ""
    backup: str = ""
    restores: bool = False
    group: int | None = None
    again: bool = False
    broken_version: str = ""
    damaged_how: str | None = None
    put_back: str | None = None
    on_copy: bool = False


@dataclass(frozen=True, slots=True)
class OperationResult:
    """How an operation ended; ``exit`` is None if it was killed at its deadline. Times in CLOCK_MONOTONIC ns."""

    id: str
    exit: int | None
    start_ns: int
    stop_ns: int


@dataclass(frozen=True, slots=True)
class Status:
    """What the kit's ``status`` says; ``error`` when it said nothing usable. ``offsite`` is None when it does not speak
    of copies at the far side."""

    latest: str
    artefacts: tuple[Artefact, ...]
    error: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)  # version, schema, lock: those it told
    offsite: tuple[OffsiteCopy, ...] | None = None


class Operations:
    """Runs the kit's commands one by one (several threads may run one each)."""

    def __init__(self, system: LiveSystem, phases: PhaseServer, on_edge: Callable[[Edge, str], None]) -> None:
        self._system = system
        self._phases = phases
        self._on_edge = on_edge
        self._lock = threading.Lock()
        self._count: dict[str, int] = {}

    def run(self, request: OperationRequest, wanted_version: str = "") -> OperationResult:
        """Run one operation to its end or its deadline. ``wanted_version``: what /version must say once it exited 0."""
        system, recorder = self._system, self._system.recorder
        id_ = self._next_id(request.operation)
        config = system.config.operations[request.operation]
        output = recorder.folder / "operations" / f"{id_}.out"
        kit = system.commands
        argv = kit.argv(config.command, version=request.version or kit.values["version"], backup=request.backup)
        env = {**kit.env, "DEPLOYDRILL_OPERATION": id_, "DEPLOYDRILL_PHASES": str(self._phases.path)}
        recorder.record(OperationStarted(id=id_, name=request.operation, repeat=request.repeat, warmup=request.warmup))
        if not system.running:  # what is said of a disk is of all the operations that run together
            for disk in system.disks:
                system.watch.mark(disk)
            system.fault_free_bytes.clear()
        self._on_edge(Edge(request.operation, "start"), id_)
        phases = [p for p in system.config.phases if p.operation == request.operation and not p.same_as]
        watch = PhaseWatch(phases, id_, output, kit.text, self._phases.gates)
        watch.begin()
        looked_for = request.restores and config.to == "latest"
        traces = (
            RestoreTraces(system.files.data_place(), request.backup, ours=not system.config.service.attach)
            if looked_for
            else None
        )
        start = mono_ns()
        process = system.running[id_] = self._start(argv, output.name, env, watch)
        code, did = self._wait(process, id_, start, config.deadline_s)
        blocked = ""
        if code is None:
            blocked = blocked_on(process.pid)
            process.kill()
            process.wait(5)
        del system.running[id_]
        stopped = now()
        watch.end()
        recorder.check_room()  # what the kit says is written there, too
        gate_ns = self._phases.gates.gate_ns(id_)  # one it was held at when it ended holds nothing any more
        # Of the disk that was filled last; told before the edge below, where it may be emptied.
        filled, free_bytes = next(reversed(system.fault_free_bytes.items()), (None, None))
        written_bytes = system.watch.peak_bytes(filled) if filled is not None else None
        at_exit, after_s = "", None
        if wanted_version := wanted_version if code == 0 else "":
            at_exit, after_s = self._version_after(wanted_version, stopped.mono_ns)
        self._on_edge(Edge(request.operation, "stop"), id_)
        recorder.record(
            OperationStopped(
                id=id_,
                name=request.operation,
                repeat=request.repeat,
                warmup=request.warmup,
                expect=request.expect,
                start_ns=start,
                gate_ns=gate_ns,
                exit=code,
                timed_out=code is None,
                blocked_on=blocked,
                restores=request.restores,
                to=config.to if request.restores else "",
                group=request.group,
                again=request.again,
                backup=request.backup,
                broken_version=request.broken_version,
                damaged_how=request.damaged_how,
                put_back=request.put_back,
                on_copy=request.on_copy,
                fault_disk=filled,
                free_bytes=free_bytes,
                disk_written_bytes=written_bytes,
                version_wanted=wanted_version,
                version_at_exit=at_exit,
                version_after_s=after_s,
                last_s=did.last_s if did else None,
                last_cpu_s=did.cpu_s if did else None,
                last_written_bytes=did.written_bytes if did else None,
                left_traces=traces.left() if traces else None,
            ),
            stopped,
        )
        return OperationResult(id_, code, start, stopped.mono_ns)

    def _start(self, argv: Sequence[str], output: str, env: Mapping[str, str], watch: PhaseWatch) -> commands.Process:
        """Start it, with the system calls that are edges of its phases held."""
        if watch.families:
            try:
                return spawned_under(
                    watch.families, watch.on_call, lambda: self._system.commands.spawn(argv, output, env, fork=True)
                )
            except CannotHold as cannot:
                self._system.recorder.record(LeftOut(what="phases seen by system calls", why=str(cannot)))
        return self._system.commands.spawn(argv, output, env)

    def status(self) -> Status:
        """Ask the kit what it would restore from. Not timed, not gated."""
        config = self._system.config.operations.get("status")
        if config is None:
            return self._from_list()
        done = self._system.commands.run(config.command, config.deadline_s)
        if done.exit != 0:
            how = "had not ended" if done.exit is None else f"exited with {done.exit}"
            late = f" after {config.deadline_s:g} s" if done.exit is None else ""
            return Status("", (), f"status {how}{late}: {done.error or 'it said nothing'}")
        said = last_object(done.stdout, "backups")
        if said is None:
            return Status("", (), f"status printed no JSON object on stdout; it said: {done.error or 'nothing'}")
        try:
            artefacts = tuple(_artefact(told) for told in said["backups"])
            copies = said.get("offsite")
            offsite = tuple(_offsite_copy(c) for c in copies) if copies is not None else None
            more: dict[str, Any] = {key: said[key] for key in ("version", "schema", "lock") if key in said}
            return Status(_place(said.get("latest") or ""), artefacts, said=more, offsite=offsite)
        except KeyError as error:
            return Status("", (), f"status has no {error.args[0]!r} in its JSON: {json.dumps(said)[:200]}")
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            return Status("", (), f"status has JSON that is not as documented ({error}): {json.dumps(said)[:200]}")

    def _from_list(self) -> Status:
        backups = self._system.config.backups
        if backups is None:
            return Status("", (), "the system declares neither [operations.status] nor [backups]")
        try:
            latest, found = listed(backups, self._system.commands)
        except CannotList as cannot:
            return Status("", (), str(cannot))
        return Status(latest, found)

    def _next_id(self, operation: str) -> str:
        with self._lock:
            self._count[operation] = self._count.get(operation, 0) + 1
            return f"{operation}-{self._count[operation]}"

    def _wait(
        self, process: commands.Process, id_: str, start_ns: int, deadline_s: float
    ) -> tuple[int | None, _Did | None]:
        """The exit code, or None once the operation had ``deadline_s`` of its own time, with what it did in the last of
        it. Time at gates does not count, its own or that of others, for whose lock it may wait."""
        earlier: tuple[float, Effort] | None = None
        while True:
            gates = self._phases.gates
            own_s = (mono_ns() - start_ns - gates.gate_ns(id_) - gates.others_ns(id_, start_ns)) / NS
            if earlier is None and own_s >= deadline_s - min(LAST_S, deadline_s / 2):
                earlier = own_s, effort(process.pid)
            # Asked also when it is too late: it may have ended while we ourselves stood still.
            code = process.wait(max(0.0, min(0.25, deadline_s - own_s)))
            if code is not None:
                return code, None
            if earlier and own_s >= deadline_s:
                return None, _done_since(*earlier, own_s, effort(process.pid))

    def _version_after(self, wanted: str, stopped_ns: int) -> tuple[str, float | None]:
        """The version that answers now, and how long after its end the wanted one did where that is another."""
        at_exit = self._system.service.version()
        if at_exit == wanted:
            return at_exit, None
        seen = wait_until(
            lambda: self._system.service.version() == wanted, Deadline(VERSION_GRACE_S, "the version"), every_s=0.05
        )
        return at_exit, round((mono_ns() - stopped_ns) / NS, 2) if seen else None


@dataclass(frozen=True, slots=True)
class _Did:
    """What an operation did in the last seconds before it was ended."""

    last_s: float
    cpu_s: float
    written_bytes: int | None


def _done_since(from_s: float, before: Effort, to_s: float, after: Effort) -> _Did:
    """What was done between two looks."""
    written: int | None = None
    if before.written_bytes is not None and after.written_bytes is not None:
        # One that went its own way meanwhile takes what it had written with it.
        written = max(0, after.written_bytes - before.written_bytes)
    return _Did(round(to_s - from_s, 1), round(max(0.0, after.cpu_s - before.cpu_s), 2), written)


def last_object(text: str, key: str) -> dict[str, Any] | None:
    """The last JSON object in it that has ``key``, else the last one; None when none begins a line. It may stand on one
    line or on several, with lines of a log, JSON as well, before and after it."""
    starts = [match.start() for match in re.finditer(r"^[ \t]*\{", text, re.MULTILINE)]
    # What is indented is most often a part of what is not.
    starts.sort(key=lambda at: (text[at] == "{", at), reverse=True)
    decoder, last = json.JSONDecoder(), None
    for start in starts[:_OBJECTS]:
        with suppress(ValueError, RecursionError):
            found, _ = decoder.raw_decode(text, text.index("{", start))
            if key in found:
                return dict(found)
            last = last or found
    return last


def _artefact(told: Mapping[str, Any]) -> Artefact:
    """``eligible`` unsaid: what is listed can be restored."""
    needs = told.get("needs") or ()
    if isinstance(needs, str):
        needs = (needs,)
    return Artefact(
        _place(told["name"]),
        _place(told["path"]),
        int(told["size"]),
        bool(told.get("eligible", True)),
        str(told.get("kind") or "")[:_KIND_CHARS],
        tuple(_place(name) for name in needs),
    )


def _offsite_copy(told: Mapping[str, Any]) -> OffsiteCopy:
    size, digest = told.get("size"), str(told.get("digest") or "").lower()
    algorithm, _, value = digest.partition(":")
    if digest and not (algorithm in DIGESTS and value.isalnum()):
        raise ValueError(f"digest {digest[:80]!r} is none of {', '.join(f'{name}:HEX' for name in DIGESTS)}")
    return OffsiteCopy(
        _place(told["name"]), _place(told["object"]), bool(told["counts"]), None if size is None else int(size), digest
    )


def _place(value: object) -> str:
    """A name or path that a file can have."""
    text = str(value)
    if "\0" in text or len(os.fsencode(text)) > 4096:  # half a surrogate is a ValueError of its own
        raise ValueError(f"no file can be called {text[:80]!r}")
    return text


def copied(path: Path, into: Path) -> Path:
    """A copy of a backup (a file or a directory) under its own name; OSError too where it would take half of the room
    that is left: a host in use is not to be filled."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    size, state = sum(p.stat().st_size for p in files), os.statvfs(into)
    if size > (free := state.f_bavail * state.f_frsize) // 2:
        raise OSError(errno.ENOSPC, f"it has {size} bytes, and only {free} are free in {into}")
    if path.is_dir():
        return shutil.copytree(path, into / path.name, symlinks=True)
    return Path(shutil.copy2(path, into / path.name))
