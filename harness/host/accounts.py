"""The user that programs run as, where that is not the one who runs us."""

from __future__ import annotations

import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError


@dataclass(frozen=True, slots=True)
class Account:
    """``uid`` and ``gid`` (with the other ``groups``) are what a child takes on before it starts its program; where a
    user namespace has nobody else, ``prefix`` is put in front of its command instead and they are our own."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    prefix: tuple[str, ...] = ()

    def barred(self, path: Path) -> Path | None:
        """The first directory on the way to ``path`` that it may not enter, or ``path`` itself where it may not read
        that; None where nothing is in the way, or that cannot be told."""
        if self.prefix or self.uid == 0:
            return None
        ways = (path.absolute(), path.resolve())  # a link is followed, and has to be got at itself
        for place in dict.fromkeys(p for way in ways for p in (*reversed(way.parents), way)):
            try:
                state = place.stat()
            except OSError:
                return None
            own = state.st_uid == self.uid
            shift = 6 if own else 3 if state.st_gid in (self.gid, *self.groups) else 0
            if not state.st_mode >> shift & (0o1 if place.is_dir() else 0o4):
                return place
        return None

    def own(self, path: Path) -> None:
        """Make it the owner of a file or directory."""
        os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account(name: str) -> Account | None:
    """The user of that name; None when that is who we are. HarnessError when we cannot become it."""
    what = f"run commands as the user {name}"
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise HarnessError(what, "there is no such user here", "create it (useradd), or correct the name") from None
    uid, gid = entry.pw_uid, entry.pw_gid
    if uid == os.geteuid():
        return None
    ids = _ids()
    if os.geteuid() == 0 and any(inside <= uid < inside + count for inside, _, count in ids):
        return Account(uid, gid, tuple(os.getgrouplist(name, gid)))
    if (0, uid, 1) in ids:  # our own namespace shows us as root, which is what the program refuses
        prefix = ("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}", "--")
        return Account(os.geteuid(), os.getegid(), (), prefix)
    why = "only root can, or that user" if os.geteuid() else "this user namespace does not have it"
    raise HarnessError(what, why, f"run as root, or as {name}")


def _ids() -> Sequence[tuple[int, int, int]]:
    """(first uid here, the same one outside, how many) of the user namespace."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return [(int(a), int(b), int(n)) for a, b, n in (line.split() for line in lines)]
