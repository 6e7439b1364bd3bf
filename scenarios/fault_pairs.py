"""Two faults at once: the ten pairs of a partition, a full disk, a power cut, deployments at once and a crash of the
monitors, the second while the kit recovers from the first."""

from typing import Literal

from harness import Cell, Checker, Edge, PowerCuts, Scenario, Step, Together, Trigger, checkers, faults

Checkers = tuple[Checker, ...]
Second = Literal["fault", "together", "power"]

_DEPLOY = Step("deploy", version="new")
_FAILS = Step("deploy", "failure", "new")
_BACKUP = Step("backup")
_BACKUP_FAILS = Step("backup", expect="failure")
_LOOK = Step("read_back")
_SWITCH = Edge("deploy.switch", "start")
# The way back of a deployment that went wrong: the recovery of most faults in one.
_BACK = Edge("deploy.back", "start")
_UPLOAD = Edge("backup.upload", "start")
_COPY = Edge("backup.copy", "start")

# The new version gets no request that the front sends it, so the deployment finds out after the switch and goes back.
_FRONT_CUT = Trigger(faults.Partition("service_green"), _SWITCH)
_OFFSITE_CUT = Trigger(faults.Partition("offsite"), _UPLOAD, occurrence=2, hold="other")
_HOLDER_KILLED = Trigger(faults.ProcessKill(), Edge("deploy.switch", "stop"))
_BLIND = faults.MonitorKilled("all")


def _heir(first: Step, second: Step, after: Edge) -> Together:
    """A deployment, and one that waits for its lock from ``after`` on: it has to clear up what the first left."""
    return Together((first, Step(second.do, second.expect, second.version, after=after)))


def _pair(
    name: str,
    about: str,
    steps: tuple[Step | Together, ...],
    triggers: tuple[Trigger, ...],
    more: Checkers,
    second: Second = "fault",
) -> Cell:
    judged = (*checkers.standard(), checkers.EndState(), checkers.InRecovery(second), *more)
    return Cell(name, about, steps, triggers, judged, tier="full", budget_s=45)


def _with_power(
    name: str, about: str, steps: tuple[Step | Together, ...], triggers: tuple[Trigger, ...], power: PowerCuts
) -> Cell:
    """On a logged disk, as in power_loss: no time is judged there."""
    judged: Checkers = (
        checkers.LoadSound(),
        checkers.Expectations(),
        checkers.NoHang(),
        checkers.Versions(),
        checkers.AcknowledgedWrites(),
        checkers.RestoreExact(),
    )
    return Cell(
        name,
        f"{about} (at most 8 MB of data; no time is judged)",
        steps,
        triggers,
        (*judged, checkers.PowerLoss(), checkers.InRecovery("power")),
        tier="full",
        budget_s=60,
        disk="logged",
        power=power,
        size_bytes=8_000_000,
    )


