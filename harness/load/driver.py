"""The load of a run: Locust in a process of its own, told to stop through its standard input."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import commands
from harness.host.checkout import ROOT
from harness.host.clock import Deadline, mono_ns, sleep
from harness.host.outputs import last_line
from harness.island.spec import OURS
from harness.load.config import START, STOP, LoadConfig
from harness.load.request_tracker import BadAnswer
from harness.model import NS
from harness.recording.outcomes import REFUSALS

_LOCUSTFILE = Path(__file__).with_name("locustfile.py")
_WINDOW = 10  # status lines (1 s) that must be without error, and over whose halves the rate must not climb
# A load that was refused in each of so many seconds is refused: waiting changes nothing.
_REFUSED_S = 8


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """What Locust last said about itself; ``at_ns`` is when. ``bad`` is every finished request that was not ok;
    ``answered`` are those the server must have counted, and each ``sent_again`` with a new session once more."""

    started: int
    ok: int
    bad: int
    writes_acknowledged: int
    users: int
    at_ns: int
    dropped: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    final: bool = False
    answered: int = 0
    sent_again: int = 0
    bad_answers: tuple[BadAnswer, ...] = ()
    latency_ms_p95: float = 0.0  # of the last seconds; 0 where nobody asked

    @property
    def refused(self) -> int:
        """How many were turned away by a service that is well."""
        return sum(bad.count for bad in self.bad_answers if bad.status in REFUSALS)


@dataclass(frozen=True, slots=True)
class Steady:
    """Whether the load became steady, at which rate and after how long; else why not, and how requests ended badly, the
    commonest way first."""

    ok: bool
    rate_per_s: float
    seconds: float
    why: str
    bad: tuple[BadAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadEnd:
    """``clean``: Locust ended when told to and wrote everything down. Its exit code is no verdict and not used.
    ``started`` by its own count, to be compared with the samples."""

    clean: bool
    why: str
    cpu_s: float
    wall_s: float
    started: int


def tell(process: commands.Process | None, line: bytes) -> None:
    """A line that a sending process of ours waits for, such as START before it sends anything."""
    if process and process.stdin:
        try:
            process.stdin.write(line)
            process.stdin.flush()
        except OSError:  # it is gone: whoever waits for its first samples is told why
            pass


def end_sender(process: commands.Process, deadline_s: float, who: str) -> str:
    """End a sending process of ours: ``stop`` on its standard input, SIGTERM, SIGKILL. Why it was not clean, or ""."""
    ended = process.exit is not None
    if process.stdin and not process.stdin.closed:
        try:
            process.stdin.write(STOP)
            process.stdin.close()
        except OSError:  # it is gone: its exit says the rest
            pass
    if ended:
        return f"{who} had ended by itself"
    grace_s = 0.7 * deadline_s
    if process.wait(grace_s) is not None:
        return ""
    process.end(0.2 * deadline_s)
    return f"{who} did not stop within {grace_s:g} s and was killed"


class LoadDriver:
    """Starts, configures, watches and stops the Locust process. ``folder`` gets its configuration and its output."""

    config: LoadConfig  # once it is configured

    def __init__(self, folder: Path, env: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self._env = dict(os.environ if env is None else env)
        self._process: commands.Process | None = None
        self._began_ns = 0
        self._lines: list[LoadProgress] = []
        self._read_to = 0
        self._reading = threading.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def prepare(self) -> None:
        """Start the process, which imports Locust and then waits for ``configure``: that takes longer than most
        services take to come up, beside which it is done."""
        # Locust reads defaults from LOCUST_* and ~/.locust.conf; a run must not depend on who started it.
        env = {k: v for k, v in self._env.items() if not k.startswith("LOCUST_")}
        env |= {"HOME": str(self._folder), "PYTHONPATH": str(ROOT), OURS: "load"}
        self._process = commands.spawn(
            [
                *(sys.executable, "-m", "locust", "-f", str(_LOCUSTFILE), "--headless", "--only-summary"),
                *("--loglevel", "WARNING"),
            ],
            env=env,
            cwd=self._folder,
            output=self._folder / "load.out",
            stdin_pipe=True,
        )

    def configure(self, config: LoadConfig) -> None:
        """Tell it what to send, and wait for ``start``; what was not prepared is now. HarnessError when ``config``
        cannot be sent."""
        if config.write_rate > 0 and not config.writes:
            raise HarnessError(
                "start the load", 'write_rate is set but no request has kind = "write"', "add one to [[load.requests]]"
            )
        self.config = config
        path = self._folder / "load.json"
        login = config.save(path)
        if self._process is None:
            self.prepare()
        tell(self._process, f"{path}\n".encode() + login)

    def start(self) -> None:
        """Let the users begin."""
        self._began_ns = mono_ns()
        tell(self._process, START)

    def alive(self) -> bool:
        return self._process is not None and self._process.exit is None

    def progress(self) -> LoadProgress:
        self._read()
        return self._lines[-1] if self._lines else LoadProgress(0, 0, 0, 0, 0, 0)

    def wait_steady(self, deadline_s: float, acknowledged: int = 20) -> Steady:
        """Wait for all users, ``acknowledged`` writes, a second without error and a rate that stopped climbing."""
        deadline = Deadline(deadline_s, "steady load")
        while True:
            alive = self.alive()
            self._read()
            why = self._not_steady(acknowledged)
            seconds = (mono_ns() - self._began_ns) / NS
            if not why:
                return Steady(True, self._rate(self._lines[-_WINDOW - 1 :]), seconds, "")
            if not alive:
                return Steady(False, 0.0, seconds, f"Locust ended by itself: {self._last_output()}")
            if deadline.passed or self._is_refused():
                rate = self._rate(self._lines[-_WINDOW - 1 :])
                return Steady(False, rate, seconds, f"{why}, after {seconds:.1f} s", self.progress().bad_answers)
            sleep(0.05)

    def _not_steady(self, acknowledged: int) -> str:
        lines = self._lines[-_WINDOW - 1 :]
        if not lines:
            return "Locust has not said anything yet"
        last = lines[-1]
        if last.users < self.config.locust_users:
            return f"{last.users} of {self.config.locust_users} users are running"
        if last.bad > lines[0].bad:
            return f"{last.bad - lines[0].bad} requests of the last second were not ok"
        if self.config.write_rate > 0 and last.writes_acknowledged < acknowledged:
            return f"{last.writes_acknowledged} of {acknowledged} writes were acknowledged"
        if len(lines) <= _WINDOW or lines[0].users < self.config.locust_users:
            return "it has been running for less than a second"
        if last.ok == lines[0].ok:
            return "no request was answered in the last second"
        half = _WINDOW // 2
        before, after = lines[half].started - lines[0].started, last.started - lines[half].started
        # 3 sigma of two Poisson counts: less is noise
        if after - before > 0.3 * before + 3 * (before + after) ** 0.5:
            return f"its rate still climbs ({before} and then {after} requests a half second)"
        return ""

    def _is_refused(self) -> bool:
        """Whether the service has refused requests for a while without a break."""
        seconds = self._lines[::-_WINDOW][: _REFUSED_S + 1]
        return len(seconds) > _REFUSED_S and all(a.refused > b.refused for a, b in pairwise(seconds))

    @staticmethod
    def _rate(lines: list[LoadProgress]) -> float:
        if len(lines) < 2:
            return 0.0
        return (lines[-1].started - lines[0].started) / ((lines[-1].at_ns - lines[0].at_ns) / NS)

    def stop(self, deadline_s: float = 10.0) -> LoadEnd:
        """Ask it to stop; SIGTERM and then SIGKILL when it does not in time."""
        if self._process is None:
            return LoadEnd(False, "the load was never started", 0.0, 0.0, 0)
        why = end_sender(self._process, deadline_s, "Locust")
        if why:
            why = f"{why}: {self._last_output()}"
        last = self.progress()
        if not why and not last.final:
            why = "Locust ended without its closing status line"
        return LoadEnd(not why, why, last.cpu_s, last.wall_s, last.started)

    def _read(self) -> None:
        """Take in the status lines written since the last call, by whichever thread; a torn last line waits for its
        rest."""
        path = Path(self.config.status_path)
        with self._reading:
            if not path.exists():
                return
            with path.open("rb") as file:
                file.seek(self._read_to)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read_to += len(whole)
            self._lines.extend(_progress(json.loads(line)) for line in whole.splitlines())

    def _last_output(self) -> str:
        return last_line(self._folder / "load.out") or "it said nothing"


def _progress(line: Mapping[str, Any]) -> LoadProgress:
    return LoadProgress(
        started=line["started"],
        ok=line["ok"],
        bad=line["bad"],
        writes_acknowledged=line["acknowledged"],
        users=line["users"],
        at_ns=line["t"],
        dropped=line["dropped"],
        cpu_s=line["cpu_s"],
        wall_s=line["wall_s"],
        final=line["final"],
        sent_again=line.get("sent_again", 0),
        answered=line["outcomes"].get("ok", 0) + line["outcomes"].get("http_error", 0),
        bad_answers=tuple(BadAnswer(**bad) for bad in line["bad_answers"]),
        latency_ms_p95=line.get("latency_ms_p95", 0.0),
    )
