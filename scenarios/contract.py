"""What a system.toml promises about each operation, tried once without a fault: what `deploydrill verify` runs."""

from harness import Cell, Scenario, Step, checkers

scenario = Scenario(
    name="contract",
    title="The contract of a system.toml, operation by operation",
    requirements=("R14",),
    checkers=(),
    cells=(
        Cell(
            name="once",
            about="each operation once, then the service stopped and started (`deploydrill verify`)",
            steps=(
                Step("read_back"),
                Step("backup", optional=True),
                Step("read_back"),
                Step("validate", optional=True),
                Step("validate_damaged", optional=True),
                # A kit may well have struck off the backup it saw damaged: the restore has to find a sound one.
                Step("backup", optional=True),
                Step("deploy", version="new", optional=True),
                Step("read_back"),
                Step("rollback", optional=True),
                Step("read_back"),
                Step("restore", optional=True),
                Step("read_back"),
            ),
            # Not the standard checkers: downtime is a claim, no part of the contract.
            checkers=(checkers.Contract(),),
            tier="full",
            budget_s=30,
            restart=True,
        ),
        Cell(
            name="reads",
            about="only reads: nothing is written, and no operation is run (`deploydrill verify --probes-only`)",
            steps=(Step("wait", seconds=5), Step("read_back")),
            checkers=(checkers.Contract(reads_only=True),),
            tier="full",
            budget_s=15,
            reads_only=True,
        ),
    ),
)
