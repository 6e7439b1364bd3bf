"""process_kill: an operation of the kit is ended by SIGKILL, its whole process group, at the edge it is held at."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.faults.fault import Fault, Undo
from harness.host.clock import Deadline, wait_until
from harness.host.commands import Process
from harness.host.processes import group_states
from harness.model import Evidence

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

GONE_S = 2.0


@dataclass(frozen=True, slots=True)
class ProcessKill(Fault):
    """What the kit started in sessions of their own (the service it deploys) lives on, as when a person's terminal or
    a CI job dies."""

    name: ClassVar[str] = "process_kill"
    targets: ClassVar[Mapping[str, str]] = {"operation": ""}
    effects: ClassVar[frozenset[str]] = frozenset({"kills"})

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> KilledProcess:
        process = system.running.get(operation)
        if process is None:
            return KilledProcess(operation, None, 0)
        members = group_states(process.pid)
        process.signal_group(signal.SIGKILL)
        return KilledProcess(operation, process, len(members))


@dataclass(frozen=True, slots=True)
class KilledProcess:
    """The operation after it was killed; ``process`` is None when it had not been started, or had ended."""

    operation: str
    process: Process | None
    members: int

    def confirm(self) -> Evidence:
        if self.process is None:
            return Evidence(False, False, f"{self.operation} had no process to kill")
        pid = self.process.pid
        gone = wait_until(
            lambda: all(state in "ZX" for state in group_states(pid).values()), Deadline(GONE_S, "its end"), 0.005
        )
        said = f"SIGKILL to the {self.members} processes of {self.operation}: {'gone' if gone else 'some are left'}"
        return Evidence(gone, False, said)

    def lost_early(self) -> str:
        return ""

    def observed_by(self, said: str) -> str:
        """Its exit by our signal: it had not ended otherwise before."""
        code = self.process.wait(GONE_S) if self.process else None
        return f"{self.operation} was ended by signal {-code}" if code == -signal.SIGKILL else ""

    def reverted(self) -> bool:
        """Over at once: nothing is held. What is read back is that no process of the group is left."""
        return self.process is None or not _there(self.process.pid)


def _there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return any(state not in "ZX" for state in group_states(group).values())
