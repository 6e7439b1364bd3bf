"""The dependencies of a system at the far side, and the links it reaches them by."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from functools import partial
from pathlib import Path

from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, wait_until
from harness.host.commands import Process
from harness.host.outputs import error_in
from harness.links.cable import CONTROL, Cable, FarSide
from harness.links.link import PROXY_PORT, Link
from harness.links.toxiproxy import ToxiproxyApi
from harness.links.toxiproxy_server import HINT, find_server
from harness.system import http
from harness.system.live import LiveSystem

_API_PORT = 8474
_DEADLINE_S = 15.0


class Dependencies:
    """The far side of one run, with Toxiproxy in front of every dependency."""

    def __init__(self, system: LiveSystem) -> None:
        self._system = system
        self._logs = system.recorder.folder / "operations"
        self.processes: dict[str, Process] = {}
        server = find_server()
        if server is None:
            raise HarnessError(
                "lay the links",
                "there is no toxiproxy-server",
                HINT,
                ExitCode.UNKNOWN,
                matter="host",
            )
        self.far = FarSide(self._logs / "far.log")
        self.far.spawn(
            [str(server), "-host", CONTROL.far, "-port", str(_API_PORT)], {**os.environ}, self._logs / "toxiproxy.log"
        )
        self.api = ToxiproxyApi(CONTROL.far, _API_PORT)
        self.api.wait_ready(_DEADLINE_S)

    def start(self, near: Collection[str] = ()) -> None:
        """Start every dependency, wait until each is healthy, then lay the links to them, and those back to the near
        side that are named in ``near``."""
        config = self._system.config
        for name, dependency in config.dependencies.items():
            directory = self._system.directory / "far" / name
            directory.mkdir(parents=True, exist_ok=True)
            if self._system.commands.account:
                for path in (directory.parent, directory):
                    self._system.commands.account.own(path)
            self.processes[name] = self.far.spawn(
                self._system.commands.argv(dependency.start, port=str(dependency.port)),
                self._system.commands.env,
                self._logs / f"dependency-{name}.out",
                directory,
                self._system.commands.account,
            )
        for name, dependency in config.dependencies.items():
            health = self._system.commands.text(dependency.health, port=str(dependency.port))
            if not wait_until(partial(self._healthy, health), Deadline(_DEADLINE_S, name), every_s=0.05):
                raise HarnessError(
                    f"start dependency {name}",
                    f"{health} was not healthy after {_DEADLINE_S:g} s; {self._last_words(name)}",
                    f"check [dependencies.{name}] in system.toml",
                    ExitCode.UNKNOWN,
                )
        for number, (name, link) in enumerate(config.links.items(), CONTROL.number + 1):
            if link.near_port and name not in near:
                continue
            cable = self.far.lay(Cable(number))
            if link.near_port:
                upstream = f"{cable.near}:{link.near_port}"
            else:
                upstream = f"127.0.0.1:{config.dependencies[link.upstream].port}"
            self.api.create(name, f"{cable.far}:{PROXY_PORT}", upstream)
            self._system.links.connect(Link(name, upstream, cable, self.far, self.api, link.serves), link.env)

    def _healthy(self, health: str) -> bool:
        """Asked from the far side itself: the dependency listens on its loopback."""
        scheme, _, rest = health.partition("://")
        with self.far.entered():
            if scheme == "http":
                return http.get(health, 1.0).ok
            host, _, port = rest.partition(":")
            try:
                socket.create_connection((host, int(port.partition("/")[0])), 1.0).close()
            except OSError:
                return False
            return True

    def _last_words(self, name: str) -> str:
        path: Path = self._logs / f"dependency-{name}.out"
        said = error_in(path)
        return f"it said: {said}" if said else "it said nothing"
