"""The shortest runs that go the whole way: one operation under load, one read-back."""

from harness import Cell, Scenario, Step, checkers

scenario = Scenario(
    name="quick",
    title="One operation, for tests of the harness around it",
    requirements=(),
    checkers=checkers.standard(),
    cells=(
        Cell("backup", "one backup", (Step("backup"), Step("read_back"))),
        Cell("deploy", "one deployment", (Step("deploy", version="new"), Step("read_back")), tier="full"),
        Cell(
            "both",
            "a backup and a deployment",
            (Step("backup"), Step("deploy", version="new"), Step("read_back")),
            tier="full",
        ),
    ),
)
