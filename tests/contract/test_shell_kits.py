"""The shell kits by themselves: what the review's validation accepts, and what its repaired twin does not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from harness.host.clock import Deadline, wait_until
from harness.registry import BUNDLED
from harness.rehearsal.damaged_file import MUTATIONS, damaged
from harness.system.largest_file import largest_file

ORIGINAL, REPAIRED = BUNDLED / "shellkit" / "procedure.sh", BUNDLED / "shellkit-repaired" / "kit.sh"
TOOLS = BUNDLED.parents[1] / ".tools"
PATH = f"{os.environ['PATH']}:/usr/sbin:{TOOLS}"
MISSING = [name for name in ("nginx", "sqlite3", "gpg", "curl", "flock") if shutil.which(name, path=PATH) is None]
pytestmark = [
    pytest.mark.limits,
    pytest.mark.skipif(bool(MISSING), reason=f"not on this machine: {', '.join(MISSING)}"),
]

Kit = Callable[..., subprocess.CompletedProcess[str]]


def environment(place: Path) -> dict[str, str]:
    return {
        "PATH": PATH,
        "HOME": str(place),
        "SHELLKIT_DIR": str(place),
        "SHELLKIT_PORT": "0",
        "SHELLKIT_PYTHON": sys.executable,
        "SHELLKIT_MACHINE": str(ORIGINAL.parent),
    }


def seeded(script: Path, place: Path) -> Kit:
    """A kit with its data, and no service running."""

    def kit(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["sh", str(script), *words]
        return subprocess.run(command, env=environment(place), capture_output=True, text=True, timeout=60)

    assert kit("seed", "200000").returncode == 0
    return kit


def backup_of(kit: Kit, place: Path) -> Path:
    done = kit("backup")
    assert done.returncode == 0, done.stderr
    return max((place / "backup").iterdir())


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kit")


def test_the_reviews_validation_accepts_every_damaged_backup(place: Path, tmp_path: Path) -> None:
    kit = seeded(ORIGINAL, place)
    backup = backup_of(kit, place)
    for mutation in MUTATIONS:
        with damaged(backup, mutation, tmp_path):
            done = kit("validate", str(backup))
        assert (done.returncode, done.stdout.strip()) == (0, "ok"), mutation


def test_the_repaired_validation_accepts_the_good_backup_and_none_that_is_damaged(place: Path, tmp_path: Path) -> None:
    kit = seeded(REPAIRED, place)
    backup = backup_of(kit, place)
    assert kit("validate", str(backup)).returncode == 0
    for mutation in MUTATIONS:
        with damaged(largest_file(backup), mutation, tmp_path):
            assert kit("validate", str(backup)).returncode != 0, mutation
    assert kit("validate", str(backup)).returncode == 0


def test_the_repaired_kit_ends_a_lock_holder_that_stands_still_before_it_follows(place: Path) -> None:
    kit = seeded(REPAIRED, place)
    stuck = shutil.copytree(REPAIRED.parent, place / "copy" / "shellkit-repaired") / "kit.sh"
    shutil.copytree(ORIGINAL.parent, place / "copy" / "shellkit")
    stuck.write_text(REPAIRED.read_text().replace("    lock\n    backup\n", "    lock\n    sleep 30\n"))
    with subprocess.Popen(["sh", str(stuck), "backup"], env=environment(place), start_new_session=True) as holder:
        try:
            assert wait_until((place / "state" / "holder").exists, Deadline(10, "the holder"), every_s=0.01)
            os.killpg(holder.pid, signal.SIGSTOP)
            done = kit("backup")
            assert done.returncode == 0, done.stderr
            assert "has stood still for 4 s and is ended" in done.stdout
            assert holder.wait(5) == -signal.SIGKILL
        finally:
            with suppress(ProcessLookupError):
                os.killpg(holder.pid, signal.SIGKILL)
