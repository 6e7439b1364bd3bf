"""The snapshots of a run: when each backup was taken, by its path and which of the files that had that path it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.host.clock import now
from harness.rehearsal.phase_record import PhaseRecord
from harness.system.largest_file import Identity, identity, largest_file
from harness.system.operations import OperationResult

# The phase whose span brackets the moment a backup stands for; the whole operation when a kit marks no such phase.
SNAPSHOT_PHASE = "backup.copy"
# File systems stamp with the clock of the last tick.
_COARSE_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class _Taken:
    identity: Identity | None
    at_ns: tuple[int, int]
    version: str


class Snapshots:
    """A kit may write one backup over another, or give it the other's name."""

    def __init__(self, phases: PhaseRecord) -> None:
        self._phases = phases
        self._taken: dict[str, list[_Taken]] = {}
        self._listed: set[str] | None = None

    def taken_ns(self, backup: str, of: Identity | None = None) -> tuple[int, int] | None:
        """When a backup was taken (CLOCK_MONOTONIC, from and to) that has this path, and that identity or (None) the
        one that lies there now; None where that is not known."""
        found = self._found(backup, of)
        return found.at_ns if found else None

    def version_of(self, backup: str) -> str:
        """The version that served when a backup was taken; empty where that is not known."""
        found = self._found(backup, None)
        return found.version if found else ""

    def listed(self, backups: Iterable[str]) -> None:
        """`status` names these: one that it names later, and not now, was made in between."""
        self._listed = {*backups}

    def seen(self, operation: OperationResult, latest: str, version: str) -> None:
        """``latest`` is what the kit would restore after ``operation``, before which ``version`` served. Where nobody
        knows it yet and it came since that began, that made it, as a deployment does that takes a backup first."""
        if not latest or not operation.id or self._knows(latest):
            return
        is_new = self._listed is not None and latest not in self._listed
        if _written_since(latest, operation.start_ns) or is_new:
            self._remember(operation, latest, version)

    def remember(self, backup: OperationResult, latest: str, version: str) -> None:
        """``latest`` is what the kit would restore after ``backup``; also of one that failed: its local part may be the
        one a restore uses."""
        if not latest:
            return
        if backup.exit == 0 or latest not in self._taken or not self._knows(latest):
            self._remember(backup, latest, version)

    def _remember(self, operation: OperationResult, latest: str, version: str) -> None:
        edges = self._phases.edges_ns(operation.id, SNAPSHOT_PHASE)
        whole = (operation.start_ns, operation.stop_ns)
        at_ns = (edges[0] or operation.start_ns, edges[1]) if len(edges) == 2 else whole
        self._taken.setdefault(latest, []).append(_Taken(identity(latest), at_ns, version))

    def _knows(self, backup: str) -> bool:
        """Whether what lies there now is one of those that are known; one that was removed and put back as it was has
        another number."""
        lies_there = identity(backup)
        return any(_written(taken.identity) == _written(lies_there) for taken in self._taken.get(backup, ()))

    def _found(self, backup: str, of: Identity | None) -> _Taken | None:
        """The newest where none is that one for sure: it may have been moved, or put back by us."""
        taken, wanted = self._taken.get(backup, []), of or identity(backup)
        same = [t for t in taken if t.identity == wanted]
        same_time = [t for t in taken if wanted and _written(t.identity) == _written(wanted)]
        same_file = [t for t in taken if wanted and t.identity and t.identity[0] == wanted[0]]
        likely = same or same_time or same_file or taken
        return likely[-1] if likely else None


def _written(of: Identity | None) -> int | None:
    return of[1] if of else None


def _written_since(path: str, since_ns: int) -> bool:
    """Whether a file, or a directory's largest, was written after that moment (CLOCK_MONOTONIC)."""
    at = now()
    try:
        written_ns = largest_file(Path(path)).stat().st_mtime_ns
    except OSError:
        return False
    return written_ns >= since_ns + at.wall_ns - at.mono_ns - _COARSE_NS
