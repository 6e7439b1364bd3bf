"""No fault at all: a deployment there and back under load, measured against what was claimed for it."""

from harness import Cell, Scenario, Step, checkers

_ROUND_TRIP = (
    Step("backup"),
    Step("validate"),
    Step("validate_damaged", first_repeat_only=True),
    # A kit may well have struck off the backup it saw damaged: the restore has to find a sound one.
    Step("backup", first_repeat_only=True),
    Step("deploy", version="new"),
    Step("read_back"),
    Step("rollback"),
    Step("read_back"),
    Step("restore"),
    Step("read_back"),
)

scenario = Scenario(
    name="baseline",
    title="A deployment there and back, without a fault",
    requirements=("R2", "R3", "R10", "R14", "R103", "R104", "R105", "R106"),
    checkers=checkers.standard(),
    cells=(
        Cell(
            name="round-trip",
            about="back up, validate, deploy, roll back, restore under load",
            steps=_ROUND_TRIP,
            checkers=(checkers.RejectsDamage(),),
            repeat=5,
            warmup=1,
            timing=True,
            budget_s=90,
        ),
        Cell(
            name="once",
            about="each operation once, for a first look at a system",
            steps=_ROUND_TRIP,
            checkers=(checkers.RejectsDamage(),),
            tier="full",
        ),
    ),
)
