"""Fires the planned faults on the edges they are meant for, heals them, and records what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from harness.errors import HarnessError
from harness.faults.fault import Injection
from harness.faults.support.byte_mark import ByteMark, Landing
from harness.host.clock import now
from harness.host.raised import told
from harness.model import Edge, Evidence
from harness.recording.events import (
    FaultConfirmed,
    FaultFailed,
    FaultHealed,
    FaultInjected,
    FaultLost,
    FaultPlanned,
    FaultSkipped,
    Warned,
)
from harness.recording.recorder import Recorder
from harness.rehearsal.armed import Armed
from harness.system.live import LiveSystem
from harness.system.phases.gates import MARKED, EdgeDetection

# So long the revert of a fault may take beyond the time that it lasts.
_HEAL_S = 30.0
_STOPPED = "the run was stopped, as [limits] stop_when has it"
_SAID_LIMIT = 2 * 1024 * 1024


T = TypeVar("T")


@dataclass(slots=True)
class _Held:
    """A fault that is in: what undoes it, the operation it lasts for, how long the system's logs were before, and how
    its edge came to be known."""

    armed: Armed
    operation: str
    sizes: dict[Path, int]
    detection: EdgeDetection
    undo: list[Callable[[], None]] = field(default_factory=list)
    injection: Injection | None = None
    mark: ByteMark | None = None
    timer: threading.Timer | None = None

    @property
    def id(self) -> str:
        return self.armed.plan.id


class Triggers:
    """``on_edge`` is called with every edge, by the thread that holds the kit. Several faults may be in at once."""

    def __init__(self, faults: Sequence[Armed], system: LiveSystem, recorder: Recorder) -> None:
        self._system = system
        self._recorder = recorder
        self._lock = threading.RLock()
        self._seen: dict[str, set[str]] = {}  # edge -> the operations that met it
        self._held: list[_Held] = []
        self._waiting = list(faults)
        self._marks: list[tuple[ByteMark, _Held]] = []
        self._withdrawn = False
        for armed in faults:
            recorder.record(FaultPlanned(**armed.plan.described()))

    def on_edge(self, edge: Edge, operation: str, detection: EdgeDetection = MARKED) -> None:
        with self._lock:
            met = self._seen.setdefault(str(edge), set())
            first = operation not in met  # a kit may mark a phase once a database, all within one operation
            met.add(operation)
            due = [a for a in self._waiting if first and a.plan.at == edge and a.plan.occurrence == len(met)]
            for armed in due:
                self._waiting.remove(armed)
                held = _Held(armed, operation, self._log_sizes(), detection)
                if detection.ended or self._withdrawn:  # on the aftermath of an operation it would prove nothing
                    said = _STOPPED if self._withdrawn else detection.describe()
                    self._recorder.record(FaultSkipped(id=held.id, said=said))
                elif armed.plan.share:
                    self._await_share(held)
                else:
                    self._inject(held)
            # The edge of a whole operation: faults that last for it, or until another one ends, end here.
            if edge.event == "stop" and operation.rpartition("-")[0] == edge.phase:
                for mark in [m for m, h in self._marks if h.operation == operation]:
                    mark.stop()  # what did not land in this operation does not land in the next
                for held in list(self._held):
                    if held.armed.plan.hold == ("operation" if held.operation == operation else "other"):
                        self._heal(held)

    def withdraw(self) -> None:
        """Revert every fault now, and put none in any more."""
        with self._lock:
            self._withdrawn = True
        self.heal_all()

    def heal_all(self) -> bool:
        """Whether any was still in."""
        with self._lock:
            held_to_here = list(self._held)
            for mark, _ in self._marks:
                mark.stop()
            for held in held_to_here:
                self._heal(held)
        for mark, held in self._marks:
            mark.join()
            if mark.problem:
                said = f"while waiting for its share of the bytes: {mark.problem}"
                self._recorder.record(FaultFailed(id=held.id, said=said))
        return bool(held_to_here)

    def await_timed(self) -> None:
        """Wait until every fault that lasts for a time is reverted: what follows is to meet it no more."""
        with self._lock:
            timers = [held.timer for held in self._held if held.timer]
        for timer in timers:
            timer.join(timer.interval + _HEAL_S)

    def _await_share(self, held: _Held) -> None:
        """Let the operation go on, over a link slowed for the purpose, until the share of its bytes has crossed it."""
        plan = held.armed.plan
        link, total = self._system.link(plan.targets["link"]), self._system.files.newest_backup_bytes()
        mark = held.mark = ByteMark(link, total, plan.share, lambda: self._land(mark, held))
        self._marks.append((mark, held))
        mark.start()

    def _land(self, mark: ByteMark, held: _Held) -> None:
        with self._lock:
            if mark.stopped:
                return
            try:
                self._inject(held)
            except Exception as error:  # noqa: BLE001 - on a thread of our own nobody else would hear of it
                self._recorder.record(FaultFailed(id=held.id, said=str(error)))

    def _inject(self, held: _Held) -> None:
        self._held.append(held)
        id_, hold = held.id, held.armed.plan.hold
        began = now()  # it may bite before inject returns
        try:
            held.injection = held.armed.fault.inject(self._system, held.operation, held.undo.append)
        except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on and says that this fault never was
            self._failed(held, "inject", error)
            return
        landing = held.mark.landing() if held.mark else None
        self._recorder.record(FaultInjected(id=id_, operation=held.operation), began)
        in_ns = now().mono_ns
        injection = held.injection
        if evidence := self._asked(held, "confirm", injection.confirm, None):
            self._confirmed(held, evidence, in_ns - began.mono_ns, landing)
        if not isinstance(hold, str):
            held.timer = threading.Timer(hold, self._heal_late, (held,))
            held.timer.daemon = True
            held.timer.start()

    def _confirmed(self, held: _Held, evidence: Evidence, took_ns: int, landing: Landing | None) -> None:
        applied, said = evidence.applied, evidence.said
        if seen := held.detection.describe():
            said = f"{said}; {seen} (it took {took_ns / 1e6:.1f} ms more until the fault was in)"
        if landing:
            applied, said = applied and landing.exact, f"{landing.said}; {said}"
        self._recorder.record(FaultConfirmed(id=held.id, applied=applied, felt=evidence.felt, said=said))

    def _asked(self, held: _Held, method: str, ask: Callable[[], T], otherwise: T) -> T:
        """What a fault says of itself; ``otherwise`` where it raises, and then it failed."""
        try:
            return ask()
        except Exception as error:  # noqa: BLE001 - it may be the user's own; the kit must be let go whatever it does
            self._failed(held, method, error)
            return otherwise

    def _failed(self, held: _Held, method: str, error: Exception) -> None:
        said = str(error).replace("\n", "; ") if isinstance(error, HarnessError) else f"{method} raised {told(error)}"
        self._recorder.record(FaultFailed(id=held.id, said=said))

    def _heal_late(self, held: _Held) -> None:
        with self._lock:
            if held in self._held:
                self._heal(held)

    def _heal(self, held: _Held) -> None:
        self._held.remove(held)
        if held.timer:
            held.timer.cancel()
        lost = self._asked(held, "lost_early", held.injection.lost_early, "") if held.injection else ""
        if lost:
            self._recorder.record(FaultLost(id=held.id, said=lost))
        released_ns = now().mono_ns
        failed: list[str] = []
        for undo in reversed(held.undo):
            try:
                undo()
            except Exception as error:  # noqa: BLE001 - the others get their try; what is not undone is a fault not healed
                failed.append(f"{type(error).__name__}: {error}")
        for said in failed:
            self._recorder.record(Warned(text=f"undo {held.armed.plan.name} ({held.id}): {said}"))
        if held.injection:
            injection = held.injection
            ok, healed = self._asked(held, "reverted", injection.reverted, False) and not failed, now()
            # Looking through what was said takes its time on a busy host: the fault was gone before it.
            since = self._said_since(held)
            felt = self._asked(held, "observed_by", lambda: injection.observed_by(since), "")
            told = FaultHealed(id=held.id, ok=ok, felt=bool(felt), felt_said=felt, released_ns=released_ns)
            self._recorder.record(told, healed)

    def _outputs(self) -> list[Path]:
        return sorted((self._recorder.folder / "operations").glob("*.out"))

    def _log_sizes(self) -> dict[Path, int]:
        return {path: path.stat().st_size for path in (*self._outputs(), *self._system.files.logs())}

    def _said_since(self, held: _Held) -> str:
        """What the kit and the system wrote since, the kit first; bounded. Over a link that does not serve goes what
        the kit does: what the service and its front say of connections is about their clients, who leave when they
        like."""
        outputs = self._outputs()
        kits = [path for path in outputs if path.stem.rpartition("-")[0] in self._system.config.operations]
        link = self._system.links.get(held.armed.plan.targets.get("link", ""))
        others = [path for path in outputs if path not in kits] + self._system.files.logs()
        said: list[str] = []
        for path in kits if link and not link.serves else [*kits, *others]:
            with path.open("rb") as file:
                file.seek(held.sizes.get(path, 0))
                said.append(file.read(_SAID_LIMIT).decode(errors="replace"))
        return "\n".join(said)
