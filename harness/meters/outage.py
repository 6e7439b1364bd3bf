"""The prober as the run holds it: started, watched and stopped; what it saw is in the samples."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.config.schema import ProbeConfig
from harness.errors import HarnessError
from harness.host import commands
from harness.host.checkout import ROOT
from harness.host.clock import Deadline, wait_until
from harness.host.outputs import last_line
from harness.island.spec import OURS
from harness.load.config import START, LoadConfig
from harness.load.driver import end_sender, tell
from harness.load.request_tracker import BadAnswer
from harness.meters.prober import ProberConfig
from harness.recording.samples import answered_channels

# The line by which the prober says how it ended.
_END_CHARS = 16_000


DEFAULT = ProbeConfig()


@dataclass(frozen=True, slots=True)
class ProberEnd:
    """``clean``: it ended when told to and wrote everything down. ``real_time``: it ran before all else here.
    ``contents``: which kinds of content each request was answered with, the usual one first."""

    clean: bool
    why: str
    started: int
    real_time: bool
    cpu_s: float
    wall_s: float
    contents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bad_answers: tuple[BadAnswer, ...] = ()


def prober_config(load: LoadConfig, probe: ProbeConfig = DEFAULT) -> ProberConfig:
    """The probes that go with a load: its first read (if possible one that needs no known token) and its first write,
    or the first of those that ``probe`` names."""
    named = [t for t in load.requests if t.name in probe.requests] if probe.requests else load.requests
    reads = [t for t in named if t.kind == "read"]
    if not reads:
        raise HarnessError(
            "start the prober", 'no request has kind = "read"', "add one to [[load.requests]]: downtime is judged by it"
        )
    read = next((t for t in reads if not t.needs_known), reads[0])
    # The first that can be sent at all: a write of a known token waits for another that makes one.
    write = next((t for t in named if t.kind == "write" and not t.needs_known), None)
    prefix = load.endpoint.prefix  # Locust puts it before every path, too
    return ProberConfig(
        endpoint=load.endpoint,
        deadline_ms=load.deadline_ms,
        interval_ms=probe.every_ms,
        read=replace(read, path=prefix + read.path),
        write=replace(write, path=prefix + write.path) if write else None,
        samples_dir=load.samples_dir,
        ledger_dir=load.ledger_dir,
        seed=load.seed,
        numbers=load.numbers,
        login=load.login,
        program=load.program,
    )


class Prober:
    """Starts and stops the prober process. ``folder`` gets its configuration and its output."""

    def __init__(self, config: ProberConfig, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self.config = config
        self._folder = folder
        self._env = dict(os.environ if env is None else env)
        self._process: commands.Process | None = None

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def prepare(self) -> None:
        """Start the process, which imports what it needs and then waits for ``start``."""
        path = self._folder / "probe.json"
        login = self.config.save(path)
        self._process = commands.spawn(
            [sys.executable, "-m", "harness.meters.prober", str(path)],
            env=self._env | {"PYTHONPATH": str(ROOT), OURS: "prober"},
            cwd=self._folder,
            output=self._folder / "probe.out",
            stdin_pipe=True,
        )
        tell(self._process, login)

    def start(self, deadline_s: float = 5.0) -> None:
        """Let it probe and wait until it does; what was not prepared is now."""
        if self._process is None:
            self.prepare()
        tell(self._process, START)
        samples = self._samples

        def probing() -> bool:
            return not self.alive() or (samples.exists() and samples.stat().st_size > 0)

        if not wait_until(probing, Deadline(deadline_s, "the prober's first samples")) or not self.alive():
            self.stop(1.0)
            raise HarnessError("start the prober", self._last_output(), "see probe.out beside the recording")

    def alive(self) -> bool:
        return self._process is not None and self._process.exit is None

    @property
    def _samples(self) -> Path:
        return Path(self.config.samples_dir) / f"probe-{self.pid}.bin"

    def unanswered(self) -> list[str]:
        """The channels on which no probe has been answered well so far."""
        answered = answered_channels(self._samples)
        return [name for name in self.config.channels if name not in answered]

    def stop(self, deadline_s: float = 5.0) -> ProberEnd:
        """Ask it to stop; SIGTERM and then SIGKILL when it does not in time."""
        if self._process is None:
            return ProberEnd(False, "the prober was never started", 0, False, 0.0, 0.0)
        why = end_sender(self._process, deadline_s, "the prober")
        end = self._end()
        if not end:
            why = f"{why or 'the prober ended without its closing line'}: {self._last_output()}"
        return ProberEnd(
            clean=not why,
            why=why,
            started=end.get("started", 0),
            real_time=end.get("real_time", False),
            cpu_s=end.get("cpu_s", 0.0),
            wall_s=end.get("wall_s", 0.0),
            contents=end.get("contents", {}),
            bad_answers=tuple(BadAnswer(**bad) for bad in end.get("bad_answers", ())),
        )

    def _end(self) -> dict[str, Any]:
        try:
            end: dict[str, Any] = json.loads(self._last_output())
        except json.JSONDecodeError:
            return {}
        return end

    def _last_output(self) -> str:
        return last_line(self._folder / "probe.out", _END_CHARS) or "it said nothing"
