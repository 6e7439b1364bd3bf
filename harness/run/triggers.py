"""Fires the planned faults on the edges they are meant for, heals them, and records what became of each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from harness.faults.fault import Injection
from harness.host.clock import now
from harness.model import Edge
from harness.recording.recorder import Recorder
from harness.run.plan import described_faults
from harness.scenario import Trigger
from harness.system.live import LiveSystem

_SAID_LIMIT = 2 * 1024 * 1024


@dataclass(slots=True)
class _Held:
    """A fault that is in: what undoes it, the operation it lasts for, and how long the system's logs were before."""

    id: str
    trigger: Trigger
    operation: str
    sizes: dict[Path, int]
    undo: list[Callable[[], None]] = field(default_factory=list)
    injection: Injection | None = None
    timer: threading.Timer | None = None


class Triggers:
    """``on_edge`` is called with every edge, by the thread that holds the kit; faults of one run never overlap."""

    def __init__(self, triggers: tuple[Trigger, ...], system: LiveSystem, recorder: Recorder) -> None:
        self._system = system
        self._recorder = recorder
        self._lock = threading.RLock()
        self._seen: dict[str, int] = {}
        self._held: list[_Held] = []
        self._waiting: list[tuple[str, Trigger]] = []
        for entry, trigger in zip(described_faults(triggers), triggers, strict=True):
            recorder.event("fault.planned", **entry)
            self._waiting.append((entry["id"], trigger))

    def on_edge(self, edge: Edge, operation: str) -> None:
        with self._lock:
            self._seen[str(edge)] = count = self._seen.get(str(edge), 0) + 1
            for id_, trigger in [w for w in self._waiting if w[1].at == edge and w[1].occurrence == count]:
                self._waiting.remove((id_, trigger))
                self._inject(id_, trigger, operation)
            # The edge of a whole operation: faults that last for it end here.
            if edge.event == "stop" and operation.rpartition("-")[0] == edge.phase:
                for held in [h for h in self._held if h.operation == operation and h.trigger.hold == "operation"]:
                    self._heal(held)

    def heal_all(self) -> None:
        with self._lock:
            for held in list(self._held):
                self._heal(held)

    def _inject(self, id_: str, trigger: Trigger, operation: str) -> None:
        held = _Held(id_, trigger, operation, self._log_sizes())
        self._held.append(held)
        began = now()  # it may bite before inject returns
        held.injection = trigger.fault.inject(self._system, operation, held.undo.append)
        self._recorder.event("fault.injected", when=began, id=id_)
        evidence = held.injection.confirm()
        self._recorder.event(
            "fault.confirmed", id=id_, applied=evidence.applied, felt=evidence.felt, said=evidence.said
        )
        if not isinstance(trigger.hold, str):
            held.timer = threading.Timer(trigger.hold, self._heal_late, (held,))
            held.timer.daemon = True
            held.timer.start()

    def _heal_late(self, held: _Held) -> None:
        with self._lock:
            if held in self._held:
                self._heal(held)

    def _heal(self, held: _Held) -> None:
        self._held.remove(held)
        if held.timer:
            held.timer.cancel()
        lost = held.injection.lost() if held.injection else ""
        if lost:
            self._recorder.event("fault.confirmed", id=held.id, applied=False, felt=False, said=f"lost early: {lost}")
        for undo in reversed(held.undo):
            undo()
        if held.injection:
            felt = held.injection.felt(self._said_since(held.sizes))
            ok = held.injection.healed()
            self._recorder.event("fault.healed", id=held.id, ok=ok, felt=bool(felt), felt_said=felt)

    def _logs(self) -> list[Path]:
        return [*self._system.log_files(), *(self._recorder.folder / "operations").glob("*.out")]

    def _log_sizes(self) -> dict[Path, int]:
        return {path: path.stat().st_size for path in self._logs()}

    def _said_since(self, sizes: dict[Path, int]) -> str:
        """What the system and the kit wrote since, the kit first; bounded."""
        said: list[str] = []
        for path in reversed(self._logs()):
            with path.open("rb") as file:
                file.seek(sizes.get(path, 0))
                said.append(file.read(_SAID_LIMIT).decode(errors="replace"))
        return "\n".join(said)
