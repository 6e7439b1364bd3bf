"""The system's service at the beginning of a run: started, or found to run already."""

from __future__ import annotations

from harness.errors import ExitCode, HarnessError
from harness.host.locks import locked
from harness.recording.events import SystemUp
from harness.rehearsal.staging.teardown import Teardown
from harness.system.live import LiveSystem


class ServiceStart:
    """Brings the service up in the old version, with its monitors; or attaches to one that runs."""

    def __init__(self, system: LiveSystem, teardown: Teardown) -> None:
        self._system = system
        self._config = system.config
        self._teardown = teardown

    def up(self) -> None:
        """HarnessError when it cannot be had."""
        if self._config.service.attach:
            self._attach()
            return
        service = self._system.service
        stranger = service.ready()
        if stranger.status:
            raise HarnessError(
                f"start the service of {self._config.name}",
                f"somebody else answers at {service.url} already ({stranger.said()})",
                "end what listens there: nothing that is done to the service would be seen through it",
                ExitCode.UNKNOWN,
            )
        self._record_up(service.start(self._config.versions.old))
        self._system.monitors.start_all()

    def _attach(self) -> None:
        """The service must run already, in the old version: what is measured begins there."""
        what, old, service = f"attach to {self._config.name}", self._config.versions.old, self._system.service
        self._lock_exclusively(what)
        if not (ready := service.ready()).ok:
            where = f"{service.url}{self._config.service.ready}"
            raise HarnessError(what, f"{where} is not ready ({ready.said()})", "start it before", ExitCode.UNKNOWN)
        if (version := service.version()) != old:
            why = f"it says it is version {version or 'of no name'}, and versions.old is {old}"
            raise HarnessError(what, why, "a rehearsal begins with the old version in service", ExitCode.UNKNOWN)
        self._record_up(0.0)

    def _lock_exclusively(self, what: str) -> None:
        """Two rehearsals of one system would each take what the other does for its own doing. The kernel takes the lock
        back from whoever dies with it."""
        file = self._config.file.open("rb")
        self._teardown.register("let others rehearse it", file.close)
        if not locked(file.fileno()):
            why = f"another rehearsal of {self._config.file} is under way"
            raise HarnessError(what, why, "wait for it, or end it", ExitCode.UNKNOWN, matter="host")

    def _record_up(self, seconds: float) -> None:
        service, attached = self._system.service, self._config.service.attach
        health, ready, version = service.health(), service.ready(), service.version()
        self._system.recorder.record(
            SystemUp(
                version=version,
                seconds=round(seconds, 3),
                health="" if health.ok else health.said(),
                ready="" if ready.ok else ready.said(),
                health_status=health.status,
                ready_status=ready.status,
                # Data in use may be large, not be ours to look at, and change meanwhile: nobody asks for its size.
                data_bytes=0 if attached else self._system.files.database_bytes(),
                attached=attached,
            )
        )
