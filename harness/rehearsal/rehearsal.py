"""One rehearsal on its stage: the scenario's steps, the faults on their edges, the read-backs."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

from harness import registry
from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.host.clock import mono_ns, sleep
from harness.host.outputs import last_line
from harness.model import BEFORE, NS, Edge, Instant
from harness.plan import Plan, links, planned_steps, planned_triggers
from harness.recording.events import (
    LeftOut,
    NotProvided,
    PhaseEdge,
    Recovered,
    Seeded,
    ServiceRestarted,
    ServiceStopped,
    Warned,
)
from harness.recording.recorder import Recorder
from harness.rehearsal.group import Group
from harness.rehearsal.power import PowerLossRun
from harness.rehearsal.stage import Stage
from harness.rehearsal.triggers import Triggers
from harness.scenario import Step, Together
from harness.system.operations import Operations, Order, Outcome, copied, damaged, largest_file
from harness.system.phases.gates import MARKED, Gates, Sighting
from harness.system.phases.mark_server import PhaseServer
from harness.system.read_back import observe

RECOVERY_DEADLINE_S = 30.0
# The one that is hardest to see first: a kit that strikes off a backup by its name has not seen the later ones at all.
MUTATIONS = ("flipped", "truncated", "empty")
# The phase whose span brackets the moment a backup stands for; the whole operation when a kit marks no such phase.
SNAPSHOT_PHASE = "backup.copy"


class Rehearsal:
    """Built, ``set_up``, ``perform``-ed and torn down once, by the inside half."""

    def __init__(self, plan: Plan, recorder: Recorder) -> None:
        self._plan = plan
        self._recorder = recorder
        self._config = load_system(plan.system, registry.BUNDLED, variants=plan.variants)
        scenario = registry.scenario(plan.scenario, [Path(d) for d in plan.scenario_dirs])
        self._steps = planned_steps(scenario, cell := scenario.cell(plan.cell), plan.seed)
        self._stage = Stage(plan, self._config, recorder, cell.disk)
        self._system = self._stage.system
        triggers = planned_triggers(scenario, cell, plan.seed)
        self._links = links(triggers)
        self._triggers = Triggers(triggers, self._system, recorder)
        self._gates = Gates(self._on_mark, self._record_phase)
        self._phases = PhaseServer(Path(plan.work) / "phases.sock", self._gates)
        self._operations = Operations(self._system, self._phases, self._on_edge)
        self._repeat, self._warmup = 0, False
        self._last = Outcome("", 0, 0, 0)
        self._labels: dict[str, int] = {}
        self._phase_ns: dict[tuple[str, str], list[int]] = {}
        self._snapshots: dict[str, tuple[int, int]] = {}  # path of a backup -> when it was taken
        self._seen_late_ns: list[int] = []
        self._restored_from = ""
        self._group: Group | None = None
        self._groups = 0
        self._version = self._config.versions.old
        self._power = (
            PowerLossRun(cell.power, plan, self._config, self._stage.logged, recorder)
            if cell.power and self._stage.logged
            else None
        )
        self._restart_at_end = cell.restart
        self._derailed = ""  # what went so wrong that further rounds would only measure its aftermath

    def set_up(self) -> None:
        self._stage.later("close the phase socket", self._phases.close)
        if self._power:
            self._stage.later("stop nudging", self._power.stop)
        self._stage.later("heal the faults", self._triggers.heal_all)
        self._stage.lay_links(self._links)
        if "seed" in self._config.operations:
            self._seed()
        self._stage.start_service()
        if self._config.service.attach:
            self._observe(BEFORE)
        self._stage.start_load()
        if self._power:
            self._power.stand()

    def _seed(self) -> None:
        done = self._operations.run(Order("seed"))
        if done.exit != 0:
            output = self._recorder.folder / "operations" / f"{done.id}.out"
            why = f"its seed operation failed; it said: {last_line(output) or 'nothing'}"
            raise HarnessError(f"seed {self._config.name}", why, f"see operations/{output.name}", ExitCode.UNKNOWN)
        found = self._system.database_bytes()
        self._recorder.record(Seeded(asked_bytes=self._plan.size_bytes, found_bytes=found))

    def perform(self) -> None:
        rounds = [(r, True) for r in range(self._plan.warmup)] + [(r, False) for r in range(self._plan.repeat)]
        for number, (self._repeat, self._warmup) in enumerate(rounds, 1):
            for step in self._steps:
                if not step.first_repeat_only or (self._repeat == 0 and not self._warmup):
                    self._take(step)
                    self._recorder.check_room()
                    self._stage.check_load()
            if self._derailed and number < len(rounds):
                left = len(rounds) - number
                self._recorder.record(Warned(text=f"{left} rounds were not run: {self._derailed}"))
                break
        if self._triggers.heal_all():
            self._see_recovered("the last faults were healed")
        self._stage.stop_load()
        self._tell_seen()
        self._observe("end")
        if self._restart_at_end and not self._config.service.attach:
            self._restart()
        if self._power:
            self._power.cut(registry.BUNDLED, self._snapshots)

    def tear_down(self) -> list[str]:
        problems = self._stage.tear_down()
        for edge, why in self._gates.failures:
            self._recorder.record(LeftOut(what=f"what was to be done at {edge}", why=why))
        return [*problems, *self._gates.problems]

    def _restart(self) -> None:
        """Nothing is written meanwhile: what is read back after it must be what was there before."""
        self._recorder.record(ServiceStopped(still_answers=self._system.stop_service()))
        seconds = self._system.start(self._version)
        self._recorder.record(ServiceRestarted(version=self._system.version(), seconds=round(seconds, 3)))
        self._observe("restart")

    # -- steps ---------------------------------------------------------------------------------------------------
    def _take(self, step: Step | Together) -> None:
        if isinstance(step, Together):
            self._operate_together(step)
        elif step.do == "read_back":
            self._observe(self._last.id.rpartition("-")[0] or "start")
        elif step.do == "validate_damaged":
            self._validate_damaged()
        elif step.do == "wait":
            sleep(step.seconds)
        elif self._provided(step):
            self._operate(step)

    def _provided(self, step: Step) -> bool:
        """Whether the system can do it at all; what it cannot is recorded, and unknown."""
        if step.do not in self._config.operations:
            self._recorder.record(NotProvided(operation=step.do))
            return False
        if step.version and not getattr(self._config.versions, step.version):
            self._recorder.record(NotProvided(operation=f"{step.do} of a {step.version} version"))
            return False
        return True

    def _operate(self, step: Step) -> None:
        """Run one operation of the kit, then see the service healthy again."""
        order, wanted = self._order(step)
        self._conclude(order, wanted, *self._run(order, wanted))

    def _operate_together(self, together: Together) -> None:
        """Run the members of a group beside each other, each as `_operate` does."""
        members = [s for s in together.members if self._provided(s)]
        self._groups += 1
        orders = [self._order(step, self._groups) for step in members]
        done: list[tuple[Outcome, Order, str, bool]] = []

        def operate(number: int) -> None:
            order, wanted = orders[number]
            outcome, recovered = self._run(order, wanted)
            done.append((outcome, order, wanted, recovered))

        self._group = Group(together, members, self._recorder)
        try:
            self._group.run(operate)
        finally:
            self._group = None
        # Those that succeeded come last, so that what is read back next follows the last of them.
        for outcome, order, wanted, recovered in sorted(done, key=lambda d: (d[0].exit == 0, d[0].stop_ns)):
            self._conclude(order, wanted, outcome, recovered)

    def _order(self, step: Step, group: int | None = None) -> tuple[Order, str]:
        """What the kit is asked for, and the version that is to serve afterwards (in a group that is only known of
        those that change it)."""
        versions = self._config.versions
        named = {"": "", "old": versions.old, "new": versions.new, "broken": versions.broken}
        asked = named[step.version] or (versions.new if step.do == "deploy" else "")
        operation = self._config.operations[step.do]
        # An operation of the user's own promises nothing about versions: a canary may leave two of them.
        same = "" if group is not None or operation.own else self._version
        wanted = {"deploy": asked, "rollback": versions.old}.get(step.do, same)
        restores = step.do == "restore" or operation.restores
        on_backup = restores or step.do == "validate" or (operation.own and "{backup}" in " ".join(operation.command))
        backup = self._operations.status().latest if on_backup else ""
        if step.version == "broken":
            self._stage.watch_versions()
        order = Order(
            step.do,
            self._repeat,
            self._warmup,
            step.expect,
            asked,
            backup,
            restores=restores,
            group=group,
            broken_version=asked if step.version == "broken" else "",
        )
        return order, wanted

    def _run(self, order: Order, wanted: str) -> tuple[Outcome, bool]:
        """How the operation ended, and whether the service was healthy (again) after it."""
        outcome = self._operations.run(order, wanted)
        # In a group nobody can say which version is owed after one of them failed: another may just have succeeded.
        untold = order.group is not None or self._config.operations[order.operation].own
        return outcome, self._see_recovered(outcome.id, "" if untold else self._version)

    def _conclude(self, order: Order, wanted: str, outcome: Outcome, recovered: bool) -> None:
        self._last = outcome
        if outcome.exit == 0:
            self._version = wanted or self._version
        if order.operation == "backup":
            self._remember_snapshot()
        self._restored_from = order.backup if order.restores and outcome.exit == 0 else ""
        if not recovered:
            self._derailed = self._derailed or f"the service did not recover after {self._last.id}"
        elif order.expect == "success" and self._last.exit != 0:
            self._derailed = self._derailed or f"{self._last.id} did not succeed"

    def _see_recovered(self, after: str, owed: str = "") -> bool:
        """``owed``: the version that must serve if the operation failed; empty where that is not known."""
        start = mono_ns()
        ok, last_bad_ns = self._system.recovered(RECOVERY_DEADLINE_S)
        took_s = round((mono_ns() - start) / NS, 3)
        version = self._system.version() if ok else ""
        self._recorder.record(
            Recovered(
                after=after,
                ok=ok,
                start_ns=start,
                last_bad_ns=last_bad_ns,
                seconds=took_s,
                version=version,
                version_owed=owed,
            )
        )
        return ok

    def _remember_snapshot(self) -> None:
        """Also of a backup that failed: its local part may be the one a restore uses."""
        latest = self._operations.status().latest
        edges = self._phase_ns.get((self._last.id, SNAPSHOT_PHASE), [])
        if latest and (self._last.exit == 0 or latest not in self._snapshots):
            self._snapshots[latest] = (
                (edges[0] or self._last.start_ns, edges[1])
                if len(edges) == 2
                else (self._last.start_ns, self._last.stop_ns)
            )

    def _observe(self, cause: str) -> None:
        self._labels[cause] = number = self._labels.get(cause, 0) + 1
        snapshot_ns = self._snapshots.get(self._restored_from) if cause != "end" else None
        observe(self._system, f"{cause}-{number}", cause, self._operations.status(), snapshot_ns)

    def _validate_damaged(self) -> None:
        """Damage the latest backup in each way, let the kit validate it, and put the backup right again."""
        latest = self._operations.status().latest
        if not latest or "validate" not in self._config.operations:
            self._recorder.record(NotProvided(operation="validate of a damaged backup"))
            return
        why = ""
        if self._config.service.attach:
            # Of a system in use nothing is damaged but a copy, which has to be good enough for the kit to begin with.
            with tempfile.TemporaryDirectory(dir=self._plan.work) as place:
                why = self._validate_damaged_copy(Path(latest), Path(place))
        elif (file := largest_file(Path(latest))).is_file():
            why = self._validate_each_damage(latest, file)
        else:
            why = f"{latest} is no file to damage"
        if why:
            self._recorder.record(LeftOut(what="validate of a damaged backup", why=why))

    def _validate_damaged_copy(self, latest: Path, place: Path) -> str:
        """The same on a copy in ``place``; why not, where it cannot be made, or is not really one."""
        try:
            copy = copied(latest, place)
            if self._system.account:
                for path in (place, copy, *copy.rglob("*")):
                    self._system.account.own(path)
        except OSError as error:  # no room, not ours to read, or the kit's own clearing up was faster
            return f"{latest} could not be copied ({error.strerror or error}), and the one in use is not damaged"
        if not (file := largest_file(copy)).is_file():
            return f"{latest} is no file to damage"
        if not file.resolve().is_relative_to(place.resolve()):
            return f"{file.name} of {latest} is a link out of it: a copy leads to the one in use, which is not damaged"
        order = Order("validate", warmup=True, expect="any", backup=str(copy), on_copy=True)
        if self._operations.run(order).exit != 0:
            return "validate refuses a copy of a good backup in another place, and the one in use is not damaged"
        return self._validate_each_damage(str(copy), file)

    def _validate_each_damage(self, backup: str, file: Path) -> str:
        """Why not every one: a kit that refuses the whole backup after a damaged one goes by its name from then on."""

        def validate(damaged_how: str | None = None, put_back: str | None = None) -> int | None:
            # Not timed, whatever it says: `warmup` keeps it out of the claims.
            order = Order("validate", warmup=True, expect="any", backup=backup)
            return self._operations.run(replace(order, damaged_how=damaged_how, put_back=put_back)).exit

        for number, mutation in enumerate(MUTATIONS, 1):
            original = damaged(file, mutation)
            try:
                refused = validate(damaged_how=mutation) != 0
            finally:
                file.write_bytes(original)
            left = ", ".join(MUTATIONS[number:])
            if refused and left and validate(put_back=mutation) != 0:
                return f"validate refuses a backup that was {mutation} and is whole again: {left} would show nothing"
        return ""

    def _tell_seen(self) -> None:
        """How far the phases of a kit that does not mark them can be relied on."""
        if self._seen_late_ns:
            late_ms = max(self._seen_late_ns) / 1e6
            said = f"{len(self._seen_late_ns)} edges of phases were seen, not marked: at most {late_ms:.1f} ms late"
            self._recorder.record(Warned(text=f"{said}, and the kit was not held while a fault was put in there"))

    # -- edges ---------------------------------------------------------------------------------------------------
    def _on_edge(self, edge: Edge, operation: str, sighting: Sighting = MARKED) -> None:
        self._triggers.on_edge(edge, operation, sighting)
        if sighting.ended:
            return  # nothing can be done in an operation that is over
        if group := self._group:
            group.on_edge(edge, operation, sighting.held)
        if self._power:
            self._power.on_edge(edge, operation)

    def _on_mark(self, edge: Edge, operation: str, sighting: Sighting) -> None:
        """A phase of the kit. One with an operation's name is that operation's edge, which we mark ourselves."""
        if edge.phase not in self._config.operations:
            self._on_edge(edge, operation, sighting)

    def _record_phase(self, at: Instant, operation: str, edge: Edge, gate_ns: int, sighting: Sighting) -> None:
        if not sighting.held:
            self._seen_late_ns.append(sighting.late_ns)
        # When it was seen is not when it began: what was written before may be missing from that backup already.
        exact_ns = at.mono_ns if sighting.held or edge.event == "stop" else 0
        self._phase_ns.setdefault((operation, edge.phase), []).append(exact_ns)
        told = PhaseEdge(
            operation=operation,
            phase=edge.phase,
            event=edge.event,
            gate_ns=gate_ns,
            by=sighting.by,
            held=sighting.held,
            late_ns=sighting.late_ns,
            ended=sighting.ended,
        )
        self._recorder.record(told, at)
