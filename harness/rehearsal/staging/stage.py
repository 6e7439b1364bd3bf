"""The stage of one run: disks, far side, system and traffic, set up in that order and torn down in reverse."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from harness.config.programs import check_commands
from harness.config.schema import SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.host import outputs
from harness.load.driver import LoadDriver
from harness.meters.versions import VersionWatch
from harness.plan import Plan
from harness.recording.events import DiskMounted, IslandUp, LeftOut, LoadStopping, Warned
from harness.recording.recorder import Recorder
from harness.rehearsal.staging.disks import StageDisks
from harness.rehearsal.staging.service_start import ServiceStart
from harness.rehearsal.staging.teardown import Teardown
from harness.rehearsal.staging.traffic import Traffic
from harness.system.live import LiveSystem


class Stage:
    """One system on its disks, with the parts that bring it up and send it traffic; ``teardown`` undoes all of it."""

    def __init__(self, plan: Plan, config: SystemConfig, recorder: Recorder, load: LoadDriver) -> None:
        self._plan = plan
        self._recorder = recorder
        self._versions: VersionWatch | None = None
        self.teardown = Teardown()
        directory = Path(plan.work) / "sut"
        directory.mkdir(parents=True, exist_ok=True)
        self.teardown.register("cut what programs printed", outputs.Watch(self._printed).stop)
        recorder.record(IslandUp(island=plan.kind))
        if config.service.attach:
            recorder.record(Warned(text="no island: the system runs already, where it is, and is used as it is"))
        elif plan.kind == "none":
            recorder.record(Warned(text="no island: the host's network, processes and disks are shared with others"))
        if unseen := data_unseen(config):
            recorder.record(Warned(text=unseen))
        block_server_output = recorder.folder / "operations" / "block-server.out"
        disks = StageDisks(plan, config, directory, block_server_output, self.teardown)
        self.logged = disks.logged
        self.system = LiveSystem(config, directory, plan.port, plan.size_bytes, disks.by_name, recorder, plan.python)
        for mounted in disks.by_name.values():
            recorder.record(
                DiskMounted(
                    name=mounted.name,
                    profile=mounted.profile,
                    size_bytes=mounted.size_bytes,
                    path=str(mounted.path),
                )
            )
        self.teardown.register("copy the system's logs out", lambda: self.system.copy_out(plan.keep_data))
        if not config.service.attach:
            self.teardown.register("stop the system", self.system.stop)
        self.teardown.register("end the client programs", self.system.end_clients)
        account = self.system.commands.account
        check_commands(config, self.system.commands.values, account.barred if account else lambda _: None)
        self.service_start = ServiceStart(self.system, self.teardown)
        self.traffic = Traffic(plan, self.system, load, self.teardown)

    def _printed(self) -> list[Path]:
        """What programs of this run print into its folder; those of crash states as well."""
        folder = self._recorder.folder
        patterns = ("*.out", "operations/*.out", "logs/*.out", "logs/*.log", "states/*/operations/*.out")
        return [path for pattern in patterns for path in folder.glob(pattern)]

    def lay_links(self, cut: Collection[str]) -> None:
        """The far side with its dependencies, when the system has any; and the links that faults of this run ``cut``:
        one back to the near side is in nobody's way otherwise."""
        config = self.system.config
        for name in cut:
            if name not in config.links:
                raise HarnessError(
                    f"put a fault on the link {name}",
                    f"{config.name} has no link of that name (it has: {', '.join(config.links) or 'none'})",
                    f"add [links.{name}] to system.toml, with `upstream` or `near_port`",
                    ExitCode.UNKNOWN,
                    matter="plan",
                )
        wanted = [name for name, link in config.links.items() if link.upstream or name in cut]
        if not wanted:
            return
        if self._plan.kind == "none":
            what = f"links: {', '.join(wanted)}"
            why = "without namespaces there is no far side (`deploydrill doctor` says how to get them)"
            self._recorder.record(LeftOut(what=what, why=why))
            return
        # Toxiproxy's client takes a while to be imported: a system without links starts without it.
        from harness.system.dependencies import Dependencies

        Dependencies(self.system).start(cut)

    def watch_versions(self) -> None:
        """From now on see from outside which version is in service."""
        if self._versions is None:
            self._versions = VersionWatch(self.system.service, self._recorder)
            self.teardown.register("stop watching the version", self._versions.stop)
            self._versions.start()

    def stop_traffic(self) -> None:
        """The traffic ends, and with it the watch over the version."""
        self._recorder.record(LoadStopping())
        if self._versions:
            self._versions.stop()
        self.traffic.stop()


def data_unseen(config: SystemConfig) -> str:
    """What of the data no verdict looks at; empty when the system has numbers for it."""
    if config.load.read_back is None or config.load.read_back.totals or config.load.totals:
        return ""
    return (
        "of the data only what our clients write is looked at: without [load.totals] nobody sees whether seeded data"
        " are still there"
    )
