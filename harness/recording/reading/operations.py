"""The operations of a run as read from its events and their outputs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from harness.host.outputs import MOST_BYTES, tail
from harness.model import Operation
from harness.recording.events import OperationStopped

# What an operation has of the event that told its end, under the same names.
_TOLD = {f.name for f in fields(Operation)} & set(OperationStopped.__struct_fields__) - {"restores"}


def operation_of(event: OperationStopped, output: str) -> Operation:
    told = {name: getattr(event, name) for name in _TOLD}
    restores = event.restores or event.name == "restore"
    return Operation(**told, restores=restores, stop_ns=event.t, output=output)


def read_operations(folder: Path, stopped: Iterable[OperationStopped]) -> tuple[Operation, ...]:
    """In the order they ended, each with all that was kept of what it said, invalid bytes replaced."""
    return tuple(operation_of(e, _output(folder / f"{e.id}.out")) for e in stopped)


def _output(path: Path) -> str:
    return tail(path, MOST_BYTES) if path.exists() else ""
