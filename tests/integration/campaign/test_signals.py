"""Which signals end a run."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.host.checkout import ROOT

HUNG_UP = """
import os, signal, subprocess, sys
from harness.campaign.outside import Signals
signal.signal(signal.SIGHUP, signal.SIG_IGN if sys.argv[1] == "nohup" else signal.SIG_DFL)
signals = Signals()
signals.install()
signals.install()
os.kill(os.getpid(), signal.SIGHUP)
print(signals.stop, flush=True)
subprocess.run([sys.executable, "-c", "import signal; print(signal.getsignal(signal.SIGHUP).name)"], check=True)
os.kill(os.getpid(), signal.SIGTERM)
print(signals.number == (signal.SIGTERM if sys.argv[1] == "nohup" else signal.SIGHUP))
"""


@pytest.mark.parametrize(("started", "stops"), [("nohup", "False"), ("plainly", "True")])
def test_a_run_that_was_started_with_nohup_outlives_a_hang_up(started: str, stops: str) -> None:
    """What it starts is hung up by whoever wants to, as ever: an ignored signal would be inherited."""
    argv = [sys.executable, "-c", HUNG_UP, started]
    done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == [stops, "SIG_DFL", "True"]
