"""The system under test while a run drives it: its directory, disks, commands, service, monitors, files and links."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.config.schema import SystemConfig
from harness.disks.disk import Disk
from harness.disks.watch import DiskWatch
from harness.host.commands import Process
from harness.links.link import Link
from harness.recording.events import Warned
from harness.recording.recorder import Recorder
from harness.system.clients.door import ClientDoor
from harness.system.clients.talk import Talk
from harness.system.commands import SystemCommands
from harness.system.files import SystemFiles
from harness.system.links import SystemLinks
from harness.system.monitors import Monitors
from harness.system.service import Service

# So long the service has at the end of a run, where nothing depends on it any more.
_LEAVE_S = 2.0


class LiveSystem:
    """One system on one island (or, without namespaces, in a directory of its own)."""

    def __init__(
        self,
        config: SystemConfig,
        directory: Path,
        port: int,
        size_bytes: int,
        disks: Mapping[str, Disk],
        recorder: Recorder,
        python: str,
    ) -> None:
        self.config = config
        self.directory = directory
        self.disks = disks
        self.watch = DiskWatch(disks)
        self.recorder = recorder
        self.fault_free_bytes: dict[str, int] = {}
        self.first_totals: dict[str, float] = {}  # what [load.totals] told when the service had come up
        self.running: dict[str, Process] = {}  # operations of the kit under way, by their id
        self.commands = SystemCommands(config, directory, port, size_bytes, python, recorder.folder / "operations")
        self._hand_over()
        self.door = (
            ClientDoor(config.client, self.commands.text(config.service.url), self.commands) if config.client else None
        )
        self.talk = Talk(self.door.path) if self.door else None
        self.service = Service(config, self.commands, self.talk)
        self.monitors = Monitors(config, self.commands)
        self.files = SystemFiles(config, self.commands, directory)
        self.links = SystemLinks(self.commands, recorder)

    def _hand_over(self) -> None:
        """The places of the system belong to the user its commands run as, and every other user that it may become gets
        there; one that runs already has its own, and its kit has to get at the socket for its marks only, and at a copy
        of a backup."""
        account = self.commands.account
        for path in (self.directory.parent, self.directory):
            mode = path.stat().st_mode
            if mode & 0o111 != 0o111:  # whoever runs us may have a strict umask
                path.chmod(mode | 0o111)
        if account and not self.config.service.attach:
            data = (Path(self.commands.text(place)) for place in (self.config.data.dir, self.config.data.backup_dir))
            made = [path for path in data if path.exists()]
            for path in (self.directory, self.directory / "home", *(disk.path for disk in self.disks.values()), *made):
                account.own(path)

    def link(self, name: str) -> Link:
        """A link that was laid in this run; HarnessError for any other."""
        return self.links.laid(name)

    def copy_out(self, keep_data: bool) -> None:
        """The system's logs, and its data when asked, to the run folder; what is left out is recorded."""
        for said in self.files.copy_out(self.recorder.folder, keep_data):
            self.recorder.record(Warned(text=said))

    def end_clients(self) -> None:
        """The programs of a client of the user's own."""
        if self.talk:
            self.talk.close()
        if self.door:
            self.door.close()

    def stop(self) -> None:
        """Ask the system to stop; what stays is ended with the island."""
        self.monitors.stop()
        self.service.stop(min(_LEAVE_S, self.config.service.stop_deadline_s))
        self.watch.close()
