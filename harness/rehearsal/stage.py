"""The stage of one run: disks, far side, system, load and meters, set up in that order and torn down in reverse."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Callable, Collection
from pathlib import Path

from harness.config.programs import check_commands
from harness.config.schema import RequestTemplate, SystemConfig
from harness.disks.disk import Disk, mount_sized
from harness.disks.logged import LoggedDisk
from harness.errors import ExitCode, HarnessError
from harness.host import outputs
from harness.host.clock import Deadline, mono_ns, sleep, wait_until
from harness.island import mounts
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver
from harness.meters.outage import Prober, prober_config
from harness.meters.resources import ResourceSampler
from harness.meters.versions import VersionWatch
from harness.plan import DiskKind, Plan
from harness.recording.events import (
    DiskMounted,
    IslandUp,
    LeftOut,
    LoadHollow,
    LoadStarted,
    LoadSteady,
    LoadStopped,
    LoadStopping,
    LoadUnsteady,
    ProberStopped,
    ServerCount,
    SystemUp,
    Warned,
)
from harness.recording.recorder import Recorder
from harness.system.http import get
from harness.system.live import LiveSystem

STEADY_DEADLINE_S = 20.0
# The prober begins before the load is steady: its first answers are there by then.
PROBED_DEADLINE_S = 3.0
MARKER = "deploydrill-load"  # what every request of the load says it comes from
_LOG_LAG_S = 0.3  # a front writes its line after the answer
_LOG_LOOK_S = 0.05


class Stage:
    """Each ``set_up_*`` and ``start_*`` registers its own undoing first; ``tear_down`` is safe at any point."""

    def __init__(self, plan: Plan, config: SystemConfig, recorder: Recorder) -> None:
        self.plan = plan
        self.config = config
        self.recorder = recorder
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self.versions: VersionWatch | None = None
        self.logged: LoggedDisk | None = None
        self._counted_before = 0
        self.directory = Path(plan.work) / "sut"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.later("cut what programs printed", outputs.Watch(self._printed).stop)
        recorder.record(IslandUp(island=plan.kind))
        if config.service.attach:
            recorder.record(Warned(text="no island: the system runs already, where it is, and is used as it is"))
        elif plan.kind == "none":
            recorder.record(Warned(text="no island: the host's network, processes and disks are shared with others"))
        if unseen := data_unseen(config):
            recorder.record(Warned(text=unseen))
        self.system = LiveSystem(
            config, self.directory, plan.port, plan.size_bytes, self._mount_disks(plan.disk), recorder, plan.python
        )
        for mounted in self.system.disks.values():
            recorder.record(DiskMounted(name=mounted.name, profile=mounted.profile, size_bytes=mounted.size_bytes))
        self.later("copy the system's logs out", lambda: self.system.copy_out(plan.keep_data))
        if not config.service.attach:
            self.later("stop the system", self.system.stop)
        check_commands(config, self.system.values)

    def _printed(self) -> list[Path]:
        """What programs of this run print into its folder; those of crash states as well."""
        folder = self.recorder.folder
        patterns = ("*.out", "operations/*.out", "logs/*.out", "logs/*.log", "states/*/operations/*.out")
        return [path for pattern in patterns for path in folder.glob(pattern)]

    def later(self, what: str, action: Callable[[], object]) -> None:
        """Register what tear-down does, in reverse order."""
        self._undo.append((what, action))

    def _mount_disks(self, kind: DiskKind) -> dict[str, Disk]:
        if self.plan.kind == "none":
            return {}
        if kind == "logged":
            return {"system": self._mount_logged()}
        wanted = {
            "data": (self.config.data.dir, self.config.disks.data_bytes),
            "backup": (self.config.data.backup_dir, self.config.disks.backup_bytes),
        }
        return {
            name: mount_sized(
                name,
                Path(place.replace("{dir}", str(self.directory))),
                size,
                self.plan.kind,
                self.plan.fds.get(name),
            )
            for name, (place, size) in wanted.items()
        }

    def _mount_logged(self) -> Disk:
        """One disk for all of the system's directory: its state, locks and logs are cut off with its data. The far side
        keeps its own, for its power stays on."""
        sizes = self.config.disks
        self.logged = LoggedDisk(
            self.directory,
            sizes.data_bytes + sizes.backup_bytes,
            Path(self.plan.work),
            self.recorder.folder / "operations" / "block-server.out",
        )
        self.later("unmount the logged disk", self.logged.close)
        for place in (self.config.data.dir, self.config.data.backup_dir):
            Path(place.replace("{dir}", str(self.directory))).mkdir(parents=True, exist_ok=True)
        far = self.directory / "far"
        far.mkdir()
        mounts.tmpfs(far)
        return self.logged.disk("system")

    def lay_links(self, cut: Collection[str]) -> None:
        """The far side with its dependencies, when the system has any; and the links that faults of this run ``cut``:
        one back to the near side is in nobody's way otherwise."""
        for name in cut:
            if name not in self.config.links:
                raise HarnessError(
                    f"put a fault on the link {name}",
                    f"{self.config.name} has no link of that name (it has: {', '.join(self.config.links) or 'none'})",
                    f"add [links.{name}] to system.toml, with `upstream` or `near_port`",
                    ExitCode.UNKNOWN,
                )
        wanted = [name for name, link in self.config.links.items() if link.upstream or name in cut]
        if not wanted:
            return
        if self.plan.kind == "none":
            what = f"links: {', '.join(wanted)}"
            why = "without namespaces there is no far side (`deploydrill doctor` says how to get them)"
            self.recorder.record(LeftOut(what=what, why=why))
            return
        # Toxiproxy's client takes a while to be imported: a system without links starts without it.
        from harness.system.dependencies import Dependencies

        Dependencies(self.system).start(cut)

    def start_service(self) -> None:
        if self.config.service.attach:
            self._attach()
            return
        stranger = self.system.ready()
        if stranger.status:
            raise HarnessError(
                f"start the service of {self.config.name}",
                f"somebody else answers at {self.system.url} already ({stranger.said()})",
                "end what listens there: nothing that is done to the service would be seen through it",
                ExitCode.UNKNOWN,
            )
        self._tell_up(self.system.start(self.config.versions.old))
        self.system.start_monitors()

    def _attach(self) -> None:
        """The service must run already, in the old version: what is measured begins there."""
        what, old = f"attach to {self.config.name}", self.config.versions.old
        self._have_it_alone(what)
        if not (ready := self.system.ready()).ok:
            where = f"{self.system.url}{self.config.service.ready}"
            raise HarnessError(what, f"{where} is not ready ({ready.said()})", "start it before", ExitCode.UNKNOWN)
        if (version := self.system.version()) != old:
            why = f"it says it is version {version or 'of no name'}, and versions.old is {old}"
            raise HarnessError(what, why, "a rehearsal begins with the old version in service", ExitCode.UNKNOWN)
        self._tell_up(0.0)

    def _have_it_alone(self, what: str) -> None:
        """Two rehearsals of one system would each take what the other does for its own doing. The kernel takes the lock
        back from whoever dies with it."""
        file = self.config.file.open("rb")
        self.later("let others rehearse it", file.close)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            why = f"another rehearsal of {self.config.file} is under way"
            raise HarnessError(what, why, "wait for it, or end it", ExitCode.UNKNOWN) from None

    def _tell_up(self, seconds: float) -> None:
        health, ready, version = self.system.health(), self.system.ready(), self.system.version()
        self.recorder.record(
            SystemUp(
                version=version,
                seconds=round(seconds, 3),
                health="" if health.ok else health.said(),
                ready="" if ready.ok else ready.said(),
                # Data in use may be large, not be ours to look at, and change meanwhile: nobody asks for its size.
                data_bytes=0 if self.config.service.attach else self.system.database_bytes(),
                attached=self.config.service.attach,
            )
        )

    # -- load and meters -----------------------------------------------------------------------------------------
    def prepare_load(self) -> None:
        """Start the processes of Locust and the prober, which import what they need while the system is set up."""
        config = load_config(self.config, self.system.url, self.plan, self.recorder.folder)
        env = self.system.env
        self.load = LoadDriver(config, self.recorder.folder, env)
        self.prober = Prober(prober_config(config), self.recorder.folder, env)
        self.later("end Locust and the prober", self._end_senders)
        self.load.prepare()
        self.prober.prepare()

    def _end_senders(self) -> None:
        self.load.stop(2.0)
        self.prober.stop(2.0)

    def start_load(self) -> None:
        """Let Locust, the prober and the resource meter begin, and wait until the load is steady (else
        HarnessError)."""
        config = self.load.config
        self._counted_before = self._counted()
        self.later("stop Locust and the prober", self._end_senders)  # before the faults are healed
        self.load.start()
        self._name_source(f"load-{self.load.pid}", f"load-{self.load.pid}")
        self.prober.start()
        self._name_source(f"probe-{self.prober.pid}", "probe")
        disks = {name: disk.path for name, disk in self.system.disks.items()}
        watched = {"load": self.load.pid, "prober": self.prober.pid}
        # Without a namespace of our own the system is what our process 1 adopted, not every process of the host.
        system = [os.getppid()] if self.plan.kind == "none" else None
        self.resources = ResourceSampler(self.recorder.folder / "resources.jsonl", watched, disks, system)
        self.later("stop the resource meter", self.resources.stop)
        self.resources.start()
        self.recorder.source("resources", "resources.jsonl")
        self.recorder.record(LoadStarted(profile=config.profile, users=config.users or None))
        steady = self.load.wait_steady(STEADY_DEADLINE_S)
        if not steady.ok:
            self.recorder.record(LoadUnsteady(why=steady.why))
            raise HarnessError(
                f"load {self.config.name}",
                steady.why,
                "check [load] requests and url in system.toml",
                ExitCode.UNKNOWN,
                matter="load",
            )
        # A prober that meets nobody would find an outage from the first moment to the last.
        if not wait_until(lambda: not self.prober.unanswered(), Deadline(PROBED_DEADLINE_S, "answered probes")):
            why = f"the prober got no good answer ({', '.join(self.prober.unanswered())}) while the load did"
            self.recorder.record(LoadUnsteady(why=why))
            raise HarnessError(f"probe {self.config.name}", why, "see [load] requests in system.toml", ExitCode.UNKNOWN)
        if hollow := probes_hollow(self.system, self.prober.config.read):
            self.recorder.record(LoadHollow(why=hollow))
        self.recorder.record(LoadSteady(rate_per_s=round(steady.rate_per_s, 1), seconds=round(steady.seconds, 2)))

    def _name_source(self, sender: str, book: str) -> None:
        self.recorder.source(sender, f"samples/{sender}.bin", f"ledger/{book}.jsonl")

    def watch_versions(self) -> None:
        """From now on see from outside which version is in service."""
        if self.versions is None:
            self.versions = VersionWatch(self.system)
            self.later("stop watching the version", self.versions.stop)
            self.versions.start()

    def check_load(self) -> None:
        """The load must still be there."""
        for what, alive in (("Locust", self.load.alive()), ("the prober", self.prober.alive())):
            if not alive:
                raise HarnessError(
                    f"load {self.config.name}",
                    f"{what} ended in the middle of the run",
                    "see its log",
                    ExitCode.UNKNOWN,
                    matter="harness",
                )

    def stop_load(self) -> None:
        self.recorder.record(LoadStopping())
        if self.versions:
            self.versions.stop()
        probed = self.prober.stop()
        self.recorder.record(
            ProberStopped(clean=probed.clean, why=probed.why, started=probed.started, contents=probed.contents)
        )
        end = self.load.stop()
        self.resources.stop()
        self.recorder.record(
            LoadStopped(
                clean=end.clean,
                why=end.why,
                cpu_s=end.cpu_s,
                wall_s=end.wall_s,
                started=self.load.progress().started,
            )
        )
        if self.config.service.access_log:
            self.recorder.record(ServerCount(marker=MARKER, requests=self._counted_at_last()))

    def _counted_at_last(self) -> int:
        """Requests of this run's load in the system's own log, once that has as many as were answered and grows no
        more, or a front has had its time to write."""
        answered = self.load.progress().answered
        deadline = Deadline(_LOG_LAG_S, "the access log")
        before, now_ = -1, self._counted() - self._counted_before
        while not deadline.passed and not (now_ >= answered and now_ == before):
            sleep(_LOG_LOOK_S)
            before, now_ = now_, self._counted() - self._counted_before
        return now_

    def _counted(self) -> int:
        """Requests of our load in the system's own log so far: also of earlier runs, when it is attached."""
        if not (log := self.system.text(self.config.service.access_log)):
            return 0
        try:
            return outputs.count(Path(log), MARKER.encode())
        except OSError as error:
            hint = "have it readable for whoever runs this, or leave service.access_log out"
            raise HarnessError(f"read {log}", error.strerror or str(error), hint, ExitCode.UNKNOWN) from error

    def tear_down(self) -> list[str]:
        """Undo everything, the last first; what went wrong on the way, in words."""
        problems: list[str] = []
        while self._undo:
            what, action = self._undo.pop()
            try:
                action()
            except Exception as error:  # noqa: BLE001 - every step gets its try, and all failures are told
                problems.append(f"{what}: {error}")
        return problems


