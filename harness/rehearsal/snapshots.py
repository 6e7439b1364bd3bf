"""The snapshots of a run: when each backup was taken, by its path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.host.clock import now
from harness.rehearsal.phase_record import PhaseRecord
from harness.system.largest_file import largest_file
from harness.system.operations import OperationResult

# The phase whose span brackets the moment a backup stands for; the whole operation when a kit marks no such phase.
SNAPSHOT_PHASE = "backup.copy"
# File systems stamp with the clock of the last tick.
_COARSE_NS = 10_000_000


class Snapshots:
    """``taken_ns`` by the path of a backup: CLOCK_MONOTONIC, from and to."""

    def __init__(self, phases: PhaseRecord) -> None:
        self._phases = phases
        self._taken_ns: dict[str, tuple[int, int]] = {}
        self._versions: dict[str, str] = {}

    @property
    def taken_ns(self) -> Mapping[str, tuple[int, int]]:
        return self._taken_ns

    def version_of(self, backup: str) -> str:
        """The version that served when a backup was taken; empty where that is not known."""
        return self._versions.get(backup, "")

    def seen(self, operation: OperationResult, latest: str, version: str) -> None:
        """``latest`` is what the kit would restore after ``operation``, before which ``version`` served. Where nobody
        knows it yet and it was written since that began, that made it, as a deployment does that takes a backup
        first."""
        if latest and operation.id and latest not in self._taken_ns and _written_since(latest, operation.start_ns):
            self._remember(operation, latest, version)

    def remember(self, backup: OperationResult, latest: str, version: str) -> None:
        """``latest`` is what the kit would restore after ``backup``; also of one that failed: its local part may be the
        one a restore uses."""
        if latest and (backup.exit == 0 or latest not in self._taken_ns):
            self._remember(backup, latest, version)

    def _remember(self, operation: OperationResult, latest: str, version: str) -> None:
        self._versions[latest] = version
        edges = self._phases.edges_ns(operation.id, SNAPSHOT_PHASE)
        whole = (operation.start_ns, operation.stop_ns)
        self._taken_ns[latest] = (edges[0] or operation.start_ns, edges[1]) if len(edges) == 2 else whole


def _written_since(path: str, since_ns: int) -> bool:
    """Whether a file, or a directory's largest, was written after that moment (CLOCK_MONOTONIC)."""
    at = now()
    try:
        written_ns = largest_file(Path(path)).stat().st_mtime_ns
    except OSError:
        return False
    return written_ns >= since_ns + at.wall_ns - at.mono_ns - _COARSE_NS
