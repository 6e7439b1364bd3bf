"""What a start on a crash state showed, taken from its own recording into the run's: observations as of the cut."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.host.outputs import tail
from harness.model import CrashState
from harness.recording.recorder import EVENTS, Recorder

_SAID_BYTES = 4096
_NEVER = "it never came that far"
Snapshots = Mapping[str, tuple[int, int]]


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
        path = folder / EVENTS
        # The last line may be torn when it was ended.
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        self._events: list[dict[str, Any]] = [json.loads(line) for line in lines]

    @property
    def hit(self) -> str:
        """Whose blocks they were, when that was asked."""
        return str(self._first("boot.mounted").get("hit", ""))

    def record(self, crash: CrashState, under_way: UnderWay, snapshots: Snapshots) -> None:
        """One observation of the state as it was started, and one of it as restored when that was tried."""
        mounted, started = self._first("boot.mounted"), self._first("boot.started")
        crash = replace(
            crash,
            mount_error=mounted.get("error", _NEVER),
            start_error=started.get("error", _NEVER),
            start_s=started.get("seconds", 0.0),
        )
        why = self._cut_short or "; ".join(e["why"] for e in self._of_kind("boot.failed"))
        if why or not self._of_kind("boot.done"):
            last = self._events[-1]["kind"] if self._events else "nothing"
            self._recorder.event("power.broken", label=crash.label, why=f"{why or 'it ended early'} (last: {last})")
        looks = self._of_kind("observation")
        snapshot_ns = under_way.snapshot_ns if under_way.restores and crash.cut else None
        first = self._content(looks[0]) if looks else _nothing(crash)
        self._observe(crash.label, "", crash.at_ns, {**first, "snapshot_ns": snapshot_ns}, crash, [])
        restore = next((o for o in self._operations if o["name"] == "restore"), None)
        if restore is None:
            return
        label = f"{crash.label}-restored"
        if len(looks) > 1:
            after = {**self._content(looks[1]), "snapshot_ns": snapshots.get(restore["attributes"]["backup"])}
            self._observe(label, "restore", looks[1]["start_ns"], after, crash, self._operations)
        else:  # it failed: said, though nothing was read back after it
            after = {**first, "found": None, "error": "nothing was restored", "totals": {}, "snapshot_ns": None}
            self._observe(label, "restore", restore["t"], after, crash, self._operations)

    def _of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self._events if e["kind"] == kind]

    def _first(self, kind: str) -> dict[str, Any]:
        return next(iter(self._of_kind(kind)), {})

    @cached_property
    def _operations(self) -> list[dict[str, Any]]:
        """What was run on the state; by ids of their own, for the run has operations of these names as well."""
        label = self._folder.name
        return [
            {**e, "id": f"{label}-{e['id']}", "output": self._said(e["id"])} for e in self._of_kind("operation.stop")
        ]

    def _said(self, operation: str) -> str:
        path = self._folder / "operations" / f"{operation}.out"
        return tail(path, _SAID_BYTES)

    def _content(self, look: Mapping[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self._folder / "observations" / f"{look['label']}.json").read_text())
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
