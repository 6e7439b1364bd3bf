"""The power fails at a block write of a backup, of a migration, of a restore: states the disk may be left in are
rebuilt from its log, and the system is started on each."""

from harness import Cell, PowerCuts, Scenario, Step, checkers

# The power is cut afterwards, in what was recorded: the run itself goes on to its end. One second of writes before.
_BACKUP = (Step("backup"), Step("wait", seconds=1.0), Step("backup"), Step("wait", seconds=0.5))
_DEPLOY = (Step("backup"), Step("wait", seconds=1.0), Step("deploy", version="new"), Step("read_back"))
_RESTORE = (Step("backup"), Step("wait", seconds=1.0), Step("restore"), Step("wait", seconds=0.5), Step("read_back"))
_IN_BACKUP = ("backup.copy", "backup.encrypt", "backup.verify")
_IN_RESTORE = ("restore.copy", "restore.start")
_SIZE = 8_000_000


def _cell(name: str, about: str, steps: tuple[Step, ...], power: PowerCuts, full: bool = False) -> Cell:
    return Cell(
        name=name,
        about=f"{about} (at most {_SIZE // 1_000_000} MB of data; no time is judged)",
        steps=steps,
        tier="full" if full else "quick",
        budget_s=240 if full else 30,
        disk="logged",
        power=power,
        size_bytes=_SIZE,
    )


scenario = Scenario(
    name="power_loss",
    title="The power fails",
    requirements=("R26", "R92", "R93", "R94"),
    # Without those that judge times: a logged disk has its own.
    checkers=(
        checkers.LoadSound(),
        checkers.Expectations(),
        checkers.NoHang(),
        checkers.Versions(),
        checkers.AcknowledgedWrites(),
        checkers.RestoreExact(),
        checkers.PowerLoss(),
    ),
    cells=(
        _cell(
            "in-backup",
            "power cut in the second backup, three states",
            _BACKUP,
            PowerCuts("backup", _IN_BACKUP, occurrence=2, nudge=True),
        ),
        _cell(
            "in-migration",
            "power cut in the migration of the deployment, three states",
            _DEPLOY,
            PowerCuts("deploy", ("deploy.migrate",)),
        ),
        _cell(
            "in-restore",
            "power cut in the restore or right after it, two cuts, three states each",
            _RESTORE,
            PowerCuts("restore", _IN_RESTORE, nudge=True, after_s=0.4, cuts=2),
        ),
        _cell(
            "in-backup-many",
            "20 power cuts in the second backup, five states each",
            _BACKUP,
            PowerCuts("backup", _IN_BACKUP, occurrence=2, cuts=20, states=5),
            full=True,
        ),
        _cell(
            "in-migration-many",
            "20 power cuts in the migration of the deployment, five states each",
            _DEPLOY,
            PowerCuts("deploy", ("deploy.migrate",), cuts=20, states=5),
            full=True,
        ),
        _cell(
            "in-restore-many",
            "20 power cuts in the restore or right after it, five states each",
            _RESTORE,
            PowerCuts("restore", _IN_RESTORE, nudge=True, after_s=0.4, cuts=20, states=5),
            full=True,
        ),
    ),
)
