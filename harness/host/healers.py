"""How each kind of undo record is looked up and undone: find it, refuse what is not ours, remove it."""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

from harness.errors import HarnessError
from harness.host.clock import Deadline, wait_until
from harness.host.processes import boot_id, end

Kind = Literal["path", "staging", "cgroup"]

CGROUPS = Path("/sys/fs/cgroup")
CGROUP_PREFIX = "deploydrill-"
_KEYS: dict[str, dict[str, type]] = {
    "path": {"path": str},
    "staging": {"path": str},
    "cgroup": {"path": str},
}


class Refused(Exception):
    """The thing is there and is not ours to remove."""


class Healer(Protocol):
    """Made from a record's key, uid and boot."""

    def find(self) -> str | None:
        """One line on what is there, None when nothing is; raises Refused when it is not ours."""

    def undo(self) -> None: ...


def check_key(kind: str, key: Mapping[str, Any]) -> None:
    """A key that could not be healed, or could heal more than its record, is refused before anything is made."""
    wanted = _KEYS.get(kind)
    what = f"record an undo of kind {kind}"
    if wanted is None:
        raise HarnessError(what, f"no such kind; there are {', '.join(_KEYS)}")
    if set(key) != set(wanted) or any(type(key[k]) is not t for k, t in wanted.items()):
        raise HarnessError(what, f"the key {dict(key)} must hold {', '.join(wanted)}")
    if "path" in key:
        path = Path(key["path"])
        if not path.is_absolute() or ".." in path.parts or len(path.parts) < 3:
            raise HarnessError(what, f"{path} is not an absolute path below a top-level directory")
        if kind == "cgroup" and not (path.is_relative_to(CGROUPS) and path.name.startswith(CGROUP_PREFIX)):
            raise HarnessError(what, f"{path} is not a {CGROUP_PREFIX}* directory below {CGROUPS}")


def check_absent(kind: str, key: Mapping[str, Any]) -> None:
    """What is there before the change is not ours: a record of it would have heal remove it."""
    if "path" in key and os.path.lexists(key["path"]):
        raise HarnessError(f"record an undo of kind {kind}", f"{key['path']} exists already", "choose another place")


class PathHealer:
    """A file or a directory tree; never through a mount, never one of another user."""

    def __init__(self, key: Mapping[str, Any], uid: int, boot: str) -> None:
        self.path = Path(key["path"])
        self._uid = uid

    def find(self) -> str | None:
        try:
            status = self.path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if status.st_uid != self._uid:
            raise Refused(f"{self.path} belongs to uid {status.st_uid}, the record to uid {self._uid}")
        mounts = _mounts_below(self.path)
        if mounts:
            raise Refused(f"{mounts[0]} is a mount point; unmount it first")
        return f"{'directory' if stat.S_ISDIR(status.st_mode) else 'file'} {self.path}"

    def undo(self) -> None:
        try:
            if self.path.is_dir() and not self.path.is_symlink():
                shutil.rmtree(self.path)
            else:
                self.path.unlink()
        except FileNotFoundError:
            pass  # its maker, or the user, was quicker


class StagingHealer(PathHealer):
    """A run folder that was never finished; a finished one (it has a result) is kept."""

    def find(self) -> str | None:
        found = super().find()
        if found and (self.path.is_symlink() or not self.path.is_dir()):
            raise Refused(f"{self.path} is not a directory")
        if found and (self.path / "result.json").exists():
            raise Refused(f"{self.path} holds a result.json: it is a finished run")
        return found


class CgroupHealer:
    """A cgroup and its children; what still runs in it is ended first."""

    def __init__(self, key: Mapping[str, Any], uid: int, boot: str) -> None:
        self.path = Path(key["path"])
        self._uid = uid
        self._boot = boot

    def find(self) -> str | None:
        if self.path.is_symlink() or not self.path.is_dir():
            return None
        if self._boot != boot_id():
            raise Refused(f"{self.path} was made after the reboot that removed ours")
        if self.path.stat().st_uid != self._uid:
            raise Refused(f"{self.path} belongs to uid {self.path.stat().st_uid}, the record to uid {self._uid}")
        return f"cgroup {self.path} with {len(self._pids())} processes"

    def undo(self) -> None:
        deadline = Deadline(5, "the cgroup to empty")
        # Again and again, for a process may fork while it is ended; one that SIGKILL does not end will not go later.
        while (pids := self._pids()) and not end(pids, grace_s=0.5) and not deadline.passed:
            pass
        for directory in sorted(self._directories(), key=lambda d: len(d.parts), reverse=True):
            # A cgroup is busy for a moment after its last process has ended.
            wait_until(partial(_removed, directory), Deadline(2, f"{directory} to be removable"))

    def _directories(self) -> list[Path]:
        return [self.path, *(p for p in self.path.rglob("*") if p.is_dir())]

    def _pids(self) -> list[int]:
        pids: list[int] = []
        for directory in self._directories():
            try:
                pids += map(int, (directory / "cgroup.procs").read_text().split())
            except FileNotFoundError:
                continue
        return [p for p in pids if p != os.getpid()]


def _removed(directory: Path) -> bool:
    try:
        directory.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


HEALERS: dict[str, Callable[[Mapping[str, Any], int, str], Healer]] = {
    "path": PathHealer,
    "staging": StagingHealer,
    "cgroup": CgroupHealer,
}


def _mounts_below(path: Path) -> list[str]:
    """Mount points at or below a path, as this process sees them."""
    top = os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118  # the last part is not resolved
    found: list[str] = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        # Blanks, line ends and backslashes in a mount point are written as octal escapes.
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), line.split()[4])
        if point == top or point.startswith(top + "/"):
            found.append(point)
    return found
