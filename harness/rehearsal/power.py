"""The power cuts of a rehearsal: chosen in what was recorded, and each state started on a nested island."""

from __future__ import annotations

import random
from pathlib import Path

from harness.config.schema import SystemConfig
from harness.crash.boot import BootSpec
from harness.crash.explore import MARGIN_S, Baseline, Exploration
from harness.crash.findings import TakenNs, UnderWay
from harness.crash.states import unlogged
from harness.disks.logged import LoggedDisk
from harness.disks.nudging import Nudging
from harness.host.clock import mono_ns
from harness.model import NS, Edge, Instant, Operation, Span
from harness.plan import Plan, PowerCuts
from harness.recording.events import LeftOut, PhaseEdge, PowerAsked, PowerUnsound, Warned
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording


class PowerLossRun:
    """``stand`` once the system stands and is under load, ``cut`` once the load has stopped."""

    def __init__(self, power: PowerCuts, plan: Plan, config: SystemConfig, disk: LoggedDisk, recorder: Recorder):
        self._power = power
        self._plan = plan
        self._config = config
        self._disk = disk
        self._recorder = recorder
        self._baseline = Baseline(0, 0)
        self._wanted = f"{power.operation}-{power.occurrence}"
        self._nudging: Nudging | None = None

    def stand(self) -> None:
        """From here on the disk must hold what was promised. What was there before has been flushed long ago."""
        flushed_ns = mono_ns()
        self._disk.sync()
        self._baseline = Baseline(self._disk.records(), flushed_ns)

    def on_edge(self, edge: Edge, operation: str) -> None:
        """Nudge the disk from the start of the operation that is to be cut, when that is asked for; and once more while
        the kit is held at the end of each phase that is to be cut, however busy the machine is."""
        if operation != self._wanted or not self._power.nudge:
            return
        if str(edge) == f"{self._power.operation}.start":
            try:
                self._nudging = Nudging(self._disk.path)
            except OSError as error:
                self._not_nudged(f"it could not begin: {error.strerror or error}")
        elif self._nudging and edge.event == "stop" and edge.phase in self._power.during:
            self._nudging.once()

    def stop(self) -> None:
        if self._nudging:
            self._nudging.stop()

    def cut(self, bundled: Path, taken_ns: TakenNs) -> None:
        """Start the system on every state; ``taken_ns`` tells when a backup was taken, by its path and identity."""
        self.stop()
        if self._nudging and self._nudging.problem:
            self._not_nudged(self._nudging.problem)
        self._recorder.record(PowerAsked(about=str(self._power)))
        if self._disk.lost:
            self._recorder.record(Warned(text=self._disk.lost))
            return
        log = self._disk.log()
        unseen = 0 if log.problems else unlogged(self._disk.image, self._disk.size_bytes, self._disk.log)
        if unseen:
            why = f"the block log lost writes: {unseen} blocks of the disk are not what it says"
            self._recorder.record(PowerUnsound(why=why))
            return
        plan = self._plan
        recording = Recording(self._recorder.folder)
        operation = self._operation(recording)
        if operation is None:
            self._recorder.record(Warned(text=f"{self._power.operation} #{self._power.occurrence} was not run"))
            return
        spec = BootSpec(
            system=plan.system,
            bundled=str(bundled),
            variants=plan.variants,
            directory=str(self._disk.path),
            port=plan.port,
            size_bytes=plan.size_bytes,
            python=plan.python,
            restore=True,
            again=self._power.operation if self._power.operation != "restore" else "",
            version=self._config.versions.new,
        )
        restore = self._config.operations.get("restore")
        deadline_s = MARGIN_S + self._config.service.start_deadline_s + (restore.deadline_s if restore else 0)
        under_way = UnderWay(operation.id, operation.restores, taken_ns(operation.backup, None))
        exploration = Exploration(log, self._disk.size_bytes, spec, deadline_s, taken_ns, self._recorder)
        rng = random.Random(f"{plan.seed}:{plan.scenario}:{plan.cell}:power")
        exploration.run(self._power, self._spans(recording, operation), under_way, self._baseline, rng)

    def _not_nudged(self, why: str) -> None:
        """States that were to hide nothing may hide what was not synced: they prove less than the cell promises."""
        self._recorder.record(LeftOut(what="nudging the journal", why=why))

    def _operation(self, recording: Recording) -> Operation | None:
        return next((o for o in recording.operations if o.id == self._wanted), None)

    def _spans(self, recording: Recording, operation: Operation) -> list[Span]:
        """The phases asked for, each until the kit was let go at its end; the whole operation when none is, or the kit
        marks none of them."""
        ended = Instant(operation.stop_ns, 0)
        after = Span(f"the time after {operation.id}", ended, Instant(ended.mono_ns + int(self._power.after_s * NS), 0))
        held_ns = {
            e.phase: e.gate_ns for e in recording.of(PhaseEdge) if (e.operation, e.event) == (operation.id, "stop")
        }
        marked = [
            Span(s.name, s.start, Instant(s.stop.mono_ns + held_ns.get(s.name, 0), 0))
            for id_, s, _ in recording.phases
            if id_ == operation.id and s.name in self._power.during
        ]
        if marked:
            return [after, *marked] if self._power.after_s else marked
        return [after, Span(operation.name, Instant(operation.start_ns, 0), ended)]
