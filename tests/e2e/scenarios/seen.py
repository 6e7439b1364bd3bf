"""A full disk at an edge of a phase that no kit marks: one seen in a line, one held at a system call."""

from harness import Cell, Edge, Scenario, Step, Trigger, checkers, faults

_STEPS = (
    Step("backup"),
    Step("backup", expect="failure"),
    Step("read_back"),
    Step("restore"),
    Step("read_back"),
    Step("deploy", version="new"),
)


def _cell(name: str, phase: str) -> Cell:
    full = Trigger(faults.DiskFull("backup"), Edge(phase, "start"), occurrence=2)
    return Cell(name, f"the backup disk is full at {phase}", _STEPS, (full,))


scenario = Scenario(
    name="seen",
    title="A kit without phase marks",
    requirements=(),
    checkers=checkers.standard(),
    cells=(_cell("line", "backup.copy"), _cell("call", "backup.write"), _cell("never", "backup.upload")),
)
