"""Whoever has no root: another uid, a home of their own, the PATH of a plain login.

The checkout and Python may lie where only root looks. So that uid sees them through a mount namespace of its own, in
which the closed directories above them are open and hold nothing else.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests import namespaces
from tests.e2e import host_state
from tests.e2e.command import ROOT, Done, conclusive, deploydrill
from tests.e2e.live_run import SCENARIOS, tiny_copy

UID = 65534
QUICK = ("quick:backup", "--scenarios", SCENARIOS)

pytestmark = [pytest.mark.root, pytest.mark.island]


def closed_above(path: Path) -> Path | None:
    """The topmost directory on the way to ``path`` through which an ordinary user does not come."""
    return next((p for p in reversed(path.parents) if not p.stat().st_mode & 0o001), None)


def opened(paths: Iterable[Path]) -> list[str]:
    """Shell commands that make them reachable for everybody, inside a mount namespace."""
    binds = [(path, closed, f"/mnt/{n}") for n, path in enumerate(paths) if (closed := closed_above(path))]
    here = ["mount -t tmpfs none /mnt"]
    here += [f"mkdir {at} && mount --bind {shlex.quote(str(path))} {at}" for path, _, at in binds]
    here += [f"mount -t tmpfs -o mode=755 none {shlex.quote(str(c))}" for c in dict.fromkeys(c for _, c, _ in binds)]
    here += [f"mkdir -p {(p := shlex.quote(str(path)))} && mount --bind {at} {p}" for path, _, at in binds]
    return [*here, "umount --recursive /mnt"]


class User:
    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.out = folder, folder / "home", folder / "out"
        self.mark = host_state.new_mark()
        for path in (self.home, self.out):
            path.mkdir()
            os.chown(path, UID, UID)
        folder.chmod(0o755)
        needed = dict.fromkeys(p.resolve() for p in (Path(sys.base_prefix), Path(sys.prefix), ROOT, folder))
        closed = [p for p in needed if not p.stat().st_mode & 0o001]
        assert not closed, f"{closed} themselves are root's alone: no ordinary user can have what is in them"
        script = " && ".join([*opened(needed), 'exec "$@"'])
        self.before = (
            *("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"),
            *("setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups"),
            *("env", "-i", f"PATH=/usr/local/bin:/usr/bin:/bin:{self.mark}", f"HOME={self.home}", "LANG=C.UTF-8"),
        )
        self.doctor = self("doctor")
        assert self.doctor.exit == 0, self.doctor

    def __call__(self, *words: str | Path) -> Done:
        return deploydrill(*words, before=self.before)


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    made = User(tmp_path_factory.mktemp("user"))
    if refused := namespaces.refused(root=False, before=made.before):
        pytest.skip(f"the kernel gives an ordinary user no namespaces here: {refused}")
    assert "MISSING  island: " not in made.doctor.out  # there are namespaces: that we make none of them would be ours
    yield made
    host_state.end_run(made.mark)


def test_what_needs_no_root_is_there_and_what_does_is_said(user: User) -> None:
    said = user.doctor.out
    for name in ("links", "sized tmpfs", "held calls"):
        assert f"ok       {name}: " in said, said
    assert "MISSING  sized ext4: only root may mount" in said


def test_a_run_passes_on_an_island_in_a_user_namespace_and_leaves_nothing(user: User) -> None:
    system = tiny_copy(user.folder / "tiny")
    before = host_state.snapshot(user.mark)
    done = user("run", *QUICK, "--system", system, "--out", user.out, "--no-live")
    assert done.found("fail") == [], done.err
    conclusive(done)
    assert (done.exit, done.found("unknown")) == (0, []), done.err
    (result,) = done.results()
    assert result["host"]["island"] == "in a user namespace"
    assert all("no root here" in disk for disk in result["host"]["disks"].values())
    assert host_state.left_behind(before, user.mark, 20) == []
    assert user("heal").out == "nothing to heal\n"
    assert not [p for p in (user.home / ".local").rglob("*") if p.is_file()]


def test_what_needs_root_is_unknown(user: User) -> None:
    done = user("run", "power_loss:in-backup", "--out", user.out, "--no-live")
    assert done.exit == 3
    assert [(f["code"], f["details"]) for f in done.found("unknown")] == [
        ("run.host_lacks", {"needs": ["logged_disk"]})
    ]


def test_a_folder_of_somebody_else_is_refused_before_anything_runs(user: User) -> None:
    done = user("run", *QUICK, "--out", user.folder / "reports", "--no-live")
    assert (done.exit, done.out) == (64, "")
    assert done.err.startswith("deploydrill: write to ") and "try: choose another place with --out" in done.err
