"""How long a fault is held: for its operation, up to the end of another one, or to the end of the run."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness.checkers.validity.fault_bit import FaultBit
from harness.errors import HarnessError
from harness.faults.fault import Fault
from harness.model import Edge, Evidence
from harness.recording.events import Warned
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal.triggers import Triggers
from harness.scenario import Hold, Trigger
from tests.unit.checkers.build import answers
from tests.unit.rehearsal.arming import KIT, NO_FILES, armed

pytestmark = pytest.mark.usefixtures("clock")


@dataclass(frozen=True)
class Counted(Fault):
    """A fault that says when it is healed."""

    healings: list[str]
    name: ClassVar[str] = "counted"

    def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Counted:
        undo(lambda: self.healings.append(operation))
        return self

    def confirm(self) -> Evidence:
        return Evidence(True, False, "")

    def lost_early(self) -> str:
        return ""

    def observed_by(self, said: str) -> str:
        return said

    def reverted(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("hold", "after"),
    [("operation", "backup-1"), ("other", "deploy-1"), ("end", "the end")],
)
def test_a_fault_in_a_backup_is_healed_when_its_hold_says(tmp_path: Path, hold: Hold, after: str) -> None:
    recorder = Recorder(tmp_path / "run")
    healings: list[str] = []
    trigger = Trigger(Counted(healings), Edge("backup.copy", "start"), hold=hold)
    system = SimpleNamespace(files=NO_FILES, links={}, config=KIT)
    triggers = Triggers(armed(trigger), system, recorder)  # type: ignore[arg-type]
    seen: dict[str, int] = {}
    for operation in ("backup-1", "deploy-1", "deploy-2"):
        name = operation.rpartition("-")[0]
        triggers.on_edge(Edge(name, "start"), operation)
        triggers.on_edge(Edge(f"{name}.copy", "start"), operation)
        triggers.on_edge(Edge(name, "stop"), operation)
        seen[operation] = len(healings)
    triggers.heal_all()
    seen["the end"] = len(healings)
    assert seen == {step: int(list(seen).index(step) >= list(seen).index(after)) for step in seen}
    recorder.close()


def test_a_fault_that_could_not_be_injected_says_why_and_lets_the_run_go_on(tmp_path: Path) -> None:
    class Impossible(Counted):
        def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Counted:
            raise HarnessError("inject counted", "there is no such disk", "add it")

    recorder = Recorder(tmp_path / "run")
    trigger = Trigger(Impossible([]), Edge("backup", "start"))
    triggers = Triggers(armed(trigger), SimpleNamespace(files=NO_FILES, links={}, config=KIT), recorder)  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("backup", "start"), "backup-1")
    triggers.on_edge(Edge("backup", "stop"), "backup-1")
    triggers.heal_all()
    recorder.close()
    (fault,) = Recording(tmp_path / "run").faults
    assert (fault.injected_ns, fault.healed_ns) == (None, None)
    (found,) = answers(FaultBit(), Recording(tmp_path / "run"))
    assert (found.outcome, found.code) == ("unknown", "fault.not_injected")
    assert found.details["error"] == "inject counted: there is no such disk; try: add it"


@pytest.mark.parametrize("method", ["confirm", "lost_early", "observed_by", "reverted"])
def test_a_method_of_a_fault_that_raises_makes_it_unknown_by_its_name_and_line_and_heals_it(
    method: str, tmp_path: Path
) -> None:
    def raising(*_: object) -> Any:
        raise AttributeError("no such word")

    healings: list[str] = []
    fault = type("Broken", (Counted,), {method: raising})(healings)
    recorder = Recorder(tmp_path / "run")
    triggers = Triggers(
        armed(Trigger(fault, Edge("backup", "start"))), SimpleNamespace(files=NO_FILES, links={}, config=KIT), recorder
    )  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("backup", "start"), "backup-1")
    triggers.on_edge(Edge("backup", "stop"), "backup-1")
    recorder.close()
    assert healings == ["backup-1"]
    (found,) = answers(FaultBit(), Recording(tmp_path / "run"))
    assert (found.outcome, found.code) == ("unknown", "fault.not_injected")
    assert re.fullmatch(rf"{method} raised AttributeError: no such word \(test_hold.py:\d+\)", found.details["error"])


def test_an_undo_that_raises_does_not_keep_the_others_from_theirs_and_the_fault_is_not_healed(tmp_path: Path) -> None:
    class Twofold(Counted):
        def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Counted:
            undo(lambda: self.healings.append("first"))
            undo(lambda: 1 // 0 and None)
            return self

        def observed_by(self, said: str) -> str:
            return "felt"

    recorder = Recorder(tmp_path / "run")
    healings: list[str] = []
    trigger = Trigger(Twofold(healings), Edge("backup", "start"))
    triggers = Triggers(armed(trigger), SimpleNamespace(files=NO_FILES, links={}, config=KIT), recorder)  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("backup", "start"), "backup-1")
    triggers.on_edge(Edge("backup", "stop"), "backup-1")
    recorder.close()
    recording = Recording(tmp_path / "run")
    assert healings == ["first"]
    (found,) = answers(FaultBit(), recording)
    assert (found.outcome, found.code) == ("unknown", "fault.not_healed")
    (warning,) = recording.of(Warned)
    assert warning.text == "undo counted (fault-1): ZeroDivisionError: integer division or modulo by zero"
