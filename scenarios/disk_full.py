"""A named disk is really full (ENOSPC) while the kit works: before and within the backup, in the migration, in the
restore."""

from harness import Cell, Edge, Scenario, Step, Trigger, checkers, faults

# A backup that was good, the one the fault hits, what a restore would use right after it, and the way back to normal.
_BACKUP_STEPS = (
    Step("backup"),
    Step("backup", expect="failure"),
    Step("read_back"),
    Step("restore"),
    Step("read_back"),
    Step("backup"),
    Step("deploy", version="new"),
    Step("read_back"),
)

scenario = Scenario(
    name="disk_full",
    title="A disk is really full",
    requirements=("R18", "R63", "R87", "R88", "R89", "R90", "R91"),
    checkers=checkers.standard(),
    cells=(
        Cell(
            name="before-backup",
            about="the backup disk has half the room a backup needs, before it begins",
            steps=_BACKUP_STEPS,
            triggers=(Trigger(faults.DiskFull("backup", leave=0.5), Edge("backup", "start"), occurrence=2),),
            checkers=(checkers.RefusesBeforeWriting(), checkers.NoPartialLatest(), checkers.Restorable()),
            budget_s=25,
        ),
        Cell(
            name="within-backup",
            about="the backup disk fills at a byte of the backup that the seed chooses",
            steps=_BACKUP_STEPS,
            triggers=(
                Trigger(faults.DiskFull("backup", leave=(0.15, 0.85)), Edge("backup.copy", "start"), occurrence=2),
            ),
            checkers=(checkers.NoPartialLatest(), checkers.Restorable()),
            budget_s=25,
        ),
        Cell(
            name="in-migration",
            about="the data disk is full when the schema migration begins",
            steps=(
                Step("backup"),
                Step("deploy", version="new", expect="failure"),
                Step("read_back"),
                Step("deploy", version="new"),
                Step("read_back"),
                Step("rollback"),
                Step("read_back"),
            ),
            triggers=(Trigger(faults.DiskFull("data"), Edge("deploy.migrate", "start")),),
            budget_s=25,
        ),
        Cell(
            name="in-restore",
            about="the data disk is full when the restore copies",
            steps=(
                Step("backup"),
                Step("restore", expect="failure"),
                Step("read_back"),
                Step("restore"),
                Step("read_back"),
            ),
            triggers=(Trigger(faults.DiskFull("data"), Edge("restore.copy", "start")),),
            checkers=(checkers.Restorable(),),
            budget_s=20,
        ),
    ),
)
