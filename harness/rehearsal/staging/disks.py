"""The disks of one run: sized ones for data and backups, or a logged one for all of the system's directory."""

from __future__ import annotations

from pathlib import Path

from harness.config.schema import SystemConfig
from harness.disks.disk import Disk, mount_sized
from harness.disks.logged import LoggedDisk
from harness.island import mounts
from harness.plan import Plan
from harness.rehearsal.staging.teardown import Teardown


class StageDisks:
    """Mounted when it is made. ``by_name`` has every disk; ``logged`` the one whose power can be cut, if any."""

    def __init__(
        self, plan: Plan, config: SystemConfig, directory: Path, server_output: Path, teardown: Teardown
    ) -> None:
        """``server_output`` is where the block server of a logged disk writes."""
        self.logged: LoggedDisk | None = None
        self.by_name: dict[str, Disk] = {}
        self._config = config
        self._directory = directory
        if plan.kind == "none":
            return
        if plan.disk == "logged":
            sizes = config.disks
            self.logged = LoggedDisk(directory, sizes.data_bytes + sizes.backup_bytes, Path(plan.work), server_output)
            teardown.register("unmount the logged disk", self.logged.close)
            self.by_name = {"system": self._all_on(self.logged)}
        else:
            self.by_name = self._sized(plan)

    def _place(self, place: str) -> Path:
        return Path(place.replace("{dir}", str(self._directory)))

    def _sized(self, plan: Plan) -> dict[str, Disk]:
        wanted = {
            "data": (self._config.data.mounted_at, self._config.disks.data_bytes),
            "backup": (self._config.data.backup_dir, self._config.disks.backup_bytes),
        }
        disks = {
            name: mount_sized(name, self._place(place), size, plan.kind, plan.fds.get(name))
            for name, (place, size) in wanted.items()
        }
        self._place(self._config.data.dir).mkdir(parents=True, exist_ok=True)
        return disks

    def _all_on(self, logged: LoggedDisk) -> Disk:
        """One disk for all of the system's directory: its state, locks and logs are cut off with its data. The far side
        keeps its own, for its power stays on."""
        for place in (self._config.data.dir, self._config.data.backup_dir):
            self._place(place).mkdir(parents=True, exist_ok=True)
        far = self._directory / "far"
        far.mkdir()
        mounts.tmpfs(far)
        return logged.disk("system")
