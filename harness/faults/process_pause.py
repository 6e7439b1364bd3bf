"""process_pause: an operation of the kit stands still (SIGSTOP to its process group) and goes on later."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from harness.faults.fault import Fault, Undo
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.host.commands import Process
from harness.host.processes import group_states, is_ending, is_pending
from harness.model import NS, Evidence

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

LOOK_EVERY_S = 0.05
SIGNAL_S = 3.0
# States of a process that does not run: stopped by a signal; ended and not yet looked at.
_STILL = "TtZX"


@dataclass(frozen=True, slots=True)
class ProcessPause(Fault):
    """How long is the trigger's ``hold``: seconds, or until another operation has ended (``other``)."""

    name: ClassVar[str] = "process_pause"
    targets: ClassVar[Mapping[str, str]] = {"operation": ""}
    effects: ClassVar[frozenset[str]] = frozenset({"pauses"})

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> PausedProcess:
        process = system.running.get(operation)
        paused = PausedProcess(operation, system, process)
        if process:
            undo(partial(continue_group, process.pid))
            undo(paused.stop_watching)
            process.signal_group(signal.SIGSTOP)
            paused.watch()
        return paused


@dataclass(slots=True)
class PausedProcess:
    """An operation while it stands still, looked at every 50 ms: how long it did, and what else ran meanwhile."""

    operation: str
    system: LiveSystem
    process: Process | None
    _still_ns: int = 0
    _moved: bool = False
    _beside: set[str] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def watch(self) -> None:
        self._thread = threading.Thread(target=self._look, name="paused", daemon=True)
        self._thread.start()

    def stop_watching(self) -> None:
        self._over.set()
        if self._thread:
            self._thread.join()

    def confirm(self) -> Evidence:
        if self.process is None:
            return Evidence(False, False, f"{self.operation} had no process to stop")
        applied = wait_until(self._stands_still, Deadline(SIGNAL_S, "the signal"), 0.005)
        states = ", ".join(f"{pid} {state}" for pid, state in group_states(self.process.pid).items())
        return Evidence(applied, False, f"SIGSTOP to the processes of {self.operation}, in /proc: {states or 'none'}")

    def lost_early(self) -> str:
        if self._moved:
            return f"{self.operation} went on before it was continued"
        if self.process and self.process.exit is not None and (left := len(stopped(self.process.pid))):
            return f"{self.operation} was ended, but not {left} of its processes: what they do now nobody can tell"
        return ""

    def observed_by(self, said: str) -> str:
        """It was seen stopped while another operation ran: for the kit it stood still, not the whole machine."""
        if not self._beside or self._moved:
            return ""
        beside = ", ".join(sorted(self._beside))
        return f"{self.operation} was seen stopped for {self._still_ns / NS:.1f} s while {beside} ran"

    def reverted(self) -> bool:
        if self.process is None:
            return True
        return wait_until(lambda: not self._is_stopped(), Deadline(SIGNAL_S, "the signal"), 0.005)

    def _look(self) -> None:
        began = mono_ns()
        # The signal takes a moment to reach every process of the group.
        wait_until(self._stands_still, Deadline(SIGNAL_S, "the signal"), 0.005)
        while not self._over.wait(LOOK_EVERY_S):
            if self.process and self.process.exit is not None:
                return
            if not self._stands_still():
                self._moved = True
                return
            self._still_ns = mono_ns() - began
            self._beside |= {id_ for id_ in list(self.system.running) if id_ != self.operation}

    def _stands_still(self) -> bool:
        """A process within a call of the kernel that cannot be interrupted (D) stands still as well once the stop is
        pending, such as a shell that waits for the stopped child it has just forked (vfork): it cannot come back. Nor
        can one that was killed meanwhile, however long its end takes."""
        states = group_states(self.process.pid) if self.process else {}
        return bool(states) and all(
            state in _STILL or (state == "D" and is_pending(pid, signal.SIGSTOP)) or is_ending(pid)
            for pid, state in states.items()
        )

    def _is_stopped(self) -> bool:
        return self.process is not None and bool(stopped(self.process.pid))


def stopped(group: int) -> list[int]:
    return [pid for pid, state in group_states(group).items() if state == "T"]


def continue_group(group: int) -> None:
    """Also what is left of one whose leader was killed where it stood: nobody else would ever wake it; and whoever has
    its stop still to come."""
    for pid in group_states(group):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
