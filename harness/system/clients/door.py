"""The door to clients of the user's own: each sender that connects to its socket gets a program that serves it."""

from __future__ import annotations

import socket
import sys
import tempfile
import threading
from pathlib import Path

from harness.config.schema import ClientConfig
from harness.errors import HarnessError
from harness.host.checkout import ROOT
from harness.host.clock import sleep
from harness.host.commands import Process
from harness.system.commands import SystemCommands

_FEW = 3
_PAUSE_S = 0.5
_MOST_OUTPUTS = 20


class ClientDoor:
    """Open from when it is made until ``close``, which ends every program."""

    def __init__(self, config: ClientConfig, url: str, commands: SystemCommands) -> None:
        self._config = config
        self._url = url
        self._commands = commands
        self._folder = tempfile.TemporaryDirectory(prefix="drill-client-")
        self.path = Path(self._folder.name, "door")
        self.programs: list[Process] = []
        self.problem = ""
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        threading.Thread(target=self._serve, name="client-door", daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                # One that ends as soon as it is asked, as the service is away, is not started as fast as it is asked.
                sleep(_PAUSE_S if sum(p.exit is not None for p in self.programs[-_FEW:]) == _FEW else 0.0)
                try:
                    output = f"client-{min(len(self.programs), _MOST_OUTPUTS - 1) + 1}.out"
                    self.programs.append(self._commands.spawn_on(connection, self._argv(), output, self._environment()))
                except (HarnessError, OSError) as error:  # whoever asks finds nobody there
                    self.problem = str(error)

    def _argv(self) -> list[str]:
        if self._config.command:
            return self._commands.argv(self._config.command)
        file = self._commands.text(self._config.python)
        return [sys.executable, "-m", "harness.system.clients.serve", file, self._url]

    def _environment(self) -> dict[str, str]:
        return self._commands.env | ({} if self._config.command else {"PYTHONPATH": str(ROOT)})

    def close(self) -> None:
        self._listener.close()
        for program in self.programs:
            program.end(0.5)
        self._folder.cleanup()
