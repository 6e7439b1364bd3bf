"""The commands of the system under test: their placeholders, environment, account and directory."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.schema import SystemConfig
from harness.host import commands, outputs
from harness.host.accounts import account
from harness.host.clock import Deadline
from harness.system.environment import at_home, on_island

# So often is looked at a command that runs, and its output kept within its bounds.
_LOOK_S = 0.05
# So long a command that was killed has until it is gone.
_GONE_S = 5.0


@dataclass(frozen=True, slots=True)
class Said:
    """How a command of the system ended, and what it printed; ``exit`` is None if it was killed at its deadline."""

    exit: int | None
    stdout: str
    stderr: str

    @property
    def error(self) -> str:
        """The line that tells its error; empty if it printed nothing."""
        return outputs.telling_line(self.stderr) or outputs.telling_line(self.stdout)


class SystemCommands:
    """Fills in a command of the system and runs it, as the system's user and in its environment."""

    def __init__(
        self, config: SystemConfig, directory: Path, port: int, size_bytes: int, python: str, outputs: Path
    ) -> None:
        """``outputs`` is where the output of spawned commands goes."""
        attached = config.service.attach
        self.values = {
            "dir": str(directory),
            "system": str(config.folder),
            "python": python,
            "host": "127.0.0.1",
            "port": str(port),
            "size": str(size_bytes),
            "version": config.versions.old,
        }
        self.account = account(config.user) if config.user else None
        if attached:
            self.env = at_home(config.user if self.account else "")
        else:
            self.env = on_island(Path(python), directory / "home")
        self.env |= {k: self.text(v) for k, v in config.env.items()}
        # One that runs already may leave programs where its commands are run, which outlive the run.
        self._cwd = config.folder if attached else directory
        self._outputs = outputs

    def text(self, template: str, **more: str) -> str:
        return fill(template, {**self.values, **more})

    def argv(self, command: Sequence[str], **more: str) -> list[str]:
        return [self.text(part, **more) for part in command]

    def output(self, name: str) -> Path:
        """Where the output of a spawned command of that name is written."""
        return self._outputs / name

    def run(self, command: Sequence[str], deadline_s: float, meanwhile: Callable[[], object] = lambda: None) -> Said:
        """One of the system's commands, to its end, or killed at its deadline with its whole session; its placeholders
        are filled in. ``meanwhile`` is called while it runs.

        Its output goes to files, never to pipes: nobody waits for what it leaves behind to close them. HarnessError
        when it cannot be started.
        """
        deadline = Deadline(deadline_s, "the end of a command")
        with tempfile.TemporaryDirectory(prefix="drill-said-") as place:
            out, errors = Path(place, "out"), Path(place, "errors")
            hollow: set[Path] = set()
            with errors.open("ab") as sink:
                process = commands.spawn(
                    self.argv(command), env=self.env, cwd=self._cwd, output=out, errors=sink, account=self.account
                )
            while (code := process.wait(min(_LOOK_S, deadline.left_s))) is None and not deadline.passed:
                meanwhile()
                hollow |= {file for file in (out, errors) if outputs.trim(file, hollow=True)}
            if code is None:
                process.kill()
                process.wait(_GONE_S)
            for file in hollow:
                outputs.trim(file)
            return Said(code, outputs.tail(out, outputs.MOST_BYTES), outputs.tail(errors, outputs.MOST_BYTES))

    def spawn_on(
        self, connection: socket.socket, argv: Sequence[str], output: str, env: Mapping[str, str]
    ) -> commands.Process:
        """Start a program whose standard input and output are the connection; its errors go to that file of the
        recording."""
        return commands.spawn(
            argv,
            env=env,
            output=self.output(output),
            cwd=self._cwd,
            account=self.account,
            connection=connection.fileno(),
        )

    def spawn(
        self, argv: Sequence[str], output: str, env: Mapping[str, str] | None = None, fork: bool = False
    ) -> commands.Process:
        """Start one of the system's commands; its output goes to that file of the recording."""
        return commands.spawn(
            argv, env=env or self.env, output=self.output(output), cwd=self._cwd, account=self.account, fork=fork
        )
