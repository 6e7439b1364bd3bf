"""Power loss for real: a staged cut against the rebuilt one, a disk whose server hangs, a harness that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e import healing
from tests.e2e.command import ROOT, deploydrill, refuted
from tests.e2e.live_run import LiveRun, tiny_copy

pytestmark = [pytest.mark.island, pytest.mark.root]

APART = ("unshare", "--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
CUTS = 10


def apart(*argv: str, timeout: float = 120) -> str:
    """Run Python in namespaces of its own, which take all it made with them."""
    done = subprocess.run(
        [*APART, sys.executable, *argv], capture_output=True, text=True, cwd=ROOT, timeout=timeout, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_staged_power_cut_agrees_with_the_rebuilt_one_ten_times() -> None:
    cuts = [json.loads(line) for line in apart("-m", "tests.e2e.host.staged_cut", "4", str(CUTS)).splitlines()]
    assert len(cuts) == CUTS
    assert [c for c in cuts if not (c["same_image"] and c["same_files"])] == []
    # And the cuts were cuts: within a workload, each at another place, with nothing acknowledged lost.
    assert len({c["records"] for c in cuts}) > CUTS // 2
    assert all(c["unlike_an_earlier_one"] and c["files"] >= 2 for c in cuts)
    assert {(c["integrity"], c["kept"]) for c in cuts} == {("ok", True)}


_HANG = """
import signal, sys, threading, time
from pathlib import Path
from typing import Any
from harness.disks.logged import HANG_S, LoggedDisk
from harness.island import mounts
work = Path("/mnt"); mounts.tmpfs(work)
disk = LoggedDisk(work / "sut", 64 << 20, work, work / "out")
disk.server.signal({signal})
began = time.monotonic()
try:
    with (disk.path / "file").open("wb") as file:
        file.write(b"x" * 4096); file.flush(); __import__("os").fsync(file.fileno())
    print("written")
except OSError as error:
    print(f"{{error.strerror}} in time" if time.monotonic() - began < HANG_S + 3 else "too late")
time.sleep(0.5)
print(disk.lost)
"""


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("signal.SIGSTOP", "the server of the logged disk has answered nothing for 5 s"),
        ("signal.SIGKILL", "the server of the logged disk ended with -9"),
    ],
)
def test_whoever_waits_for_a_disk_whose_server_hangs_or_dies_is_let_go(number: str, why: str) -> None:
    said = apart("-c", _HANG.format(signal=number)).splitlines()
    assert said == ["Input/output error in time", why]


_GARBAGE = """
import os
from pathlib import Path
from typing import Any
from harness.crash.boot import mount_state
from harness.disks.image import in_memory
from harness.island import mounts
mounts.tmpfs(Path("/mnt"))
image = in_memory("garbage", 8 << 20)
os.pwrite(image, os.urandom(1 << 16), 0)
print(mount_state(image, Path("/mnt")))
"""


def test_a_state_whose_file_system_is_damaged_says_what_the_kernel_said() -> None:
    assert apart("-c", _GARBAGE).strip() != ""


@pytest.mark.parametrize(("kind", "number"), [("operation.start", 1), ("power.state", 1)])
def test_a_harness_killed_with_a_logged_disk_or_a_nested_island_leaves_nothing(
    tmp_path: Path, kind: str, number: int
) -> None:
    with LiveRun(tmp_path / "out", "power_loss:in-backup", system=tiny_copy(tmp_path / "tiny")) as run:
        run.wait_for_event(kind, number)
        run.wait_for(run.loops)
        run.kill()
        assert run.left_behind() == []
    with healing.beside_others():
        assert deploydrill("heal").exit == 0
    assert run.staged == []


def test_a_run_interrupted_while_states_are_started_ends_soon_and_leaves_nothing(tmp_path: Path) -> None:
    with LiveRun(tmp_path / "out", "power_loss:in-backup-many", system=tiny_copy(tmp_path / "tiny")) as run:
        run.wait_for_event("power.state")
        run.wait_for(run.loops)
        run.process.send_signal(signal.SIGINT)
        assert run.end(20) == 130
        assert run.left_behind() == []


def test_a_backup_that_is_not_synced_is_no_way_back(tmp_path: Path) -> None:
    words = ("power_loss:in-backup", "--system", "hardened", "--flaw", "no_fsync", "--size", "2MB")
    done = deploydrill("run", *words, "--out", tmp_path, "--no-live")
    refuted(done)
    found = done.cut_states()
    assert [f["outcome"] for f in found] == ["fail"] * 3
    assert {f["code"] for f in found} == {"power.backup_lost"}


def test_without_root_the_cut_is_unknown_and_says_what_it_needs(tmp_path: Path) -> None:
    done = deploydrill(
        "run", "power_loss:in-backup", "--out", tmp_path, "--no-live", env={"DEPLOYDRILL_ISLAND": "user"}
    )
    assert done.exit == 3
    assert [(f["code"], f["details"]) for f in done.found("unknown")] == [
        ("run.host_lacks", {"needs": ["logged_disk"]})
    ]
