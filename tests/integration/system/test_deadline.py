"""What is told of an operation that is still running at its deadline: real processes that sleep, write, compute."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from harness.recording.events import OperationStopped
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.operations import OperationRequest
from harness.system.phases.gates import Gates
from harness.system.phases.mark_server import PhaseServer
from tests.busy import Machine
from tests.integration.system.stand_in import operations_of

SLEEPS = "import time; time.sleep(60)"
COMPUTES = "while True: pass"
# Written, and waited for, by a child: as a shell kit does it.
WRITES = """
import subprocess, sys
piece = "import sys, time; open(sys.argv[1], 'ab').write(bytes(9000)); time.sleep(0.05)"
while True:
    subprocess.run([sys.executable, "-S", "-c", piece, sys.argv[1]])
"""
# As a kit that hangs and has started a service, which leaves its pid.
SERVES = """
import subprocess, sys, time
service = '''
import os, sys, time
open(sys.argv[1], "w").write(str(os.getpid()))
while True:
    time.sleep(0.001)
    os.write(2, bytes(9))
'''
subprocess.Popen([sys.executable, "-c", service, sys.argv[1]], start_new_session=True)
time.sleep(60)
"""


def killed(place: Path, code: str, deadline_s: float) -> OperationStopped:
    """What was told of an operation that did this until its deadline."""
    recorder = Recorder(place)
    phases = PhaseServer(place / "s", Gates(lambda *_: None, lambda *_: None))
    command = (sys.executable, "-c", code, str(place / "written"))
    try:
        done = operations_of(recorder, phases, "backup", command, deadline_s).run(OperationRequest("backup"))
    finally:
        phases.close()
        recorder.close()
    assert done.exit is None
    (stopped,) = Recording(place).of(OperationStopped)
    return stopped


@pytest.mark.parametrize(
    ("code", "computed", "wrote"),
    [(SLEEPS, False, False), (COMPUTES, True, False), (WRITES, None, True)],
    ids=["sleeps", "computes", "writes"],
)
def test_it_is_told_what_it_did_in_its_last_seconds(
    tmp_path: Path, code: str, computed: bool | None, wrote: bool
) -> None:
    machine = Machine()
    last = killed(tmp_path, code, deadline_s=4.0)
    assert last.last_cpu_s is not None and last.last_written_bytes is not None
    machine.must(last.last_s == pytest.approx(2.0, abs=0.5), last)
    if computed is not None:
        machine.must((last.last_cpu_s > 0.2) == computed, last)
    machine.must((last.last_written_bytes >= 9000) == wrote, last)


def test_what_a_service_does_that_it_has_started_is_not_its_progress(tmp_path: Path) -> None:
    try:
        last = killed(tmp_path, SERVES, deadline_s=4.0)
    finally:
        os.kill(int((tmp_path / "written").read_text()), signal.SIGKILL)
    assert last.last_cpu_s is not None and last.last_cpu_s < 0.2 and last.last_written_bytes == 0, last
