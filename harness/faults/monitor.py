"""monitor_killed, _frozen, _lies, _checks_dead: the team's own monitors are gone, or there and see nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from harness.errors import ExitCode, HarnessError
from harness.faults.fault import Fault, Undo
from harness.faults.support.impostor import Forger, Impostor
from harness.faults.support.monitors_out import How, MonitorsOut
from harness.host.clock import mono_ns, sleep
from harness.host.processes import descendants

if TYPE_CHECKING:
    from harness.system.live import LiveSystem

Which = Literal["one", "all"]


@dataclass(frozen=True, slots=True)
class MonitorFault(Fault):
    """What happens to monitors of the system: the first that system.toml declares (``one``), or ``all``. ``how`` tells
    the four apart. All but a kill hold the kit at the edge until what the monitors last saw is stale
    (``stale_after_s``); of one that writes a file a kill does, too."""

    which: Which = "all"

    targets: ClassVar[Mapping[str, str]] = {"monitor": "which"}
    effects: ClassVar[frozenset[str]] = frozenset({"blinds"})
    how: ClassVar[How]

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> MonitorsOut:
        names = self._names(system)
        began = mono_ns()
        out = MonitorsOut(system, self.how, operation, names, began, {})
        for name in names:
            self._take_out(system, name, undo, out)
        if self.how != "killed" or any(system.monitors.file(name) for name in names):
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

    def _take_out(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class MonitorKilled(MonitorFault):
    """SIGKILL."""

    name: ClassVar[str] = "monitor_killed"
    how: ClassVar[How] = "killed"

    def _take_out(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        _kill(system, name, undo)


@dataclass(frozen=True, slots=True)
class MonitorFrozen(MonitorFault):
    """SIGSTOP."""

    name: ClassVar[str] = "monitor_frozen"
    how: ClassVar[How] = "frozen"

    def _take_out(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        leader = system.monitors[name].pid
        undo(lambda: _signal_session(leader, signal.SIGCONT))
        _signal_session(leader, signal.SIGSTOP)


@dataclass(frozen=True, slots=True)
class MonitorLies(MonitorFault):
    """Killed, and its address taken by a responder that repeats the last answer it gave."""

    name: ClassVar[str] = "monitor_lies"
    how: ClassVar[How] = "lies"

    def _take_out(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
        answer = system.monitors.ask(name)
        if not answer.ok:
            raise HarnessError(
                f"inject {self.name} on {name}",
                f"it gave no good answer that could be repeated ({answer.said()})",
                f"check [monitors.{name}] in system.toml",
                ExitCode.UNKNOWN,
            )
        _kill(system, name, undo)
        undo(lambda: out.liars[name].close() if name in out.liars else None)
        file, health = system.monitors.file(name), system.commands.text(system.config.monitors[name].health)
        out.liars[name] = Forger(file, answer.body) if file else Impostor(health, answer.body)


@dataclass(frozen=True, slots=True)
class MonitorChecksDead(MonitorFault):
    """The children of its process killed; the process that answers lives."""

    name: ClassVar[str] = "monitor_checks_dead"
    how: ClassVar[How] = "checks_dead"

    def _take_out(self, system: LiveSystem, name: str, undo: Undo, out: MonitorsOut) -> None:
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


def _kill(system: LiveSystem, name: str, undo: Undo) -> None:
    undo(lambda: _restart(system, name))
    system.monitors[name].kill()
    system.monitors[name].wait(2.0)


def _restart(system: LiveSystem, name: str) -> None:
    system.monitors[name].kill()
    system.monitors[name].wait(2.0)
    system.monitors.start(name)


def _signal_session(leader: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, number)
