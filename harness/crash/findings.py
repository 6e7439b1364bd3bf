"""What a start on a crash state showed, taken from its own recording into the run's: observations as of the cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from harness.host.outputs import tail
from harness.model import CrashState
from harness.recording.events import (
    BootDone,
    BootFailed,
    BootMounted,
    BootStarted,
    Observed,
    OperationStopped,
    PowerBroken,
)
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.largest_file import Identity

_SAID_BYTES = 4096
_NEVER = "it never came that far"
# When a backup was taken, by its path and which of the files that had that path it is.
TakenNs = Callable[[str, Identity | None], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The operation a cut falls into: its id, whether it restores and from a backup taken when."""

    id: str
    restores: bool
    snapshot_ns: tuple[int, int] | None


class Findings:
    """``folder`` is where a boot recorded; ``cut_short`` why it had to be ended, empty when it ended by itself."""

    def __init__(self, folder: Path, recorder: Recorder, cut_short: str = "") -> None:
        self._folder = folder
        self._recorder = recorder
        self._cut_short = cut_short
        # The last line may be torn when it was ended.
        self._recording = Recording(folder)

    @property
    def hit(self) -> str:
        """Whose blocks they were, when that was asked."""
        mounted = next(self._recording.of(BootMounted), None)
        return mounted.hit if mounted else ""

    def record(self, crash: CrashState, under_way: UnderWay, taken_ns: TakenNs) -> None:
        """One observation of the state as it was started, and one of it as restored when that was tried."""
        own = self._recording
        mounted, started = next(own.of(BootMounted), None), next(own.of(BootStarted), None)
        crash = replace(
            crash,
            mount_error=mounted.error if mounted else _NEVER,
            start_error=started.error if started else _NEVER,
            start_s=started.seconds if started else 0.0,
        )
        why = self._cut_short or "; ".join(e.why for e in own.of(BootFailed))
        if why or not any(True for _ in own.of(BootDone)):
            last = own.events[-1].kind if own.events else "nothing"
            self._recorder.record(PowerBroken(label=crash.label, why=f"{why or 'it ended early'} (last: {last})"))
        looks = [*own.of(Observed)]
        snapshot_ns = under_way.snapshot_ns if under_way.restores and crash.cut else None
        first = self._content(looks[0]) if looks else _nothing(crash)
        self._observe(crash.label, "", crash.at_ns, {**first, "snapshot_ns": snapshot_ns}, crash, [])
        restore = next((o for o in own.of(OperationStopped) if o.name == "restore"), None)
        if restore is None:
            return
        label = f"{crash.label}-restored"
        if len(looks) > 1:
            lay_there = first.get("backup_identities", {}).get(restore.backup)
            snapshot_ns = taken_ns(restore.backup, tuple(lay_there) if lay_there else None)
            after = {**self._content(looks[1]), "snapshot_ns": snapshot_ns}
            self._observe(label, "restore", looks[1].start_ns, after, crash, self._operations)
        else:  # it failed: said, though nothing was read back after it
            after = {**first, "found": None, "error": "nothing was restored", "totals": {}, "snapshot_ns": None}
            self._observe(label, "restore", restore.t, after, crash, self._operations)

    @cached_property
    def _operations(self) -> list[dict[str, Any]]:
        """What was run on the state; by ids of their own, for the run has operations of these names as well."""
        label = self._folder.name
        return [
            {**msgspec.to_builtins(e), "id": f"{label}-{e.id}", "output": self._said(e.id)}
            for e in self._recording.of(OperationStopped)
        ]

    def _said(self, operation: str) -> str:
        path = self._folder / "operations" / f"{operation}.out"
        return tail(path, _SAID_BYTES)

    def _content(self, look: Observed) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self._folder / "observations" / f"{look.label}.json").read_text())
        return content

    def _observe(
        self,
        label: str,
        cause: str,
        start_ns: int,
        content: Mapping[str, Any],
        crash: CrashState,
        operations: Sequence[Mapping[str, Any]],
    ) -> None:
        whole = {**content, "crash": asdict(crash), "operations": operations}
        self._recorder.observation(label, cause, start_ns, whole)


def _nothing(crash: CrashState) -> dict[str, Any]:
    """The content of an observation that could not be made."""
    return {
        "found": None,
        "error": crash.mount_error or crash.start_error,
        "totals": {},
        "expected_totals": {},
        "artefacts": [],
        "latest": "",
        "status_error": "",
        "version": "",
    }
