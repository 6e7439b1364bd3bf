"""Work in a fork: it is done beside this process, gives what it made or raises what it raised, and is over with us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import NoReturn

import psutil
import pytest

from harness.host.checkout import ROOT
from harness.host.forked import Forked


def test_it_is_done_in_another_process_and_gives_plain_data() -> None:
    before = psutil.Process().children()
    pid, big = Forked(lambda: (os.getpid(), "x" * 1_000_000)).result()
    assert (pid == os.getpid(), len(big)) == (len(os.sched_getaffinity(0)) == 1, 1_000_000)
    assert set(psutil.Process().children()) <= set(before)


def test_without_a_fork_the_same_is_done_here() -> None:
    assert Forked(os.getpid, fork=False).result() == os.getpid()


def test_what_it_raises_is_raised_here() -> None:
    def work() -> NoReturn:
        raise ZeroDivisionError("on purpose")

    with pytest.raises(ZeroDivisionError, match="on purpose"):
        Forked(work).result()


def test_one_that_was_killed_is_done_again_here() -> None:
    here = os.getpid()

    def work() -> int:
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return os.getpid()

    assert Forked(work).result() == here


def test_it_ends_with_a_process_that_is_killed() -> None:
    code = (
        "import os, signal, time; from harness.host.forked import Forked\n"
        "made = Forked(lambda: time.sleep(60)); print(made._pid, flush=True); time.sleep(0.3)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    pid = int(done.stdout)
    if pid:  # on a single core there is none
        _, alive = psutil.wait_procs([p for p in psutil.process_iter() if p.pid == pid], timeout=20)
        assert alive == []
