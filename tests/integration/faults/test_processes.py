"""process_kill and process_pause bite a real process group, are confirmed in /proc, and know when they did not bite."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.faults.process_kill import ProcessKill
from harness.faults.process_pause import ProcessPause
from harness.host import commands
from harness.host.clock import Deadline, sleep, wait_until
from harness.host.processes import group_states

# An operation with a child in its process group.
PROGRAM = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"


class System:
    """Of a live system a process fault needs only what runs."""

    def __init__(self) -> None:
        self.running: dict[str, commands.Process] = {}

    def run(self, id_: str) -> commands.Process:
        self.running[id_] = process = commands.spawn([sys.executable, "-c", PROGRAM])
        assert wait_until(lambda: len(group_states(process.pid)) == 2, Deadline(10, "its child"))
        return process


@pytest.fixture
def system() -> Iterator[System]:
    made = System()
    started: list[commands.Process] = []
    run = made.run
    made.run = lambda id_: (started.append(process := run(id_)), process)[1]  # type: ignore[method-assign]
    yield made
    for process in started:
        process.kill()
        process.wait(5)


def injected(fault: Any, system: System, operation: str = "deploy-1") -> tuple[Any, Callable[[], None]]:
    undo: list[Callable[[], None]] = []
    injection = fault.inject(system, operation, undo.append)

    def heal() -> None:
        for action in reversed(undo):
            action()

    return injection, heal


# -- kill ----------------------------------------------------------------------------------------------------------
def test_a_kill_ends_the_whole_group_and_is_felt_as_our_signal(system: System) -> None:
    process = system.run("deploy-1")
    killed, _ = injected(ProcessKill(), system)
    assert killed.confirm().applied
    assert killed.confirm().said == "SIGKILL to the 2 processes of deploy-1: gone"
    assert process.wait(5) == -signal.SIGKILL
    assert killed.observed_by("") == "deploy-1 was ended by signal 9"
    assert (killed.lost_early(), killed.reverted()) == ("", True)


def test_a_kill_of_what_had_ended_already_did_not_bite(system: System) -> None:
    process = system.running["deploy-1"] = commands.spawn(["true"])
    process.wait(5)
    killed, _ = injected(ProcessKill(), system)
    assert killed.observed_by("") == ""
    nothing, _ = injected(ProcessKill(), system, "deploy-2")
    assert (nothing.confirm().applied, nothing.observed_by("")) == (False, "")


# -- pause ---------------------------------------------------------------------------------------------------------
def test_a_pause_is_seen_in_proc_and_felt_while_another_operation_ran(system: System) -> None:
    process = system.run("deploy-1")
    system.run("backup-1")
    paused, heal = injected(ProcessPause(), system)
    evidence = paused.confirm()
    assert evidence.applied
    assert evidence.said.count(" T") == 2
    sleep(0.3)
    assert (paused.lost_early(), paused.reverted()) == ("", False)
    heal()
    assert paused.reverted()
    assert set(group_states(process.pid).values()) <= {"S", "R"}
    assert paused.observed_by("").endswith("s while backup-1 ran")
    heal()  # twice is fine


def test_a_pause_beside_which_nothing_ran_was_felt_by_nobody(system: System) -> None:
    system.run("deploy-1")
    paused, heal = injected(ProcessPause(), system)
    assert paused.confirm().applied
    sleep(0.2)
    heal()
    assert paused.observed_by("") == ""


def test_a_pause_that_somebody_else_took_away_is_lost(system: System) -> None:
    process = system.run("deploy-1")
    system.run("backup-1")
    paused, heal = injected(ProcessPause(), system)
    assert paused.confirm().applied
    sleep(0.2)
    process.signal_group(signal.SIGCONT)
    assert wait_until(lambda: paused.lost_early() != "", Deadline(5, "its notice"))
    assert paused.lost_early() == "deploy-1 went on before it was continued"
    heal()
    assert paused.observed_by("") == ""


def test_what_is_left_of_a_paused_operation_whose_leader_was_killed_is_told_and_goes_on(system: System) -> None:
    process = system.run("deploy-1")
    paused, heal = injected(ProcessPause(), system)
    assert paused.confirm().applied
    os.kill(process.pid, signal.SIGKILL)  # whoever takes its lock, and knows nothing of its child
    assert process.wait(5) == -signal.SIGKILL
    assert paused.lost_early() == "deploy-1 was ended, but not 1 of its processes: what they do now nobody can tell"
    heal()
    assert paused.reverted()
    (child,) = (pid for pid, state in group_states(process.pid).items() if state not in "TZ")
    os.kill(child, signal.SIGKILL)


def test_a_paused_operation_that_is_killed_is_healed_all_the_same(system: System) -> None:
    process = system.run("deploy-1")
    paused, heal = injected(ProcessPause(), system)
    assert paused.confirm().applied
    process.kill()
    process.wait(5)
    heal()
    assert paused.reverted()


def test_a_pause_of_what_does_not_run_did_not_bite(system: System) -> None:
    paused, heal = injected(ProcessPause(), system)
    heal()
    assert (paused.confirm().applied, paused.reverted()) == (False, True)


def test_they_need_nothing_of_the_host_and_say_the_same_for_every_seed() -> None:
    for fault in (ProcessKill(), ProcessPause()):
        assert fault.needs == ()
        drawn = random.Random(1)
        assert fault.resolved(drawn) == fault
        assert drawn.getstate() == random.Random(1).getstate()  # it drew nothing
