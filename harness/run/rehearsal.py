"""One rehearsal on its stage: the scenario's steps, the faults on their edges, the read-backs."""

from __future__ import annotations

from pathlib import Path

from harness import registry
from harness.errors import ExitCode, HarnessError
from harness.host.clock import mono_ns, sleep
from harness.model import NS, Edge, Instant
from harness.recording.recorder import Recorder
from harness.run.plan import Plan, planned_triggers
from harness.run.stage import Stage
from harness.run.triggers import Triggers
from harness.scenario import Step
from harness.system.config import load_system
from harness.system.operations import Operations, Order, Outcome, damaged, largest_file
from harness.system.phases import PhaseServer
from harness.system.read_back import observe

RECOVERY_DEADLINE_S = 30.0
MUTATIONS = ("truncated", "flipped", "empty")
# The phase whose span brackets the moment a backup stands for; the whole operation when a kit marks no such phase.
SNAPSHOT_PHASE = "backup.copy"


class Rehearsal:
    """Built, ``set_up``, ``perform``-ed and torn down once, by the inside half."""

    def __init__(self, plan: Plan, recorder: Recorder) -> None:
        self._plan = plan
        self._recorder = recorder
        self._config = load_system(plan.system, registry.BUNDLED, variants=plan.variants)
        scenario = registry.scenario(plan.scenario, [Path(d) for d in plan.scenario_dirs])
        self._cell = scenario.cell(plan.cell)
        self._stage = Stage(plan, self._config, recorder)
        self._system = self._stage.system
        self._triggers = Triggers(planned_triggers(scenario, self._cell, plan.seed), self._system, recorder)
        self._phases = PhaseServer(Path(plan.work) / "phases.sock", self._on_mark, self._record_phase)
        self._operations = Operations(self._system, self._phases, self._on_edge)
        self._repeat, self._warmup = 0, False
        self._last = Outcome("", 0, 0, 0)
        self._labels: dict[str, int] = {}
        self._phase_ns: dict[tuple[str, str], list[int]] = {}
        self._snapshots: dict[str, tuple[int, int]] = {}  # path of a backup -> when it was taken
        self._restored_from = ""
        self._version = self._config.versions.old
        self._derailed = ""  # what went so wrong that further rounds would only measure its aftermath

    def set_up(self) -> None:
        self._stage.later("close the phase socket", self._phases.close)
        self._stage.later("heal the faults", self._triggers.heal_all)
        self._stage.lay_links()
        if "seed" in self._config.operations and self._operations.run(Order("seed")).exit != 0:
            raise HarnessError(
                f"seed {self._config.name}", "its seed operation failed", "see operations/seed-1.out", ExitCode.UNKNOWN
            )
        self._stage.start_service()
        self._stage.start_load()

    def perform(self) -> None:
        rounds = [(r, True) for r in range(self._plan.warmup)] + [(r, False) for r in range(self._plan.repeat)]
        for number, (self._repeat, self._warmup) in enumerate(rounds, 1):
            for step in self._cell.steps:
                if not step.first_repeat_only or (self._repeat == 0 and not self._warmup):
                    self._take(step)
                    self._stage.check_load()
            if self._derailed and number < len(rounds):
                left = len(rounds) - number
                self._recorder.event("warning", text=f"{left} rounds were not run: {self._derailed}")
                break
        self._triggers.heal_all()
        self._stage.stop_load()
        self._observe("end")

    def tear_down(self) -> list[str]:
        return [*self._stage.tear_down(), *self._phases.problems]

    # -- steps ---------------------------------------------------------------------------------------------------
    def _take(self, step: Step) -> None:
        if step.do == "read_back":
            self._observe(self._last.id.rpartition("-")[0])
        elif step.do == "validate_damaged":
            self._validate_damaged()
        elif step.do == "wait":
            sleep(step.seconds)
        elif step.do not in self._config.operations:
            self._recorder.event("not_provided", operation=step.do)
        elif step.version and not getattr(self._config.versions, step.version):
            self._recorder.event("not_provided", operation=f"{step.do} of a {step.version} version")
        else:
            self._operate(step)

    def _operate(self, step: Step) -> None:
        """Run one operation of the kit, then see the service healthy again."""
        versions = self._config.versions
        named = {"": "", "old": versions.old, "new": versions.new, "broken": versions.broken}
        asked = named[step.version] or (versions.new if step.do == "deploy" else "")
        wanted = {"deploy": asked, "rollback": versions.old}.get(step.do, self._version)
        restores = step.do == "restore" or self._config.operations[step.do].restores
        backup = self._operations.status().latest if restores or step.do == "validate" else ""
        attributes = {"restores": "yes"} if restores else {}
        self._last = self._operations.run(
            Order(step.do, self._repeat, self._warmup, step.expect, asked, backup, attributes), wanted
        )
        if self._last.exit == 0:
            self._version = wanted
            if step.do == "backup":
                self._remember_snapshot()
        self._restored_from = backup if restores and self._last.exit == 0 else ""
        start = mono_ns()
        ok = self._system.recovered(RECOVERY_DEADLINE_S)
        took_s = round((mono_ns() - start) / NS, 3)
        version = self._system.version() if ok else ""
        self._recorder.event(
            "recovered", after=self._last.id, ok=ok, seconds=took_s, version=version, version_owed=self._version
        )
        if not ok:
            self._derailed = self._derailed or f"the service did not recover after {self._last.id}"
        elif step.expect == "success" and self._last.exit != 0:
            self._derailed = self._derailed or f"{self._last.id} did not succeed"

    def _remember_snapshot(self) -> None:
        latest = self._operations.status().latest
        edges = self._phase_ns.get((self._last.id, SNAPSHOT_PHASE), [])
        if latest:
            self._snapshots[latest] = (
                (edges[0], edges[1]) if len(edges) == 2 else (self._last.start_ns, self._last.stop_ns)
            )

    def _observe(self, cause: str) -> None:
        self._labels[cause] = number = self._labels.get(cause, 0) + 1
        snapshot_ns = self._snapshots.get(self._restored_from) if cause != "end" else None
        observe(self._system, f"{cause}-{number}", cause, self._operations.status(), snapshot_ns)

    def _validate_damaged(self) -> None:
        """Damage the latest backup in each way, let the kit validate it, and put the backup right again."""
        latest = self._operations.status().latest
        if not latest or "validate" not in self._config.operations:
            self._recorder.event("not_provided", operation="validate of a damaged backup")
            return
        file = largest_file(Path(latest))
        for mutation in MUTATIONS:
            original = damaged(file, mutation)
            try:
                # Not timed, whatever it says: `warmup` keeps it out of the claims.
                order = Order("validate", warmup=True, expect="any", backup=latest, attributes={"mutation": mutation})
                self._operations.run(order)
            finally:
                file.write_bytes(original)

    # -- edges ---------------------------------------------------------------------------------------------------
    def _on_edge(self, edge: Edge, operation: str) -> None:
        self._triggers.on_edge(edge, operation)

    def _on_mark(self, edge: Edge, operation: str) -> None:
        """A phase the kit marks. One with an operation's name is that operation's edge, which we mark ourselves."""
        if edge.phase not in self._config.operations:
            self._on_edge(edge, operation)

    def _record_phase(self, at: Instant, operation: str, edge: Edge, gate_ns: int) -> None:
        self._phase_ns.setdefault((operation, edge.phase), []).append(at.mono_ns)
        self._recorder.event("phase", when=at, operation=operation, phase=edge.phase, event=edge.event, gate_ns=gate_ns)
