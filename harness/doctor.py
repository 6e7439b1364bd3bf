"""What this host can do, each tried for real, what it is needed for, and how to get what is missing."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness.errors import HarnessError
from harness.host import commands
from harness.host.checkout import IS_CHECKOUT, REPORTS, ROOT
from harness.host.healers import CGROUP_PREFIX, CGROUPS
from harness.host.sizes import size
from harness.host.undo import UndoLog
from harness.links.toxiproxy_server import HINT, find_server

_GB = 1000**3
_USER = ("--user", "--map-root-user")


@dataclass(frozen=True, slots=True)
class Capability:
    """``why`` says what was seen, also when it is there; ``hint`` how to get it, empty when it is."""

    name: str
    ok: bool
    why: str
    hint: str
    needed_for: str


@dataclass(frozen=True, slots=True)
class _Check:
    name: str
    needed_for: str
    hint: str
    try_it: Callable[[], str]


class _Missing(Exception):
    """What a check raises; its text is the ``why``."""


def examine() -> list[Capability]:
    """Try everything; takes about a second. Nothing is left behind, and no check stops another."""
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(_examine_one, CHECKS))


def capability(name: str) -> Capability:
    """One of ``examine``, by its name."""
    return next(_examine_one(c) for c in CHECKS if c.name == name)


def _examine_one(check: _Check) -> Capability:
    try:
        return Capability(check.name, True, check.try_it(), "", check.needed_for)
    except _Missing as missing:
        why = str(missing)
    except HarnessError as error:
        why = f"{error.what}: {error.why}"
    except OSError as error:
        why = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    return Capability(check.name, False, why, check.hint, check.needed_for)


# -- programs ----------------------------------------------------------------------------------------------------
def _run(argv: Sequence[str], deadline_s: float = 10.0) -> str:
    done = commands.run(argv, deadline_s=deadline_s, env={**commands.environment(), "PYTHONPATH": str(ROOT)})
    if done.exit:
        lines = [line for line in done.output.splitlines() if line.strip()]
        raise _Missing(lines[-1].strip() if lines else f"{argv[0]} ended with {done.exit}")
    return done.output


def _program(*names: str) -> str:
    """Beside our Python first (wheels put theirs there), then on PATH."""
    for name in names:
        found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
        if found:
            return found
    raise _Missing(f"no {' or '.join(names)} on PATH")


def _version(argv: Sequence[str], pattern: str) -> str:
    """The first match in what it prints; wrapper scripts print warnings of their own before it."""
    match = re.search(pattern, _run(argv))
    if match is None:
        raise _Missing(f"{argv[0]} does not say its version")
    return match.group(0)


def _python() -> str:
    return f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}"


def _toxiproxy() -> str:
    server = find_server()
    if server is None:
        raise _Missing("no toxiproxy-server on PATH or in .tools")
    _run([str(server), "-version"])
    return str(server)


def _caddy() -> str:
    return "caddy " + _version([_program("caddy"), "version"], r"v\S+")


def _rclone() -> str:
    return _version([_program("rclone"), "version", "--config", "/dev/null"], r"rclone v\S+")


def _chromium() -> str:
    browser = _program("chromium", "chromium-browser", "google-chrome")
    return _version([browser, "--version"], r"(Chromium|Google Chrome) \S+")


# -- the kernel --------------------------------------------------------------------------------------------------
def _unshared(*what: str) -> list[str]:
    """The start of a command that may make these namespaces: as root, else in a user namespace."""
    return ["unshare", *(() if os.geteuid() == 0 else _USER), *what]


def _island() -> str:
    # With our own interpreter: where only root may look, it cannot be executed in a user namespace.
    namespaces = ("--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
    _run([*_unshared(*namespaces), sys.executable, "-S", "-c", "pass"])
    return "as root" if os.geteuid() == 0 else "in a user namespace"


def _user_namespace() -> str:
    _run(["unshare", *_USER, "--mount", "true"])
    return "allowed"


def _links() -> str:
    script = (
        "ip link set lo up && ip link add near type veth peer name far && ip link set near up && ss -tin >/dev/null"
        " && tc qdisc replace dev near root tbf rate 1mbit burst 72kb limit 8mb"
    )
    _run([*_unshared("--net"), "sh", "-c", script])
    return "veth pairs, ss, tc"


def _sized_ext4() -> str:
    if os.geteuid() != 0:
        raise _Missing("only root may mount a file system on a loop device")
    # With the code a run uses, in a mount namespace that ends with the command; the loop device detaches itself.
    code = (
        "import sys, tempfile; from pathlib import Path\n"
        "from harness.disks.disk import image, mount_sized\n"
        "from harness.errors import HarnessError\n"
        "from harness.island import mounts\n"
        "mounts.tmpfs(Path('/mnt'))\n"
        "try: mount_sized('doctor', Path('/mnt/disk'), 8 << 20, 'root', image(Path(tempfile.gettempdir())))\n"
        "except (HarnessError, OSError) as error: sys.exit(str(error))\n"
    )
    _run(["unshare", "--mount", sys.executable, "-c", code])
    return "ext4 on a loop device"


def _sized_memory() -> str:
    script = "mount -t tmpfs -o size=1m none /mnt && ! head -c 2097152 /dev/zero 2>/dev/null >/mnt/x"
    try:
        _run([*_unshared("--mount"), "sh", "-c", script])
    except _Missing as missing:
        raise _Missing(f"a full one was not refused more: {missing}") from missing
    return "a full one says ENOSPC"


def _fuse() -> str:
    descriptor = os.open("/dev/fuse", os.O_RDWR)
    os.close(descriptor)
    code = (
        "import os, sys; from pathlib import Path\n"
        "from harness.errors import HarnessError\n"
        "from harness.island import mounts\n"
        "fd = os.open('/dev/fuse', os.O_RDWR)\n"
        "options = f'fd={fd},rootmode=40000,user_id=0,group_id=0'\n"
        "try: mounts.mount('doctor', Path('/mnt'), 'fuse', mounts.MS_NOSUID | mounts.MS_NODEV, options)\n"
        "except (HarnessError, OSError) as error: sys.exit(str(error))\n"
    )
    _run([*_unshared("--mount"), sys.executable, "-c", code])
    return "/dev/fuse can be mounted"


def _held_calls() -> str:
    # In a child: whoever is under a filter stays so.
    code = (
        "import subprocess, sys\n"
        "from harness.host import commands\n"
        "from harness.host.held_calls import CannotHold, spawned_under\n"
        "held = []\n"
        "try: spawned_under(['execve'], held.append, lambda: commands.spawn(['true'], fork=True)).wait(5)\n"
        "except CannotHold as cannot: sys.exit(str(cannot))\n"
        "sys.exit(0 if held else 'no call was seen')\n"
    )
    _run([sys.executable, "-c", code])
    return "seccomp asks before a call is made"


def _real_time() -> str:
    _run(["chrt", "--fifo", "1", "true"])
    return "SCHED_FIFO"


def _cgroup() -> str:
    for root, version in ((CGROUPS, "v2"), (CGROUPS / "blkio", "v1")):
        if not (root / "cgroup.procs").exists():
            continue
        controllers = root / "cgroup.controllers"
        if version == "v2" and "io" not in controllers.read_text().split():
            raise _Missing("version 2 without the io controller")
        group = root / f"{CGROUP_PREFIX}doctor-{os.getpid()}"
        undo = UndoLog()
        id_ = undo.record("cgroup", {"path": str(group)}, "tried by doctor")
        try:
            group.mkdir()
            group.rmdir()
        finally:
            undo.done(id_)
        return f"{version}, {root}"
    raise _Missing(f"no cgroup with input/output limits below {CGROUPS}")


# -- room --------------------------------------------------------------------------------------------------------
def _disk_room() -> str:
    # Images of disks and recordings lie below the reports, or where --out says.
    place = REPORTS.resolve().parent
    place = place if os.access(place, os.W_OK) else Path(tempfile.gettempdir())
    free = shutil.disk_usage(place).free
    text = f"{size(free)} free at {place}"
    if free < 2 * _GB:
        raise _Missing(f"only {text}")
    return text


def _memory() -> str:
    available = psutil.virtual_memory().available
    text = f"{size(available)} available, {os.cpu_count()} processors"
    if available < _GB or (os.cpu_count() or 1) < 2:
        raise _Missing(f"only {text}")
    return text


_SETUP = "make setup" if IS_CHECKOUT else "pip install 'deploydrill[reference]'"
_CONTAINER = (
    "in a container: run it privileged; else as root, or allow user namespaces (kernel.unprivileged_userns_clone)"
)
CHECKS = (
    _Check("python", "everything", "install Python 3.11 or newer", _python),
    _Check("island", "runs that meet no other host or run", _CONTAINER, _island),
    _Check("user namespace", "runs without root", _CONTAINER, _user_namespace),
    _Check("links", "cables that can be cut", "install iproute2; " + _CONTAINER, _links),
    _Check("toxiproxy", "stalled, slow and cut links", HINT, _toxiproxy),
    _Check("sized ext4", "disk_full on a real file system", "run as root; install e2fsprogs, mount", _sized_ext4),
    _Check("sized tmpfs", "disk_full without root", _CONTAINER, _sized_memory),
    _Check("fuse", "power loss", "run as root with /dev/fuse (modprobe fuse)", _fuse),
    _Check("cgroup", "throttled disks", "run as root with a writable cgroup file system", _cgroup),
    _Check("held calls", "phases seen by system calls", "Linux 5.5 or newer with seccomp; " + _CONTAINER, _held_calls),
    _Check("real time", "a punctual prober under full load", "run as root, or raise RLIMIT_RTPRIO", _real_time),
    _Check("caddy", "the reference system's front", _SETUP, _caddy),
    _Check("rclone", "the reference system's off-site store", _SETUP, _rclone),
    _Check("chromium", "the report's own test only", "apt-get install chromium", _chromium),
    _Check("disk room", "images of disks, recordings", "free 2 GB", _disk_room),
    _Check("memory", "load and system side by side", "1 GB and two processors", _memory),
)