def data_unseen(config: SystemConfig) -> str:
    """What of the data no verdict looks at; empty when the system has numbers for it."""
    if config.load.read_back is None or config.load.read_back.totals:
        return ""
    return (
        "of the data only what our clients write is looked at: without totals in [load.read_back] nobody sees whether"
        " seeded data are still there"
    )


def probes_hollow(system: LiveSystem, read: RequestTemplate) -> str:
    """Why the prober's reads prove nothing; empty when they may. Who answers what nobody serves as it answers them is
    not the service: a page of the front for whatever it does not know, most often."""
    if read.needs_known or read.method != "GET":
        return ""
    path = re.sub(r"\{\w+\}", "1", read.path)
    asked = get(system.url + path, system.config.service.deadline_ms / 1000)
    nowhere = get(f"{system.url}/no-such-page-{mono_ns():x}", system.config.service.deadline_ms / 1000)
    if not (asked.ok and nowhere.ok and asked.body == nowhere.body):
        return ""
    return f"{path}, by which downtime is judged, is answered as any path that does not exist is ({asked.said()})"


def load_config(config: SystemConfig, url: str, plan: Plan, folder: Path) -> LoadConfig:
    """The load of a system.toml as Locust and the prober are told it."""
    load = config.load
    return LoadConfig(
        url=url,
        deadline_ms=config.service.deadline_ms,
        users=plan.users,
        think_s=load.think_s,
        write_rate=load.write_rate,
        arrival_rate=load.arrival_rate,
        requests=load.requests,
        seed=plan.seed,
        samples_dir=str(folder / "samples"),
        ledger_dir=str(folder / "ledger"),
        status_path=str(folder / "load-status.jsonl"),
    )
