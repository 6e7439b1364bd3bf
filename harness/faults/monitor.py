"""monitor_killed, _frozen, _lies, _checks_dead: the team's own monitors are gone, or there and see nothing."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import ExitCode, HarnessError
from harness.faults.fault import Undo
from harness.faults.support.impostor import Impostor
from harness.faults.support.monitors_out import How, MonitorsOut
from harness.host.clock import mono_ns, sleep
from harness.host.processes import descendants

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

Which = Literal["one", "all"]


@dataclass(frozen=True, slots=True)
class Monitor:
    """What happens to monitors of the system: the first that system.toml declares (``one``), or ``all``.

    ``killed``: SIGKILL. ``frozen``: SIGSTOP. ``lies``: killed, and its address taken by a responder that repeats the
    last answer it gave. ``checks_dead``: the children of its process killed, the process that answers lives.
    All but ``killed`` hold the kit at the edge until what the monitors last saw is stale (``stale_after_s``).
    """

    how: How
    which: Which = "all"

    @property
    def name(self) -> str:
        return f"monitor_{self.how}"

    @property
    def parameters(self) -> Mapping[str, Any]:
        return {"which": self.which}

    def planned(self, rng: random.Random) -> Monitor:
        return self

    def needs(self, capabilities: Mapping[str, bool]) -> str:
        return ""

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> MonitorsOut:
        names = self._names(system)
        began = mono_ns()
        out = MonitorsOut(system, self.how, operation, names, began, {})
        for name in names:
            getattr(self, f"_{self.how}")(system, name, undo, out)
        if self.how != "killed":
            sleep(max(system.config.monitors[name].stale_after_s for name in names) + 0.2)
        return out

    def _names(self, system: LiveSystem) -> tuple[str, ...]:
        declared = tuple(system.config.monitors)
        if len(declared) < (2 if self.which == "one" else 1):
            raise HarnessError(
                f"inject {self.name} on {self.which} of the monitors of {system.config.name}",
                f"system.toml declares {len(declared)}",
                "declare each as [monitors.NAME]",
                ExitCode.UNKNOWN,
            )
        return declared if self.which == "all" else declared[:1]

    def _killed(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        undo(lambda: _restart(system, name))
        system.monitors[name].kill()
        system.monitors[name].wait(2.0)

    def _frozen(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        leader = system.monitors[name].pid
        undo(lambda: _signal_session(leader, signal.SIGCONT))
        _signal_session(leader, signal.SIGSTOP)

    def _lies(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        answer = system.ask_monitor(name)
        if not answer.ok:
            raise HarnessError(
                f"inject {self.name} on {name}",
                f"it gave no good answer that could be repeated ({answer.said()})",
                f"check [monitors.{name}] in system.toml",
                ExitCode.UNKNOWN,
            )
        self._killed(system, name, undo, out)
        undo(lambda: out.liars[name].close() if name in out.liars else None)
        out.liars[name] = Impostor(system.text(system.config.monitors[name].health), answer.body)

    def _checks_dead(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        children = descendants(system.monitors[name].pid)
        if not children:
            raise HarnessError(
                f"inject {self.name} on {name}",
                "its process has no child that could be the part that looks",
                "a monitor that is one process can be killed, frozen or lied for instead",
                ExitCode.UNKNOWN,
            )
        undo(lambda: _restart(system, name))
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def _restart(system: LiveSystem, name: str) -> None:
    system.monitors[name].kill()
    system.monitors[name].wait(2.0)
    system.start_monitor(name)


def _signal_session(leader: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, number)
