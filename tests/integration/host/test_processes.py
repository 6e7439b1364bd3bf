"""Processes by their id: identity, what they hang on, and their end."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.host import commands
from harness.host.clock import Deadline, wait_until
from harness.host.processes import (
    Identity,
    blocked_on,
    boot_id,
    descendants,
    end,
    identity,
    is_ending,
    is_pending,
    is_running,
    start_time,
    state,
)

Start = Callable[..., commands.Process]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[commands.Process] = []

    def python(code: str, *arguments: str) -> commands.Process:
        started.append(commands.spawn([sys.executable, "-c", code, *arguments]))
        return started[-1]

    yield python
    for process in started:
        for pid in descendants(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait(5)


def eventually(condition: Callable[[], bool]) -> bool:
    return wait_until(condition, Deadline(10, "a condition of the test"))


def holds(mask: str, pid: int, number: int) -> bool:
    """Whether a signal is in that mask of a process (SigIgn, SigBlk)."""
    status = Path(f"/proc/{pid}/status").read_text()
    told = next(line.split()[1] for line in status.splitlines() if line.startswith(f"{mask}:"))
    return bool(int(told, 16) >> (number - 1) & 1)


def test_identity_tells_a_process_from_a_later_one_with_its_pid(start: Start) -> None:
    process = start("import time; time.sleep(60)")
    who = identity(process.pid)
    assert who is not None and who.boot == boot_id()
    assert is_running(who)
    assert not is_running(Identity(who.pid, who.start_ticks - 1, who.boot, who.pid_namespace))
    assert not is_running(Identity(who.pid, who.start_ticks, "another boot", who.pid_namespace))
    process.kill()
    assert eventually(lambda: not is_running(who)), "a zombie does not run"
    process.wait(5)
    assert identity(process.pid) is None
    assert start_time(process.pid) is None


def test_start_time_survives_a_name_full_of_brackets(start: Start) -> None:
    plain = start("import time; time.sleep(60)")
    nasty = start("import time; open('/proc/self/comm', 'w').write(') S 1 ((x'); time.sleep(60)")
    first, later = start_time(plain.pid), start_time(nasty.pid)
    assert first is not None and later is not None
    assert eventually(lambda: Path(f"/proc/{nasty.pid}/comm").read_text().startswith(") S 1"))
    assert start_time(nasty.pid) == later >= first


def test_descendants_are_listed_parents_first(start: Start) -> None:
    process = start(
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-c', "
        '\'import subprocess; subprocess.run(["sleep", "60"])\'])\n'
        "time.sleep(60)"
    )
    assert eventually(lambda: len(descendants(process.pid)) == 2)
    child, grandchild = descendants(process.pid)
    assert descendants(child) == [grandchild]
    assert descendants(grandchild) == []


def test_blocked_on_names_the_peer_a_process_waits_for(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start(
            "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.recv(1)", str(port)
        )
        assert eventually(lambda: f"-> 127.0.0.1:{port}" in blocked_on(process.pid)), blocked_on(process.pid)
        said = blocked_on(process.pid)
        assert "sleeping in recvfrom on tcp 127.0.0.1:" in said
        assert f"(pid {process.pid})" in said


def test_blocked_on_names_the_lock_file_and_the_fifo(start: Start, tmp_path: Path) -> None:
    lock, fifo = tmp_path / "deploy.lock", tmp_path / "pipe"
    os.mkfifo(fifo)
    holder = open(lock, "w")  # noqa: SIM115  # held to the end of the test
    fcntl.flock(holder, fcntl.LOCK_EX)
    process = start("import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX)", str(lock))
    assert eventually(lambda: f"in flock on {lock}" in blocked_on(process.pid)), blocked_on(process.pid)
    holder.close()
    reader = start("import os, sys; os.read(os.open(sys.argv[1], os.O_RDWR), 1)", str(fifo))
    assert eventually(lambda: f"in read on {fifo}" in blocked_on(reader.pid)), blocked_on(reader.pid)


def test_blocked_on_looks_through_a_parent_that_waits_for_its_child(start: Start) -> None:
    process = start("import subprocess; subprocess.run(['sleep', '60'])")
    assert eventually(lambda: "sleep 60" in blocked_on(process.pid)), blocked_on(process.pid)
    said = blocked_on(process.pid)
    assert said.index("in wait4") < said.index("sleep 60") < said.index("in clock_nanosleep")


def test_blocked_on_says_stopped_and_gone(start: Start) -> None:
    process = start("import time; time.sleep(60)")
    process.signal(signal.SIGSTOP)
    assert eventually(lambda: "stopped by a signal" in blocked_on(process.pid))
    process.kill()
    assert eventually(lambda: "exited, not yet reaped" in blocked_on(process.pid))
    process.wait(5)
    assert blocked_on(process.pid) == f"process {process.pid} is gone"


def test_state_is_a_letter_and_empty_for_nobody(start: Start) -> None:
    process = start("import time; time.sleep(60)")
    assert eventually(lambda: state(process.pid) == "S")
    process.signal(signal.SIGSTOP)
    assert eventually(lambda: state(process.pid) == "T")
    process.kill()
    assert eventually(lambda: state(process.pid) == "Z")
    process.wait(5)
    assert state(process.pid) == ""


def test_a_signal_that_is_held_back_is_pending_and_one_that_was_killed_is_ending(start: Start) -> None:
    blocks = "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); time.sleep(60)"
    one = start(blocks)
    assert not is_ending(one.pid)
    assert eventually(lambda: holds("SigBlk", one.pid, signal.SIGUSR1))
    one.signal(signal.SIGUSR1)
    assert eventually(lambda: is_pending(one.pid, signal.SIGUSR1))
    assert not is_pending(one.pid, signal.SIGSTOP)
    os.kill(one.pid, signal.SIGKILL)
    assert eventually(lambda: is_ending(one.pid))  # until somebody waits for it
    assert (is_ending(2**22 - 1), is_pending(2**22 - 1, signal.SIGSTOP)) == (False, False)


def test_end_ends_the_willing_and_the_unwilling_and_nobody_else(start: Start) -> None:
    willing = start("import time; time.sleep(60)")
    deaf = start("import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)")
    stopped = start("import time; time.sleep(60)")
    bystander = start("import time; time.sleep(60)")
    stopped.signal(signal.SIGSTOP)
    assert eventually(lambda: holds("SigIgn", deaf.pid, signal.SIGTERM))
    assert eventually(lambda: state(stopped.pid) == "T")
    assert end([willing.pid, deaf.pid, stopped.pid, 2**22 - 1], grace_s=0.3) == []
    assert willing.wait(5) == -signal.SIGTERM
    assert deaf.wait(5) == -signal.SIGKILL
    assert stopped.wait(5) == -signal.SIGKILL
    assert bystander.exit is None
    assert end([willing.pid]) == []
