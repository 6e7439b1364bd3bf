"""A system that is no more than what its operations need of one: commands that are really started."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

from harness.host import commands
from harness.recording.recorder import Recorder
from harness.system.operations import Operations
from harness.system.phases.mark_server import PhaseServer


def operations_of(
    recorder: Recorder, phases: PhaseServer, name: str, command: Sequence[str], deadline_s: float
) -> Operations:
    """With one operation, ``name``."""
    one = SimpleNamespace(command=tuple(command), deadline_s=deadline_s)
    kit = SimpleNamespace(
        values={"version": "1"},
        argv=lambda command, **_: list(command),
        env={},
        text=str,
        spawn=lambda argv, output, env: commands.spawn(argv, env=env, output=recorder.folder / output),
    )
    system = SimpleNamespace(
        recorder=recorder,
        config=SimpleNamespace(operations={name: one}, phases=()),
        commands=kit,
        disks={},
        fault_free_bytes={},
        running={},
    )
    return Operations(system, phases, lambda *_: None)  # type: ignore[arg-type]  # no more of a system is used
