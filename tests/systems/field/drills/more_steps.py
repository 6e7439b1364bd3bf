"""Steps that no bundled cell has: many failures in a row, and a deployment that is killed in its migration and tried
again."""

from harness import Cell, Edge, Scenario, Step, Trigger, checkers, faults

_FAIL = Step("backup", expect="failure")
_AGAIN = (
    Step("backup"),
    Step("deploy", version="new", expect="failure"),
    Step("read_back"),
    Step("deploy", version="new"),
    Step("read_back"),
)

scenario = Scenario(
    name="more_steps",
    title="Many failures in a row, and a death in the migration",
    requirements=(),
    checkers=checkers.standard(),
    cells=(
        Cell(
            "many-failures",
            "four backups in a row fail, then a restore is needed, then a backup succeeds",
            (
                Step("backup"),
                *(_FAIL,) * 4,
                Step("read_back"),
                Step("restore"),
                Step("read_back"),
                Step("backup"),
            ),
            tuple(
                Trigger(faults.DiskFull("backup", leave=(0.6, 0.9)), Edge("backup.copy", "start"), occurrence=n)
                for n in (2, 3, 4, 5)
            ),
            checkers=(checkers.NoPartialLatest(), checkers.Restorable()),
            tier="full",
        ),
        Cell(
            "killed-at-migration",
            "the deployment is killed when its migration begins, and tried again",
            _AGAIN,
            (Trigger(faults.ProcessKill(), Edge("deploy.migrate", "start")),),
            tier="full",
        ),
        Cell(
            "killed-in-migration",
            "the deployment is killed when its migration ends, and tried again",
            _AGAIN,
            (Trigger(faults.ProcessKill(), Edge("deploy.migrate", "stop")),),
            tier="full",
        ),
    ),
)
