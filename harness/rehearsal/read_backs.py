"""The read-backs of a run: each after what it follows, with a number of its own."""

from __future__ import annotations

from harness.rehearsal.settling import Settling
from harness.rehearsal.snapshots import Snapshots
from harness.system.ledger_tail import LedgerTail
from harness.system.live import LiveSystem
from harness.system.operations import Operations, Status
from harness.system.read_back import observe


class ReadBacks:
    """``restored_from``: the path of the backup that the operation before went back to; empty when it did not.
    ``ask_status`` False: no command of the kit is run."""

    def __init__(
        self, system: LiveSystem, operations: Operations, snapshots: Snapshots, ask_status: bool = True
    ) -> None:
        self.restored_from = ""
        self._ask_status = ask_status
        self._system = system
        self._operations = operations
        self._snapshots = snapshots
        self._labels: dict[str, int] = {}
        back = system.config.load.read_back
        self._settling = Settling(LedgerTail(system.recorder.folder), back.settle_s if back else 0.0)

    def after(self, cause: str) -> Status:
        """Read all back and record it; what `status` said then."""
        self._labels[cause] = number = self._labels.get(cause, 0) + 1
        snapshot_ns = self._snapshots.taken_ns(self.restored_from) if cause != "end" else None
        status = self._operations.status() if self._ask_status else Status("", ())
        observe(self._system, f"{cause}-{number}", cause, status, snapshot_ns, self._settling.again)
        return status

    def restored(self) -> None:
        """A restore has just ended: what was written since its backup was begun may be gone by right."""
        taken_ns = self._snapshots.taken_ns(self.restored_from)
        self._settling.restored(taken_ns[0] if taken_ns else 0)
