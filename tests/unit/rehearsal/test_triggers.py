"""Faults on their edges: what the recording says of when they were in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from harness.checkers.validity.fault_bit import FaultBit
from harness.faults.fault import Fault
from harness.host.clock import mono_ns, sleep
from harness.model import Edge, Evidence
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.rehearsal.triggers import Triggers
from harness.scenario import Trigger
from harness.system.phases.gates import MARKED, EdgeDetection
from tests.unit.checkers.build import answers
from tests.unit.rehearsal.arming import KIT, NO_FILES, armed

pytestmark = pytest.mark.usefixtures("clock")


@dataclass(frozen=True)
class Slow(Fault):
    """A fault that bites at once, while its inject takes a moment more."""

    bit_ns: list[int] = field(default_factory=list)
    name: ClassVar[str] = "slow"

    def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Slow:
        self.bit_ns.append(mono_ns())
        sleep(0.02)
        return self

    def confirm(self) -> Evidence:
        return Evidence(True, False, "seen")

    def lost_early(self) -> str:
        return ""

    def observed_by(self, said: str) -> str:
        return "it was felt"

    def reverted(self) -> bool:
        return True


def test_a_fault_is_dated_from_before_it_bites(tmp_path: Path) -> None:
    fault = Slow()
    recorder = Recorder(tmp_path)
    system = SimpleNamespace(files=NO_FILES, links={}, config=KIT)
    triggers = Triggers(armed(Trigger(fault, Edge("deploy", "start"))), system, recorder)  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("deploy", "start"), "deploy-1")
    triggers.heal_all()
    recorder.close()
    (record,) = Recording(tmp_path).faults
    assert record.injected_ns is not None and record.confirmed_ns is not None
    assert record.injected_ns <= fault.bit_ns[0] < record.confirmed_ns


def test_an_edge_counts_once_an_operation_however_often_that_marks_it(tmp_path: Path) -> None:
    """A kit may mark a phase once a database, or once a store: the second backup is meant, not the second database."""
    edge = Edge("backup.copy", "start")
    recorder = Recorder(tmp_path)
    system = SimpleNamespace(files=NO_FILES, links={}, config=KIT)
    triggers = Triggers(armed(Trigger(Slow(), edge, 2), Trigger(Slow(), edge, 3)), system, recorder)  # type: ignore[arg-type]  # its logs only
    for operation in ("backup-1", "backup-1", "backup-2", "backup-1", "backup-2", "backup-3"):
        triggers.on_edge(edge, operation)
    triggers.heal_all()
    recorder.close()
    assert [f.operation for f in Recording(tmp_path).faults] == ["backup-2", "backup-3"]


def rehearsed(folder: Path, occurrence: int, *detections: EdgeDetection) -> tuple[Slow, Recording]:
    """What became of a fault at the n-th operation that meets an edge, of as many."""
    fault, edge = Slow(), Edge("deploy.copy", "start")
    recorder = Recorder(folder)
    system = SimpleNamespace(files=NO_FILES, links={}, config=KIT)
    triggers = Triggers(armed(Trigger(fault, edge, occurrence)), system, recorder)  # type: ignore[arg-type]  # its logs only
    for number, detection in enumerate(detections, 1):
        triggers.on_edge(edge, f"deploy-{number}", detection)
    triggers.heal_all()
    recorder.close()
    return fault, Recording(folder)


def test_a_fault_at_an_edge_that_was_only_seen_says_so(tmp_path: Path) -> None:
    _, recording = rehearsed(tmp_path, 1, EdgeDetection("log", False, 7_000_000))
    (record,) = recording.faults
    assert record.evidence.said.startswith(
        "seen; the edge was seen in a line of a log, at most 7.0 ms late; the kit went"
    )
    assert [v.outcome for v in answers(FaultBit(), recording)] == ["pass"]


def test_an_edge_that_was_seen_after_the_end_fires_nothing_but_counts(tmp_path: Path) -> None:
    ended = EdgeDetection("bytes", False, 7_000_000, ended=True)
    fault, recording = rehearsed(tmp_path / "1", 1, ended, MARKED)
    (found,) = answers(FaultBit(), recording)
    assert (fault.bit_ns, found.outcome) == ([], "unknown")
    assert found.code == "fault.skipped"
    fault, recording = rehearsed(tmp_path / "2", 2, ended, MARKED)
    assert len(fault.bit_ns) == 1
    assert [v.outcome for v in answers(FaultBit(), recording)] == ["pass"]


@pytest.mark.parametrize(
    ("serves", "heard"), [(False, "kit"), (True, "kit service front"), (None, "kit service front")]
)
def test_of_a_link_that_does_not_serve_the_kits_words_count_alone(
    tmp_path: Path, serves: bool | None, heard: str
) -> None:
    @dataclass(frozen=True)
    class Listening(Slow):
        link: str = "offsite"
        targets: ClassVar[Mapping[str, str]] = {"link": "link"}

        def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Slow:
            for path, word in ((kit, "kit"), (service, "service"), (front, "front")):
                path.write_text(f"before\n{word}")
            return self

        def observed_by(self, said: str) -> str:
            return " ".join(said.split())

    (tmp_path / "operations").mkdir()
    kit, service, front = (
        tmp_path / name for name in ("operations/backup-1.out", "operations/service.out", "front.log")
    )
    for path in (kit, service, front):
        path.write_text("before\n")
    recorder = Recorder(tmp_path)
    links = {} if serves is None else {"offsite": SimpleNamespace(serves=serves)}
    system = SimpleNamespace(files=SimpleNamespace(logs=lambda: [front]), links=links, config=KIT)
    fault = Listening()
    triggers = Triggers(armed(Trigger(fault, Edge("backup", "start"))), system, recorder)  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("backup", "start"), "backup-1")
    triggers.heal_all()
    recorder.close()
    (record,) = Recording(tmp_path).faults
    assert record.felt_said == heard
