"""The steps of a run as they are taken: each operation ordered, run and followed until the service is well again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.host.clock import mono_ns, sleep
from harness.model import NS
from harness.plan import Plan, Step, Together
from harness.recording.events import LeftOut, NotProvided, Recovered
from harness.recording.recorder import Recorder
from harness.rehearsal.damage import DamagedValidation
from harness.rehearsal.edges import Edges
from harness.rehearsal.group import Group
from harness.rehearsal.read_backs import ReadBacks
from harness.rehearsal.snapshots import Snapshots
from harness.rehearsal.younger_write import YoungerWrite
from harness.system.live import LiveSystem
from harness.system.operations import OperationRequest, OperationResult, Operations, Status

RECOVERY_DEADLINE_S = 30.0


@dataclass(frozen=True, slots=True)
class Round:
    """One time through the steps; those for warm-up are counted on their own."""

    repeat: int = 0
    warmup: bool = False


class Steps:
    """``take`` is called for one step after the other. ``version`` is the one in service; empty once an operation of
    the kit's own has succeeded, until another one promises a version again. ``derailed`` says what went so wrong that
    further rounds would only measure its aftermath."""

    def __init__(
        self,
        plan: Plan,
        system: LiveSystem,
        operations: Operations,
        edges: Edges,
        snapshots: Snapshots,
        read_backs: ReadBacks,
        damage: DamagedValidation,
        younger_write: YoungerWrite,
        watch_versions: Callable[[], None],
        recorder: Recorder,
    ) -> None:
        self.version = plan.versions["old"]
        self.derailed = ""
        self._versions = plan.versions
        self._system = system
        self._operations = operations
        self._edges = edges
        self._snapshots = snapshots
        self._read_backs = read_backs
        self._damage = damage
        self._younger_write = younger_write
        self._watch_versions = watch_versions
        self._recorder = recorder
        self._round = Round()
        self._last = OperationResult("", 0, 0, 0)
        self._before_last = self.version  # what served before that
        self._groups = 0

    def take(self, step: Step | Together, round_: Round) -> None:
        self._round = round_
        if isinstance(step, Together):
            self._operate_together(step)
        elif step.do == "read_back":
            self._saw(self._read_backs.after(self._last.id.rpartition("-")[0] or "start"))
        elif step.do == "validate_damaged":
            self._damage.run(step.optional)
        elif step.do == "wait":
            sleep(step.seconds)
        elif self._provided(step) and (request := self._request(step)):
            # One that is to bring the service back does not wait.
            if request.restores and not self.derailed and (taken_ns := self._snapshots.taken_ns(request.backup)):
                self._younger_write.wait(taken_ns[1])
            self._conclude(step, request, *self._run(step, request))

    def see_recovered(self, after: str, owed: str = "") -> bool:
        """``owed``: the version that must serve if the operation failed; empty where that is not known."""
        start = mono_ns()
        ok, last_bad_ns = self._system.service.recovered(RECOVERY_DEADLINE_S)
        took_s = round((mono_ns() - start) / NS, 3)
        version = self._system.service.version() if ok else ""
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

    def _provided(self, step: Step) -> bool:
        """Whether the system can do it at all; what it cannot is recorded, and unknown."""
        if step.do not in self._system.config.operations:
            self._recorder.record(NotProvided(operation=step.do, optional=step.optional))
            return False
        if step.version and not self._versions[step.version]:
            self._recorder.record(NotProvided(operation=step.do, of=f"a {step.version} version"))
            return False
        return True

    def _operate_together(self, together: Together) -> None:
        """Run the members of a group beside each other, each as one alone is."""
        members = [s for s in together.members if self._provided(s)]
        self._groups += 1
        asked = [(step, self._request(step, self._groups)) for step in members]
        requests = [request for _, request in asked if request]
        members = [step for step, request in asked if request]
        done: list[tuple[OperationResult, int, bool]] = []

        def operate(number: int) -> None:
            result, recovered = self._run(members[number], requests[number])
            done.append((result, number, recovered))

        self._edges.group = Group(together, members, self._recorder)
        try:
            self._edges.group.run(operate)
        finally:
            self._edges.group = None
        # Those that succeeded come last, so that what is read back next follows the last of them.
        for result, number, recovered in sorted(done, key=lambda d: (d[0].exit == 0, d[0].stop_ns)):
            self._conclude(members[number], requests[number], result, recovered)

    def _request(self, step: Step, group: int | None = None) -> OperationRequest | None:
        """What the kit is asked for; None where it would be told a backup, and nobody says of which."""
        asked = self._versions[step.version] if step.version else step.promises if step.do == "deploy" else ""
        operation = self._system.config.operations[step.do]
        restores = step.do == "restore" or operation.restores
        on_backup = restores or step.do == "validate" or (operation.own and "{backup}" in " ".join(operation.command))
        backup = ""
        if on_backup:
            status = self._operations.status()
            backup = self._saw(status)
            if status.error and "{backup}" in " ".join(operation.command):
                why = f"which backup it would be is not known: {status.error}"
                self._recorder.record(LeftOut(what=step.do, why=why))
                return None
        if step.version == "broken":
            self._watch_versions()
        return OperationRequest(
            step.do,
            self._round.repeat,
            self._round.warmup,
            step.expect,
            asked,
            backup,
            restores=restores,
            group=group,
            broken_version=asked if step.version == "broken" else "",
        )

    def _saw(self, status: Status) -> str:
        """The backup that a restore would use; whatever made it since the last look is dated by that."""
        self._snapshots.seen(self._last, status.latest, self._before_last)
        if not status.error:
            self._snapshots.listed(a.path for a in status.artefacts)
        return status.latest

    def _wanted(self, step: Step, request: OperationRequest) -> str:
        """The version that is to serve afterwards; in a group that is only known of those that change it."""
        return self._promised(step, request) or self._owed(request)

    def _promised(self, step: Step, request: OperationRequest) -> str:
        """The version that it brings; empty where it brings none, or nobody knows which."""
        match self._system.config.operations[step.do].version:
            case "old" | "new" as named:
                return self._versions[named]
            case "backup":
                return self._snapshots.version_of(request.backup)
            case "same":
                return ""
        return step.promises

    def _owed(self, request: OperationRequest) -> str:
        """The version that must serve if the operation failed; empty where nobody can say: another one of its group may
        just have succeeded, and an operation of the user's own may leave two versions, as a canary does."""
        own = self._system.config.operations[request.operation].own
        return "" if own or request.group is not None else self.version

    def _run(self, step: Step, request: OperationRequest) -> tuple[OperationResult, bool]:
        """How the operation ended, and whether the service was healthy (again) after it."""
        result = self._operations.run(request, self._wanted(step, request))
        return result, self.see_recovered(result.id, self._owed(request))

    def _conclude(self, step: Step, request: OperationRequest, result: OperationResult, recovered: bool) -> None:
        self._last, self._before_last = result, self.version
        if result.exit == 0:
            config = self._system.config.operations[request.operation]
            unknown = config.own or config.version == "backup"
            self.version = self._promised(step, request) or ("" if unknown else self.version)
        if request.operation == "backup":
            status = self._operations.status()
            self._snapshots.remember(result, status.latest, self.version)
            self._snapshots.listed(a.path for a in status.artefacts)
        self._read_backs.restored_from = request.backup if request.restores and result.exit == 0 else ""
        if request.restores:
            self._read_backs.restored()
        if not recovered:
            self.derailed = self.derailed or f"the service did not recover after {result.id}"
        elif request.expect == "success" and result.exit != 0:
            self.derailed = self.derailed or f"{result.id} did not succeed"
