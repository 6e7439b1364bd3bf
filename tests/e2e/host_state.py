"""What a run could leave behind on its host: a snapshot, and what was not there before.

Other runs may go on meanwhile. So each run of a test carries a mark in its PATH, the one variable that reaches every
process of a run (a system gets an environment of its own, but for PATH).
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

NAMESPACES = ("pid", "mnt", "net", "ipc")
_LISTEN = "0A"
_LETTING_GO_S = 0.5
_LOOP_GET_STATUS64 = 0x4C05


def new_mark() -> str:
    """A directory that does not exist, for the end of a PATH."""
    return f"/nonexistent/drill-{uuid.uuid4().hex}"


def marked(mark: str, env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process with the mark in it."""
    merged = {**os.environ, **(env or {})}
    return {**merged, "PATH": f"{merged.get('PATH', os.defpath)}:{mark}"}


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    words: str
    namespaces: tuple[str, ...]
    environment: bytes

    def __str__(self) -> str:
        here = tuple(_link(f"/proc/self/ns/{n}") for n in NAMESPACES)
        away = [mine for mine, ours in zip(self.namespaces, here, strict=True) if mine != ours]
        return f"process {self.pid}: {self.words[:100]}" + (f" in {', '.join(away)}" if away else "")


def processes() -> dict[int, Process]:
    """All that run (a zombie does not), also those in other pid namespaces below ours."""
    found: dict[int, Process] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if state in "ZX":
                continue
            pid = int(folder.name)
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            spaces = tuple(_link(folder / "ns" / name) for name in NAMESPACES)
            found[pid] = Process(pid, int(parent), words, spaces, (folder / "environ").read_bytes())
        except OSError:
            continue  # it has just ended
    return found


def of_run(mark: str) -> dict[int, Process]:
    """The processes of one run: those that carry its mark, and those that descend from one that does."""
    everyone = processes()
    ours = {pid for pid, p in everyone.items() if mark.encode() in p.environment}
    size = 0
    while size != len(ours):
        size = len(ours)
        ours |= {pid for pid, p in everyone.items() if p.parent in ours}
    return {pid: everyone[pid] for pid in ours}


def end_run(mark: str) -> None:
    """SIGKILL to whatever of a run is there: for the end of a test, also of one that found something wrong."""
    for pid in of_run(mark):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


@dataclass(frozen=True)
class HostState:
    """One line for each thing that is there."""

    processes: frozenset[str]
    mounts: frozenset[str]
    loops: frozenset[str]
    cgroups: frozenset[str]
    ports: frozenset[str]
    devices: frozenset[str]
    temporary: frozenset[str]
    shared_memory: frozenset[str]

    def since(self, before: HostState) -> list[str]:
        """What is there now and was not, and mounts that are no longer there as they were."""
        new = [line for field in fields(self) for line in getattr(self, field.name) - getattr(before, field.name)]
        return sorted(new + [f"gone: {line}" for line in before.mounts - self.mounts])


def snapshot(mark: str) -> HostState:
    """The host as it is now; of processes, namespaces, loop devices and ports only what cannot be another run's."""
    ours = of_run(mark)
    return HostState(
        processes=frozenset(map(str, ours.values())),
        mounts=_lines("/proc/self/mounts"),
        loops=_loops(ours),
        cgroups=frozenset(f"cgroup {p}" for p in Path("/sys/fs/cgroup").rglob("deploydrill-*") if not _of_living(p)),
        ports=_ports(ours),
        devices=frozenset(f"network device {p.name}" for p in Path("/sys/class/net").iterdir()),
        temporary=frozenset(str(p) for p in Path(tempfile.gettempdir()).glob("drill-*") if not _of_living(p, ours)),
        shared_memory=_system_v() | frozenset(f"shared {p}" for p in Path("/dev/shm").glob("*drill*")),
    )


def left_behind(before: HostState, mark: str, within_s: float) -> list[str]:
    """What the run has left on the host ``within_s`` from now; returns as soon as that is nothing."""
    return waited(lambda: snapshot(mark).since(before), within_s)


