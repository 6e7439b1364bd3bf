"""The traffic of one run: Locust and the prober, begun together, and the resource meter beside them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from harness.config.schema import RequestTemplate, SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.host.endpoint import Endpoint
from harness.load import request_tracker as load
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver, Steady
from harness.meters.outage import Prober, prober_config
from harness.meters.resources import ResourceSampler
from harness.plan import Plan
from harness.recording.events import (
    BadAnswer,
    LoadHollow,
    LoadStarted,
    LoadSteady,
    LoadStopped,
    LoadUnsteady,
    ProberStopped,
    ServerCount,
)
from harness.rehearsal.staging.access_log import MARKER, AccessLog
from harness.rehearsal.staging.teardown import Teardown
from harness.system.live import LiveSystem
from harness.system.session import login_of

STEADY_DEADLINE_S = 20.0
# The prober begins before the load is steady: its first answers are there by then.
PROBED_DEADLINE_S = 3.0


class Traffic:
    """Prepared, started, checked and stopped once; each of them registers its own undoing first."""

    def __init__(self, plan: Plan, system: LiveSystem, load: LoadDriver, teardown: Teardown) -> None:
        self._plan = plan
        self._system = system
        self._load = load
        self._recorder = system.recorder
        self._teardown = teardown
        self._access_log = AccessLog(system.commands.text(system.config.service.access_log))

    def prepare(self) -> None:
        """Tell Locust what it will send, and start the prober, which imports what it needs while the system is set
        up."""
        system = self._system
        program = str(system.door.path) if system.door else ""
        config = load_config(system.config, system.service.endpoint, self._plan, self._recorder.folder, program)
        self._prober = Prober(prober_config(config, self._system.config.probe), self._recorder.folder)
        self._teardown.register("end Locust and the prober", self._end_senders)
        self._load.configure(config)
        self._prober.prepare()

    def _end_senders(self) -> None:
        self._load.stop(2.0)
        self._prober.stop(2.0)

    def start(self) -> None:
        """Let Locust, the prober and the resource meter begin, and wait until the load is steady (else
        HarnessError)."""
        config = self._load.config
        self._access_log.begin()
        self._teardown.register("stop Locust and the prober", self._end_senders)  # before the faults are healed
        self._load.start()
        self._name_source(f"load-{self._load.pid}", f"load-{self._load.pid}")
        self._prober.start()
        self._name_source(f"probe-{self._prober.pid}", "probe")
        disks = {name: disk.path for name, disk in self._system.disks.items()}
        watched = {"load": self._load.pid, "prober": self._prober.pid}
        # Without a namespace of our own the system is what our process 1 adopted, not every process of the host.
        system = [os.getppid()] if self._plan.kind == "none" else None
        self._resources = ResourceSampler(self._recorder.folder / "resources.jsonl", watched, disks, system)
        self._teardown.register("stop the resource meter", self._resources.stop)
        self._resources.start()
        self._recorder.source("resources", "resources.jsonl")
        self._recorder.record(LoadStarted(profile=config.profile, users=config.users or None))
        steady = self._load.wait_steady(STEADY_DEADLINE_S)
        if not steady.ok:
            ended = self._load.progress()
            self._recorder.record(self._unsteady(steady, steady.bad, ended.ok + ended.bad, why=steady.why))
            raise HarnessError(
                f"load {self._system.config.name}",
                steady.why,
                "check [load] requests and url in system.toml",
                ExitCode.UNKNOWN,
                matter="load",
            )
        # A prober that meets nobody would find an outage from the first moment to the last.
        if not wait_until(lambda: not self._prober.unanswered(), Deadline(PROBED_DEADLINE_S, "answered probes")):
            unanswered = tuple(self._prober.unanswered())
            probed = self._prober.stop()
            self._recorder.record(self._unsteady(steady, probed.bad_answers, probed.started, unanswered=unanswered))
            raise HarnessError(
                f"probe {self._system.config.name}",
                f"the prober got no good answer ({', '.join(unanswered)}) while the load did",
                "see [load] requests in system.toml",
                ExitCode.UNKNOWN,
                matter="load",
            )
        if hollow := probes_hollow(self._system, self._prober.config.read):
            self._recorder.record(LoadHollow(why=hollow))
        self._recorder.record(LoadSteady(rate_per_s=round(steady.rate_per_s, 1), seconds=round(steady.seconds, 2)))

    def _unsteady(
        self,
        steady: Steady,
        bad: Sequence[load.BadAnswer],
        requests: int,
        why: str = "",
        unanswered: tuple[str, ...] = (),
    ) -> LoadUnsteady:
        return LoadUnsteady(
            why=why,
            unanswered=unanswered,
            bad_answers=tuple(BadAnswer(b.request, b.outcome, b.status, b.count, b.said) for b in bad),
            requests=requests,
            load_per_s=round(steady.rate_per_s, 1),
            probes_per_s=round(1000 / self._prober.config.interval_ms, 1),
        )

    def _name_source(self, sender: str, book: str) -> None:
        self._recorder.source(sender, f"samples/{sender}.bin", f"ledger/{book}.jsonl")

    def check(self) -> None:
        """The load must still be there."""
        for what, alive in (("Locust", self._load.alive()), ("the prober", self._prober.alive())):
            if not alive:
                raise HarnessError(
                    f"load {self._system.config.name}",
                    f"{what} ended in the middle of the run",
                    "see its log",
                    ExitCode.UNKNOWN,
                    matter="harness",
                )

    def stop(self) -> None:
        probed = self._prober.stop()
        self._recorder.record(
            ProberStopped(clean=probed.clean, why=probed.why, started=probed.started, contents=probed.contents)
        )
        end = self._load.stop()
        self._resources.stop()
        self._recorder.record(
            LoadStopped(
                clean=end.clean,
                why=end.why,
                cpu_s=end.cpu_s,
                wall_s=end.wall_s,
                started=self._load.progress().started,
            )
        )
        if self._access_log.named:
            told = self._load.progress()
            counted = self._access_log.settled(told.answered + told.sent_again)
            self._recorder.record(ServerCount(marker=MARKER, requests=counted, sent_again=told.sent_again))


def probes_hollow(system: LiveSystem, read: RequestTemplate) -> str:
    """Why the prober's reads prove nothing; empty when they may. Who answers what nobody serves as it answers them is
    not the service: a page of the front for whatever it does not know, most often."""
    if system.door or read.needs_known or read.method != "GET":
        return ""
    path = re.sub(r"\{\w+\}", "1", read.path)
    deadline_s = system.config.service.deadline_ms / 1000
    asked = system.service.ask_as_client("GET", path, deadline_s, headers=read.headers)
    nowhere = system.service.ask_as_client("GET", f"/no-such-page-{mono_ns():x}", deadline_s, headers=read.headers)
    if not (asked.ok and nowhere.ok and asked.body == nowhere.body):
        return ""
    return f"{path}, by which downtime is judged, is answered as any path that does not exist is ({asked.said()})"


def load_config(config: SystemConfig, endpoint: Endpoint, plan: Plan, folder: Path, program: str = "") -> LoadConfig:
    """The load of a system.toml as Locust and the prober are told it; ``program`` is the door to a client of the
    user's own."""
    load = config.load
    requests = tuple(r for r in load.requests if not (plan.reads_only and (r.kind == "write" or r.needs_known)))
    return LoadConfig(
        endpoint=endpoint,
        deadline_ms=config.service.deadline_ms,
        users=plan.users,
        think_s=load.think_s,
        write_rate=0.0 if plan.reads_only else load.write_rate,
        arrival_rate=load.arrival_rate,
        requests=requests,
        latencies=config.limits.stop_when is not None,
        numbers=(int(load.n[0]), int(load.n[1])),
        login=login_of(config),
        program=program,
        seed=plan.seed,
        samples_dir=str(folder / "samples"),
        ledger_dir=str(folder / "ledger"),
        status_path=str(folder / "load-status.jsonl"),
    )
