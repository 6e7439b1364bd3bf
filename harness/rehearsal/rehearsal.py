"""One rehearsal on its stage: everything set up, the steps of the plan taken, the system read back."""

from __future__ import annotations

from pathlib import Path

from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.host.checkout import BUNDLED
from harness.host.clock import mono_ns
from harness.host.outputs import error_in
from harness.load.driver import LoadDriver
from harness.model import BEFORE, NS
from harness.plan import Plan
from harness.recording.events import Seeded, ServiceRestarted, ServiceStopped, Warned
from harness.recording.recorder import Recorder
from harness.rehearsal.armed import arm
from harness.rehearsal.damage import DamagedValidation
from harness.rehearsal.edges import Edges
from harness.rehearsal.guard import Guard
from harness.rehearsal.phase_record import PhaseRecord
from harness.rehearsal.power import PowerLossRun
from harness.rehearsal.read_backs import ReadBacks
from harness.rehearsal.snapshots import Snapshots
from harness.rehearsal.staging.stage import Stage
from harness.rehearsal.steps import Round, Steps
from harness.rehearsal.triggers import Triggers
from harness.rehearsal.younger_write import YoungerWrite
from harness.system.ledger_tail import LedgerTail
from harness.system.operations import OperationRequest, Operations
from harness.system.phases.gates import Gates
from harness.system.phases.mark_server import PhaseServer
from harness.system.read_back import first_totals


class Rehearsal:
    """Built, ``set_up``, ``perform``-ed and torn down once, by the inside half."""

    def __init__(self, plan: Plan, recorder: Recorder, load: LoadDriver) -> None:
        self._plan = plan
        self._recorder = recorder
        self._config = config = load_system(plan.system, BUNDLED, variants=plan.variants)
        armed = arm(plan.faults)  # before anything is there that would have to be taken down again
        self._stage = Stage(plan, config, recorder, load)
        self._system = system = self._stage.system
        self._power = (
            PowerLossRun(plan.power, plan, config, self._stage.logged, recorder)
            if plan.power and self._stage.logged
            else None
        )
        self._triggers = Triggers(armed, system, recorder)
        edges = Edges(self._triggers, self._power, config.operations)
        self._phases = PhaseRecord(recorder)
        also: dict[str, list[str]] = {}
        for phase in (p for p in config.phases if p.same_as):
            also.setdefault(phase.same_as, []).append(phase.name)
        self._gates = Gates(edges.on_mark, self._phases.record, also)
        self._marks = PhaseServer(Path(plan.work) / "phases.sock", self._gates)
        self._operations = Operations(system, self._marks, edges.on_edge)
        self._snapshots = Snapshots(self._phases)
        self._read_backs = ReadBacks(system, self._operations, self._snapshots, ask_status=not plan.reads_only)
        stop_when = config.limits.stop_when
        url = system.commands.text(stop_when.url) if stop_when else ""
        self._guard = (
            Guard(stop_when, url, load.progress, self._triggers.withdraw, recorder.record) if stop_when else None
        )
        damage = DamagedValidation(system, self._operations, recorder, Path(plan.work))
        self._steps = Steps(
            plan,
            system,
            self._operations,
            edges,
            self._snapshots,
            self._read_backs,
            damage,
            YoungerWrite(config, LedgerTail(recorder.folder)),
            self._stage.watch_versions,
            recorder,
        )

    def set_up(self) -> None:
        self._stage.teardown.register("close the phase socket", self._marks.close)
        if self._power:
            self._stage.teardown.register("stop nudging", self._power.stop)
        self._stage.teardown.register("heal the faults", self._triggers.heal_all)
        self._stage.traffic.prepare()
        self._stage.lay_links(self._plan.links)
        if "seed" in self._config.operations:
            self._seed()
        self._stage.service_start.up()
        self._system.first_totals = first_totals(self._system)
        if self._config.service.attach:
            self._read_backs.after(BEFORE)
        self._stage.traffic.start()
        if self._guard:
            self._stage.teardown.register("stop watching the limits", self._guard.close)
            self._guard.watch()
        if self._power:
            self._power.stand()

    def _seed(self) -> None:
        done = self._operations.run(OperationRequest("seed"))
        if done.exit != 0:
            output = self._recorder.folder / "operations" / f"{done.id}.out"
            why = f"its seed operation failed; it said: {error_in(output) or 'nothing'}"
            raise HarnessError(f"seed {self._config.name}", why, f"see operations/{output.name}", ExitCode.UNKNOWN)
        found = self._system.files.database_bytes()
        self._recorder.record(Seeded(asked_bytes=self._plan.size_bytes, found_bytes=found))

    def perform(self) -> None:
        rounds = [Round(r, True) for r in range(self._plan.warmup)] + [Round(r) for r in range(self._plan.repeat)]
        for number, round_ in enumerate(rounds, 1):
            for step in self._plan.steps:
                if self._guard and self._guard.stopped:
                    break
                if not step.first_repeat_only or round_ == Round(0):
                    self._triggers.await_timed()
                    self._steps.take(step, round_)
                    self._recorder.check_room()
                    self._stage.traffic.check()
            if self._steps.derailed and number < len(rounds):
                left = len(rounds) - number
                self._recorder.record(Warned(text=f"{left} rounds were not run: {self._steps.derailed}"))
                break
        if self._triggers.heal_all():
            self._steps.see_recovered("the last faults were healed")
        if self._guard:  # from here on the service is not what its owner knows it to be
            self._guard.close()
        self._stage.stop_traffic()
        self._phases.tell_late()
        self._read_backs.after("end")
        if self._guard and self._guard.stopped:
            return
        if self._plan.restart and not self._config.service.attach:
            self._restart()
        if self._power:
            self._power.cut(BUNDLED, self._snapshots.taken_ns)

    def tear_down(self) -> list[str]:
        return [*self._stage.teardown.run(), *self._gates.record_failures(self._recorder)]

    def _restart(self) -> None:
        """Nothing is written meanwhile: what is read back after it must be what was there before."""
        service = self._system.service
        version = self._steps.version or service.version()
        began = mono_ns()
        stop = service.stop()
        seconds = round((mono_ns() - began) / NS, 3)
        self._recorder.record(
            ServiceStopped(still_answers=service.still_answers(), error=stop.error, killed=stop.killed, seconds=seconds)
        )
        seconds = service.start(version)
        self._recorder.record(ServiceRestarted(version=service.version(), seconds=round(seconds, 3)))
        self._read_backs.after("restart")
