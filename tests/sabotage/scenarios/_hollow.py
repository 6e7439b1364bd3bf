"""Faults that do not do what they should."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.disk_full import DiskFull, FullDisk
from harness.faults.fault import Fault, Undo
from harness.model import Evidence
from harness.system.live import LiveSystem


@dataclass(frozen=True)
class Hollow(Fault):
    """A fault that changes nothing: what it claims about itself is all there is."""

    applied: bool = True
    felt_said: str = "felt"
    lost_said: str = ""
    is_healed: bool = True
    name: ClassVar[str] = "hollow"

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Hollow:
        return self

    def confirm(self) -> Evidence:
        return Evidence(self.applied, False, "our probe " + ("failed" if self.applied else "went through"))

    def lost_early(self) -> str:
        return self.lost_said

    def observed_by(self, said: str) -> str:
        return self.felt_said

    def reverted(self) -> bool:
        return self.is_healed


@dataclass(frozen=True)
class Stuck(Hollow):
    """What takes it back fails."""

    name: ClassVar[str] = "stuck"

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> Hollow:
        def failing() -> None:
            raise OSError("the undo failed on purpose")

        undo(failing)
        return self


@dataclass(frozen=True)
class Leaking(DiskFull):
    """A full disk that is not full after all: what fills it is gone at once."""

    def inject(self, system: LiveSystem, operation: str, undo: Undo) -> FullDisk:
        full = super().inject(system, operation, undo)
        os.ftruncate(full.filler, 0)
        return full
