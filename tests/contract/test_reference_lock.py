"""The lock of the reference kit: one operation at a time, also when its holder stands still and goes on later."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from tests.busy import Machine
from tests.contract.reference_installation import Installation

pytestmark = pytest.mark.limits

DEPLOY = ("deploy", "--version", "2")


@pytest.fixture(scope="module")
def kit() -> Iterator[Installation]:
    with Installation() as installation:
        yield installation


@pytest.fixture(autouse=True)
def back_to_version_1(kit: Installation) -> Iterator[None]:
    yield
    kit.phases.on = {}
    kit.try_kit("rollback")
    if kit.version() != "1":
        kit.kit("deploy", "--version", "1")


def held_at(kit: Installation, phase: str, *argv: str, **env: str) -> tuple[subprocess.Popen[str], threading.Event]:
    """Start an operation and hold the first that comes to the start of ``phase`` there, until the event is set."""
    reached, go = threading.Event(), threading.Event()

    def hold() -> None:
        kit.phases.on = {}
        reached.set()
        go.wait(30)

    kit.phases.on = {(phase, "start"): hold}
    process = kit.start(*argv, **env)
    assert reached.wait(20), kit.ended(process)
    return process, go


def stopped_at(kit: Installation, phase: str, *argv: str, **env: str) -> subprocess.Popen[str]:
    """Start an operation, freeze it at the start of ``phase``, and let its gate go."""
    process, go = held_at(kit, phase, *argv, **env)
    os.kill(process.pid, signal.SIGSTOP)
    go.set()
    return process


def resumed(kit: Installation, process: subprocess.Popen[str]) -> tuple[int, str]:
    os.kill(process.pid, signal.SIGCONT)
    return kit.ended(process)


@pytest.mark.calm
def test_a_loser_leaves_within_its_patience_names_the_holder_and_changes_nothing(kit: Installation) -> None:
    first, go = held_at(kit, "deploy.migrate", *DEPLOY)
    holder = kit.status()["lock"]
    before = kit.path("state", "state.json").read_bytes()
    machine, began = Machine(), time.monotonic()
    code, output = kit.try_kit(*DEPLOY)
    took_s = time.monotonic() - began
    assert (code, kit.path("state", "state.json").read_bytes()) == (1, before)
    assert f"locked by deploy (pid {first.pid}, fence {holder['fence']})" in output.splitlines()[-1]
    machine.must(took_s < 5, f"a loser left after {took_s:.1f} s")
    go.set()
    assert kit.ended(first)[0] == 0
    assert kit.status()["lock"] is None


def test_a_holder_that_is_held_at_a_gate_longer_than_its_lease_keeps_the_lock(kit: Installation) -> None:
    first, go = held_at(kit, "deploy.migrate", *DEPLOY)
    time.sleep(4.5)
    assert "locked by deploy" in kit.try_kit("backup")[1]
    go.set()
    assert kit.ended(first)[0] == 0


@pytest.mark.parametrize("phase", ["deploy.migrate", "deploy.switch", "deploy.verify"])
def test_a_holder_that_stood_still_past_its_lease_is_fenced_out_wherever_it_stood(
    kit: Installation, phase: str
) -> None:
    zombie = stopped_at(kit, phase, *DEPLOY)
    assert "taken over from deploy" in kit.kit(*DEPLOY)
    state = kit.path("state", "state.json").read_bytes()
    code, output = resumed(kit, zombie)
    assert code == 1
    assert "fenced out" in output.splitlines()[-1]
    assert (kit.path("state", "state.json").read_bytes(), kit.version()) == (state, "2")
    assert (len(kit.processes()), kit.status()["lock"]) == (1, None)


def test_a_backup_that_stood_still_past_its_lease_publishes_nothing(kit: Installation) -> None:
    zombie = stopped_at(kit, "backup.verify", "backup")
    assert "taken over from backup" in kit.kit("backup")
    known = kit.status()["backups"]
    code, output = resumed(kit, zombie)
    assert code == 1
    assert "fenced out" in output or "there is no backup" in output  # the new holder cleared its unfinished file away
    assert kit.status()["backups"] == known


def test_a_restore_that_stood_still_past_its_lease_copies_nothing(kit: Installation) -> None:
    kit.kit("backup")
    zombie = stopped_at(kit, "restore.copy", "restore")
    kit.kit("backup")
    _, token = kit.write()
    code, output = resumed(kit, zombie)
    assert code == 1
    assert "fenced out" in output.splitlines()[-1]
    assert token in kit.read_back()


@pytest.mark.calm
def test_a_short_stop_costs_nothing(kit: Installation) -> None:
    first = stopped_at(kit, "deploy.switch", *DEPLOY)
    machine = Machine()
    time.sleep(1)
    code, output = resumed(kit, first)
    machine.must(code == 0, output)
    assert kit.version() == "2"


@pytest.mark.calm
def test_a_killed_holder_makes_nobody_wait(kit: Installation) -> None:
    kit.kill_at("deploy.switch", "stop", *DEPLOY)
    machine, began = Machine(), time.monotonic()
    output = kit.kit("backup")
    took_s = time.monotonic() - began
    assert "taken over" not in output
    machine.must(took_s < 4, f"the next one took {took_s:.1f} s")


def test_a_lock_file_somebody_removed_fences_its_holder_out(kit: Installation) -> None:
    first, go = held_at(kit, "deploy.migrate", *DEPLOY)
    kit.path("state", "lock").unlink()
    go.set()
    code, output = kit.ended(first)
    assert code == 1
    assert "the lock file is gone" in output
    assert kit.version() == "1"


# -- the flaws, each alone ---------------------------------------------------------------------------------------
def test_no_lock_lets_a_second_one_in(kit: Installation) -> None:
    first, go = held_at(kit, "deploy.migrate", *DEPLOY, KIT_FLAWS="no_lock")
    assert "backup" in kit.kit("backup", KIT_FLAWS="no_lock")
    go.set()
    kit.ended(first)


def test_loser_unlocks_lets_a_third_one_in(kit: Installation) -> None:
    first, go = held_at(kit, "deploy.migrate", *DEPLOY, KIT_FLAWS="loser_unlocks")
    assert "locked by deploy" in kit.try_kit("backup", KIT_FLAWS="loser_unlocks")[1]
    kit.kit("backup", KIT_FLAWS="loser_unlocks")
    go.set()
    kit.ended(first)


def test_lease_resume_goes_on_after_it_lost_the_lock_reports_success_and_forgets_who_runs() -> None:
    with Installation() as kit:
        zombie = stopped_at(kit, "deploy.switch", *DEPLOY, KIT_FLAWS="lease_resume")
        kit.kit(*DEPLOY, KIT_FLAWS="lease_resume")
        running = kit.processes()
        code, output = resumed(kit, zombie)
        assert code == 0
        assert "deployed: version 2" in output
        assert kit.processes() == running
        assert str(running[0]) not in kit.path("state", "state.json").read_text()
        os.kill(running[0], signal.SIGKILL)  # the kit's stop does not know of it any more