def waited(things: Callable[[], list[str]], within_s: float) -> list[str]:
    """Ask until there are none, or time is up."""
    end = time.monotonic() + within_s
    while (found := things()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def _link(path: str | Path) -> str:
    return os.readlink(path)


def _lines(path: str) -> frozenset[str]:
    return frozenset(Path(path).read_text(errors="replace").splitlines())


def _loops(ours: Mapping[int, Process]) -> frozenset[str]:
    """Loop devices which no process has mounted or open that is not of the run. What they stand on has no name to go
    by (memory, or a deleted file), so its number is told: a number of a loop device is used again.

    Asked for some time: those of a run that is ending have no process any more, until the kernel has let them go.
    """
    first = loops_now(ours)
    end = time.monotonic() + _LETTING_GO_S
    while first and time.monotonic() < end:
        time.sleep(_LETTING_GO_S / 5)
        first &= loops_now(ours)
    return first


def loops_now(ours: Mapping[int, Process]) -> frozenset[str]:
    """The same at this moment, with those of a run that is just ending."""
    found = {}
    for device in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found[f"/dev/{device.parts[3]}"] = f"{device.read_text().strip()} {_stands_on(device.parts[3])}"
        except OSError:
            continue  # detached meanwhile
    for folder in Path("/proc").glob("[0-9]*"):
        if not found:
            break
        if int(folder.name) in ours:
            continue
        try:
            mounted = (folder / "mountinfo").read_text(errors="replace")
        except OSError:
            continue  # it has just ended
        for path in {*re.findall(r" (/dev/loop\d+) ", mounted), *_descriptors(folder / "fd")}:
            found.pop(path, None)
    return frozenset(f"{path} over {backing}" for path, backing in found.items())


def _stands_on(loop: str) -> str:
    """Device and inode of the file below it."""
    with Path(f"/dev/{loop}").open("rb") as device:
        return "{}:{}".format(*struct.unpack_from("<QQ", fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(232))))


def _ports(ours: Mapping[int, Process]) -> frozenset[str]:
    """Listening TCP ports of our network namespace which no process holds that is not of the run.

    Asked twice: a server of somebody else that ends between the look at the ports and the look at their holders has no
    holder either, but it is not listening any more the second time.
    """
    first = _unclaimed(ours)
    if not first:
        return frozenset()
    second = _unclaimed(ours)
    return frozenset(port for socket, port in first.items() if socket in second)


def _unclaimed(ours: Mapping[int, Process]) -> dict[str, str]:
    """The listening sockets, by inode, that no process holds which is not of the run."""
    listening: dict[str, str] = {}
    for table in ("/proc/self/net/tcp", "/proc/self/net/tcp6"):
        for line in _lines(table):
            words = line.split()
            if words[3] == _LISTEN:
                listening[f"socket:[{words[9]}]"] = f"port {int(words[1].rpartition(':')[2], 16)}"
    for entry in Path("/proc").glob("[0-9]*/fd"):
        if int(entry.parts[2]) in ours or not listening:
            continue
        for target in _descriptors(entry):
            listening.pop(target, None)
    return listening


def _descriptors(folder: Path) -> list[str]:
    """What the descriptors of a process are; one that is closed meanwhile must not hide the others."""
    found: list[str] = []
    try:
        for descriptor in folder.iterdir():
            try:
                found.append(_link(descriptor))
            except FileNotFoundError:
                continue
    except OSError:
        pass  # the whole process has just ended
    return found


def _of_living(path: Path, ours: Mapping[int, Process] | None = None) -> bool:
    """Whether its name holds the pid of a process that is running and not of the run."""
    pids = [int(word) for word in path.name.split("-") if word.isdigit() and len(word) < 8]
    return any(pid not in (ours or {}) and Path(f"/proc/{pid}").exists() for pid in pids)


def _system_v() -> frozenset[str]:
    found = set()
    for kind in ("msg", "sem", "shm"):
        for line in Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:]:
            found.add(f"System V {kind} {' '.join(line.split()[:2])}")
    return frozenset(found)
