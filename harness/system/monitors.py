"""The monitors of the system under test: started, awaited and asked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.config.schema import MONITOR_DEADLINE_S, MonitorConfig, SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, now, wait_until
from harness.host.commands import Process
from harness.model import NS
from harness.system import http
from harness.system.commands import SystemCommands


class Monitors(Mapping[str, Process]):
    """name -> process of each monitor that was started."""

    def __init__(self, config: SystemConfig, commands: SystemCommands) -> None:
        self._config = config.monitors
        self._commands = commands
        self._processes: dict[str, Process] = {}

    def __getitem__(self, name: str) -> Process:
        return self._processes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._processes)

    def __len__(self) -> int:
        return len(self._processes)

    def start_all(self) -> None:
        """Start every monitor of the system and wait until each answers."""
        for name in self._config:
            self.start(name)
        for name in self._config:
            self.await_answer(name)

    def start(self, name: str) -> None:
        argv = self._commands.argv(self._config[name].start)
        self._processes[name] = self._commands.spawn(argv, f"monitor-{name}.out")

    def await_answer(self, name: str) -> None:
        """Wait until it answers; HarnessError when it does not."""
        if not wait_until(lambda: self.ask(name).ok, Deadline(MONITOR_DEADLINE_S, f"monitor {name}"), every_s=0.05):
            where = self._health(name) or self.file(name)
            raise HarnessError(
                f"start monitor {name}",
                f"{where} did not answer after {MONITOR_DEADLINE_S:g} s ({self.ask(name).said()})",
                f"check [monitors.{name}] in system.toml",
                ExitCode.UNKNOWN,
            )

    def ask(self, name: str) -> http.Answer:
        """What it says, over HTTP or by the file that it writes: one that is stale is no answer."""
        file = self.file(name)
        return _written(file, self._config[name]) if file else http.get(self._health(name), 1.0, http.WORD_BYTES)

    def file(self, name: str) -> Path | None:
        """What the monitor writes while it looks; None for one that answers."""
        named = self._config[name].file
        return Path(self._commands.text(named)) if named else None

    def _health(self, name: str) -> str:
        return self._commands.text(self._config[name].health)

    def stop(self) -> None:
        for process in self._processes.values():
            process.end(1.0)


def _written(file: Path, config: MonitorConfig) -> http.Answer:
    try:
        age_s = (now().wall_ns - file.stat().st_mtime_ns) / NS
        with file.open("rb") as opened:
            body = opened.read(http.WORD_BYTES)
    except OSError as error:
        return http.Answer(0, b"", f"{file}: {error.strerror}")
    if age_s > config.stale_after_s:
        return http.Answer(0, body, f"{file} was last written {age_s:.1f} s ago")
    well = not config.pattern or re.search(config.pattern, body.decode(errors="replace")) is not None
    return http.Answer(200 if well else 503, body)
