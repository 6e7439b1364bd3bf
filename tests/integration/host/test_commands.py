"""Child processes: when their end is seen, and that each is reaped once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.host import commands
from harness.host.clock import RESOLUTION_S, mono_ns
from harness.model import NS
from tests.busy import Machine

# Writes down when it leaves, on the clock all processes share.
TIMED = "import os, sys, time; time.sleep({0}); print(time.monotonic_ns(), flush=True); os._exit(3)"


def seen_late_s(folder: Path, seconds: float) -> float:
    """How long after a child left its end was seen."""
    output = folder / f"{seconds}.out"
    process = commands.spawn([sys.executable, "-c", TIMED.format(seconds)], output=output)
    assert process.wait(20) == 3
    seen_ns = mono_ns()
    return (seen_ns - int(output.read_text())) / NS


def ends_are_seen_in_time(folder: Path) -> None:
    machine = Machine()
    late = sorted(seen_late_s(folder, 0.3 + i / 50) for i in range(7))
    machine.must(late[len(late) // 2] < RESOLUTION_S, late)  # the median: the machine may be busy once


@pytest.mark.calm
def test_the_end_of_a_process_is_seen_within_the_resolution_that_is_stated(tmp_path: Path) -> None:
    ends_are_seen_in_time(tmp_path)


def test_a_tool_of_ours_is_found_where_an_ordinary_user_does_not_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "our-tool"
    tool.write_text("#!/bin/sh\necho found\n")
    tool.chmod(0o755)
    monkeypatch.setattr(commands, "_SBIN", str(tmp_path))
    assert commands.check(["our-tool"]) == "found"
    with pytest.raises(HarnessError, match="our-tool"):  # with an environment of its own it is the kit's, not ours
        commands.run(["our-tool"], env=dict(os.environ))


@pytest.mark.calm
def test_a_process_that_goes_on_is_waited_for_no_longer_than_asked() -> None:
    process = commands.spawn(["sleep", "30"])
    machine, start = Machine(), mono_ns()
    assert process.wait(0.2) is None
    took_s = (mono_ns() - start) / NS
    assert took_s >= 0.2
    machine.must(took_s < 2, f"a wait of 0.2 s took {took_s:.2f} s")
    assert process.end() == -signal.SIGTERM
    assert process.wait(0) == -signal.SIGTERM


def test_everybody_who_waits_for_a_process_is_told_how_it_ended() -> None:
    process = commands.spawn(["sh", "-c", "sleep 0.2; exit 7"])
    told: list[int | None] = []
    threads = [threading.Thread(target=lambda: told.append(process.wait(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [7] * 8
    with pytest.raises(ChildProcessError):  # reaped
        os.waitpid(process.pid, os.WNOHANG)


def test_no_descriptor_is_left_of_a_wait() -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert commands.spawn(["true"]).wait(10) == 0
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.calm
def test_where_no_descriptor_can_be_had_an_end_is_seen_as_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    ends_are_seen_in_time(tmp_path)
