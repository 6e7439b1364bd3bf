"""Monitors of the system while they see nothing: what our own probe has of them, and what the kit made of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

from harness.config.schema import MONITOR_DEADLINE_S
from harness.faults.support.impostor import Liar
from harness.host.clock import Deadline, mono_ns, sleep, wait_until
from harness.host.processes import descendants, state
from harness.model import NS, Evidence
from harness.recording.events import MonitorsBlind, PhaseEdge
from harness.recording.failure_phrases import monitors_missing
from harness.recording.recording import Recording
from harness.system.operations import last_object

if TYPE_CHECKING:
    from harness.system import http
    from harness.system.live import LiveSystem

How = Literal["killed", "frozen", "lies", "checks_dead"]
WORDS: Mapping[str, str] = {
    "killed": "killed",
    "frozen": "frozen",
    "lies": "replaced by a liar",
    "checks_dead": "without the part that looks",
}
# Two questions so far apart that a monitor that looks has looked in between.
_APART_S = 1.2


@dataclass(frozen=True, slots=True)
class MonitorsOut:
    """Monitors while they see nothing. ``began_ns``: since when; ``liars`` by name, for ``lies`` alone."""

    system: LiveSystem
    how: How
    operation: str
    names: tuple[str, ...]
    began_ns: int
    liars: dict[str, Liar]

    def confirm(self) -> Evidence:
        first = self._asked()
        if self.how in ("killed", "frozen"):
            said = "; ".join(f"{name} gives no answer ({answer.said()})" for name, answer in first.items())
            wrong = "; ".join(f"{name} answers ({answer.said()})" for name, answer in first.items() if answer.status)
        else:
            sleep(_APART_S)
            said = "; ".join(_repeated(name, first[name], again) for name, again in self._asked().items())
            wrong = ""
        if wrong := wrong or self.lost_early():
            return Evidence(False, False, wrong)
        self.system.recorder.record(
            MonitorsBlind(
                since_ns=self.began_ns,
                operation=self.operation,
                names=self.names,
                declared=tuple(self.system.config.monitors),
                how=WORDS[self.how],
                status=self._status(),
            )
        )
        return Evidence(True, False, said)

    def _status(self) -> list[str]:
        """What the kit's `status` says is degraded, while it is."""
        config = self.system.config.operations.get("status")
        if config is None:
            return []
        done = self.system.commands.run(config.command, config.deadline_s)
        degraded = (last_object(done.stdout, "degraded") or {}).get("degraded")
        return [str(text) for text in degraded] if isinstance(degraded, list) else []

    def _asked(self) -> dict[str, http.Answer]:
        """What each answers, all asked at the same time."""
        with ThreadPoolExecutor(len(self.names)) as pool:
            return dict(zip(self.names, pool.map(self.system.monitors.ask, self.names), strict=True))

    def lost_early(self) -> str:
        return "; ".join(self._wrong())

    def _wrong(self) -> Iterator[str]:
        """What says that a monitor is not as the fault left it."""
        for name in self.names:
            process = self.system.monitors[name]
            match self.how:
                case "killed":
                    if self.system.monitors.ask(name).status:
                        yield f"{name} answers"
                case "frozen":
                    if state(process.pid) != "T":
                        yield f"{name} is not stopped"
                case "lies":
                    if self.system.monitors.ask(name).body != self.liars[name].body:
                        yield f"{name} does not answer what our responder repeats"
                case "checks_dead":
                    if process.exit is not None or not self.system.monitors.ask(name).status:
                        yield f"{name} does not answer: it ended with the part that looks"
                    elif any(state(child) not in ("", "Z") for child in descendants(process.pid)):
                        yield f"{name} has a part that looks again"

    def observed_by(self, said: str) -> str:
        """The kit's words. One that never asks has none: what it met is that it went on where it could not be seen."""
        if line := monitors_missing(said):
            return line[:300]
        gone = f"{' and '.join(self.names)} {'was' if len(self.names) == 1 else 'were'} {WORDS[self.how]}"
        marks = [*Recording(self.system.recorder.folder).of(PhaseEdge)]
        later = dict.fromkeys(f"{e.phase} of {e.operation}" for e in marks if e.t > self.began_ns)
        if later:
            return f"the kit went through {', '.join(later)} while {gone}"
        if not marks:  # a kit without phases: the whole operation is what it went through
            return f"{self.operation} went on for {(mono_ns() - self.began_ns) / NS:.1f} s while {gone}"
        return ""

    def reverted(self) -> bool:
        return all(
            wait_until(partial(self._answers, name), Deadline(MONITOR_DEADLINE_S, f"monitor {name}"), every_s=0.05)
            for name in self.names
        )

    def _answers(self, name: str) -> bool:
        return self.system.monitors.ask(name).ok


def _repeated(name: str, first: http.Answer, again: http.Answer) -> str:
    what = "the same answer twice" if first.body == again.body else "two answers"
    return f"{name}, with nothing that looks, gave {what} {_APART_S:g} s apart, the second {again.said()}"
