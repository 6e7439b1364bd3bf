"""A fault planned at a share of the bytes: armed at the edge, landed by the mark, and by nothing later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness.checkers.validity.fault_bit import FaultBit
from harness.errors import HarnessError
from harness.faults.fault import Fault
from harness.faults.support.byte_mark import ByteMark, Landing
from harness.model import Edge, Evidence, FaultRecord
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal import triggers
from harness.rehearsal.triggers import Triggers
from harness.scenario import Trigger
from tests.unit.checkers.build import answers
from tests.unit.rehearsal import arming
from tests.unit.rehearsal.arming import KIT, NO_FILES

pytestmark = pytest.mark.usefixtures("clock")


UPLOAD, END = Edge("backup.upload", "start"), Edge("backup", "stop")


class FakeMark:
    """Lands when the test says so, at the share the test says."""

    made: ClassVar[list[FakeMark]] = []

    def __init__(self, link: str, total: int, share: float, land: Callable[[], None]) -> None:
        self.link, self.total, self.planned, self.land = link, total, share, land
        self.stopped, self.problem, self.share = False, "", share
        self.made.append(self)

    def start(self) -> None: ...

    def stop(self) -> None:
        self.stopped = True

    def join(self) -> None: ...

    def landing(self) -> Landing:
        return Landing(self.planned, int(self.share * self.total), self.total)


@dataclass(frozen=True)
class FakeFault(Fault):
    failing: bool = False
    link: str = "offsite"
    name: ClassVar[str] = "fake"
    targets: ClassVar[Mapping[str, str]] = {"link": "link"}

    def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Any:
        if self.failing:
            raise HarnessError("cut the cable", "no such device")
        return SimpleNamespace(
            confirm=lambda: Evidence(True, False, "cut"),
            lost_early=lambda: "",
            observed_by=lambda said: "it met it",
            reverted=lambda: True,
        )


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    monkeypatch.setattr(triggers, "ByteMark", FakeMark)
    FakeMark.made.clear()
    return Recorder(tmp_path / "run")


def armed(recorder: Recorder, fault: FakeFault | None = None) -> tuple[Triggers, FakeMark]:
    system: Any = SimpleNamespace(link=lambda name: name, files=NO_FILES, links={}, config=KIT)
    faults = Triggers(arming.armed(Trigger(fault or FakeFault(), UPLOAD, share=0.5)), system, recorder)
    faults.on_edge(UPLOAD, "backup-1")
    (mark,) = FakeMark.made
    return faults, mark


def recorded(recorder: Recorder) -> FaultRecord:
    recorder.close()
    (fault,) = Recording(recorder.folder).faults
    return fault


def test_nothing_is_injected_at_the_edge_and_everything_at_the_mark(recorder: Recorder) -> None:
    faults, mark = armed(recorder)
    assert "fault.injected" not in (recorder.folder / "events.jsonl").read_text()
    assert (mark.link, mark.total) == ("offsite", 1000)
    mark.land()
    faults.on_edge(END, "backup-1")
    fault = recorded(recorder)
    assert fault.evidence.applied and fault.evidence.felt and fault.healed_ns
    assert fault.evidence.said == (
        "planned at 50 % of 1000 bytes, came when 500 had been acknowledged (50.0 %); cut; it met it"
    )


def test_a_landing_too_far_off_is_not_applied(recorder: Recorder) -> None:
    faults, mark = armed(recorder)
    mark.share = 0.6
    mark.land()
    faults.on_edge(END, "backup-1")
    fault = recorded(recorder)
    assert not fault.evidence.applied and fault.confirmed_ns is None
    assert "(60.0 %), which is more than 3 % off" in fault.evidence.said


def test_a_mark_not_reached_before_its_operation_ends_lands_in_no_later_one(recorder: Recorder) -> None:
    faults, mark = armed(recorder)
    faults.on_edge(END, "backup-1")
    assert mark.stopped
    mark.land()  # its thread was on the way
    faults.on_edge(UPLOAD, "backup-2")
    assert not faults.heal_all()
    fault = recorded(recorder)
    assert (fault.injected_ns, fault.evidence.said) == (None, "never fired")


def test_a_fault_that_cannot_be_injected_at_its_mark_says_why(recorder: Recorder) -> None:
    faults, mark = armed(recorder, FakeFault(failing=True))
    mark.land()
    faults.on_edge(END, "backup-1")
    fault = recorded(recorder)
    assert not fault.evidence.applied
    assert "cut the cable: no such device" in fault.evidence.said
    (found,) = answers(FaultBit(), Recording(recorder.folder))
    assert (found.code, found.details["error"]) == ("fault.not_injected", "cut the cable: no such device")


def test_a_link_that_cannot_be_slowed_is_said_and_the_run_goes_on(recorder: Recorder, monkeypatch: Any) -> None:
    def refused(*_: object) -> None:
        raise HarnessError("run tc", "No such file or directory")

    link = SimpleNamespace(name="offsite", sockets=list, throttle=refused, unthrottle=refused)
    monkeypatch.setattr(triggers, "ByteMark", ByteMark)
    system: Any = SimpleNamespace(link=lambda _: link, files=NO_FILES, config=KIT)
    faults = Triggers(arming.armed(Trigger(FakeFault(), UPLOAD, share=0.5)), system, recorder)
    faults.on_edge(UPLOAD, "backup-1")
    faults.on_edge(END, "backup-1")
    assert not faults.heal_all()
    fault = recorded(recorder)
    assert not fault.evidence.applied
    assert fault.evidence.said == "while waiting for its share of the bytes: run tc: No such file or directory"


def test_a_link_that_stayed_slow_takes_the_confirmation_back(recorder: Recorder) -> None:
    faults, mark = armed(recorder)
    mark.land()
    mark.problem = "the link is still slow"
    faults.heal_all()
    assert not recorded(recorder).evidence.applied
