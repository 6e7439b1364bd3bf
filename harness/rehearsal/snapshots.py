"""The snapshots of a run: when each backup was taken, by its path."""

from __future__ import annotations

from collections.abc import Mapping

from harness.rehearsal.phase_record import PhaseRecord
from harness.system.operations import OperationResult

# The phase whose span brackets the moment a backup stands for; the whole operation when a kit marks no such phase.
SNAPSHOT_PHASE = "backup.copy"


class Snapshots:
    """``taken_ns`` by the path of a backup: CLOCK_MONOTONIC, from and to."""

    def __init__(self, phases: PhaseRecord) -> None:
        self._phases = phases
        self._taken_ns: dict[str, tuple[int, int]] = {}

    @property
    def taken_ns(self) -> Mapping[str, tuple[int, int]]:
        return self._taken_ns

    def remember(self, backup: OperationResult, latest: str) -> None:
        """``latest`` is what the kit would restore after ``backup``; also of one that failed: its local part may be the
        one a restore uses."""
        if latest and (backup.exit == 0 or latest not in self._taken_ns):
            edges = self._phases.edges_ns(backup.id, SNAPSHOT_PHASE)
            whole = (backup.start_ns, backup.stop_ns)
            self._taken_ns[latest] = (edges[0] or backup.start_ns, edges[1]) if len(edges) == 2 else whole
