"""Faults on their edges: what the recording says of when they were in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

from harness.host.clock import mono_ns, sleep
from harness.model import Edge, Evidence
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.run.triggers import Triggers
from harness.scenario import Trigger


@dataclass
class Slow:
    """A fault that bites at once, while its inject takes a moment more."""

    bit_ns: list[int] = field(default_factory=list)
    name: str = "slow"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def planned(self, rng: Random) -> Slow:
        return self

    def needs(self, capabilities: Mapping[str, bool]) -> str:
        return ""

    def inject(self, system: Any, operation: str, undo: Callable[[Callable[[], None]], None]) -> Slow:
        self.bit_ns.append(mono_ns())
        sleep(0.02)
        return self

    def confirm(self) -> Evidence:
        return Evidence(True, False, "seen")

    def lost(self) -> str:
        return ""

    def felt(self, said: str) -> str:
        return "it was felt"

    def healed(self) -> bool:
        return True


def test_a_fault_is_dated_from_before_it_bites(tmp_path: Path) -> None:
    fault = Slow()
    recorder = Recorder(tmp_path)
    system = SimpleNamespace(log_files=list, links={})
    triggers = Triggers((Trigger(fault, Edge("deploy", "start")),), system, recorder)  # type: ignore[arg-type]  # its logs only
    triggers.on_edge(Edge("deploy", "start"), "deploy-1")
    triggers.heal_all()
    recorder.close()
    (record,) = Recording(tmp_path).faults
    assert record.injected_ns is not None and record.confirmed_ns is not None
    assert record.injected_ns <= fault.bit_ns[0] < record.confirmed_ns