scenario = Scenario(
    name="fault_pairs",
    title="Two faults at once",
    requirements=("R83", "R92", "R95", "R99"),
    checkers=(),
    cells=(
        _pair(
            "partition-disk-full",
            "the way off site is cut in an upload, and while it still is the disk fills under the backup after it",
            (_BACKUP, _BACKUP_FAILS, _BACKUP_FAILS, _LOOK, Step("restore"), _LOOK, _BACKUP, _DEPLOY, _LOOK),
            (_OFFSITE_CUT, Trigger(faults.DiskFull("backup", leave=(0.15, 0.85)), _COPY, occurrence=3)),
            (checkers.NoPartialLatest(), checkers.OffsiteCopies(), checkers.Restorable()),
        ),
        _pair(
            "partition-concurrent",
            "the front is cut from the new version at the switch, and that deployment is held on its way back until "
            "another is inside too or has given up",
            (
                # The lock is the first one's until it is back.
                Together((_FAILS, Step("deploy", "any", "new", after=_BACK)), (_BACK,)),
                _LOOK,
                _DEPLOY,
                _LOOK,
            ),
            (_FRONT_CUT,),
            (checkers.Exclusive(held=True),),
            "together",
        ),
        _pair(
            "partition-monitors",
            "the front is cut from the new version at the switch, and on the way back every monitor is killed, until "
            "after the next deployment",
            (_FAILS, _LOOK, _FAILS, _LOOK, _DEPLOY, _LOOK),
            (_FRONT_CUT, Trigger(_BLIND, _BACK, hold="other")),
            (checkers.Monitored(),),
        ),
        _pair(
            "disk-full-concurrent",
            "the data disk is full in the migration, and once that deployment has failed two others come at once",
            (
                Together(
                    (_FAILS, Step("deploy", "any", "new", after=1), Step("deploy", "any", "new", after=1)),
                    (Edge("deploy.start", "start"),),
                ),
                _LOOK,
                _BACKUP,
            ),
            (Trigger(faults.DiskFull("data"), Edge("deploy.migrate", "start")),),
            (checkers.Exclusive(held=True), checkers.Winners()),
            "together",
        ),
        _pair(
            "monitors-disk-full",
            "every monitor is killed at the switch, and on the way back the data disk fills, until after the next "
            "deployment",
            (_FAILS, _LOOK, _FAILS, _LOOK, _DEPLOY, _LOOK),
            (Trigger(_BLIND, _SWITCH), Trigger(faults.DiskFull("data"), _BACK, hold="other")),
            (checkers.Monitored(),),
        ),
        _pair(
            "concurrent-monitors",
            "the deployment that has the lock is killed with the traffic half moved, and as the one that waits for it "
            "clears up every monitor is killed",
            (_heir(_FAILS, _FAILS, Edge("deploy.start", "start")), _LOOK, _DEPLOY, _LOOK),
            (_HOLDER_KILLED, Trigger(_BLIND, Edge("deploy.check", "start"), occurrence=2)),
            # Not Monitored: the one that was killed had left the new version in service.
            (checkers.Exclusive(),),
        ),
        _with_power(
            "partition-power",
            "the way off site is cut in an upload, and while it still is the power fails in the backup after it",
            (_BACKUP, Step("wait", seconds=1.0), _BACKUP_FAILS, _BACKUP_FAILS, Step("wait", seconds=0.5), _BACKUP),
            (_OFFSITE_CUT,),
            PowerCuts("backup", ("backup.copy", "backup.encrypt", "backup.verify"), 3, nudge=True),
        ),
        _with_power(
            "disk-full-power",
            "the disk of the whole system fills under a backup, and the power fails as that gives up or right after it",
            (_BACKUP, Step("wait", seconds=1.0), _BACKUP_FAILS, Step("wait", seconds=0.5), _BACKUP),
            (Trigger(faults.DiskFull("system", leave=(0.15, 0.85)), _COPY, occurrence=2),),
            PowerCuts("backup", ("backup.copy",), 2, cuts=2, nudge=True, after_s=0.4),
        ),
        _with_power(
            "monitors-power",
            "every monitor is killed at the switch, and on the way back the power fails",
            (_BACKUP, Step("wait", seconds=1.0), _FAILS, _LOOK, _DEPLOY, _LOOK),
            (Trigger(_BLIND, _SWITCH),),
            PowerCuts("deploy", ("deploy.back",), cuts=2),
        ),
        _with_power(
            "concurrent-power",
            "the deployment that has the lock is killed with the traffic half moved, and the power fails as the one "
            "that waits for it clears up and deploys",
            (_BACKUP, Step("wait", seconds=1.0), _heir(_FAILS, _DEPLOY, Edge("deploy.start", "start")), _LOOK),
            (_HOLDER_KILLED,),
            PowerCuts("deploy", ("deploy.check", "deploy.start"), 2, cuts=2),
        ),
    ),
)
