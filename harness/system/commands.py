"""The commands of the system under test: their placeholders, environment, account and directory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.schema import SystemConfig
from harness.host import commands
from harness.host.accounts import account
from harness.system.environment import at_home, on_island


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

    def run(self, command: Sequence[str], deadline_s: float) -> commands.Completed:
        """One of the system's commands, to its end; its placeholders are filled in."""
        argv = self.argv(command)
        return commands.run(argv, env=self.env, deadline_s=deadline_s, account=self.account, cwd=self._cwd)

    def spawn(
        self, argv: Sequence[str], output: str, env: Mapping[str, str] | None = None, fork: bool = False
    ) -> commands.Process:
        """Start one of the system's commands; its output goes to that file of the recording."""
        return commands.spawn(
            argv, env=env or self.env, output=self.output(output), cwd=self._cwd, account=self.account, fork=fork
        )
