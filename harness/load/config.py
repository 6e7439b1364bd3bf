"""What the Locust process is told: one JSON file, named by the first line of its standard input, and what is never
written down, in the second."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from harness.config.schema import RequestTemplate
from harness.host.endpoint import Endpoint
from harness.system.session import NO_LOGIN, Login

RECORDING_VARIABLE = "DEPLOYDRILL_LOAD_RECORDING"  # "0" switches the recorder off, to measure what it costs

# What a sending process reads from its standard input before it sends anything.
START = b"go\n"
# What ends it, whatever it waits for or does.
STOP = b"stop\n"


def next_line() -> bytes:
    """The next line of standard input, and no byte of the one after it; less once whoever started us is gone."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


@dataclass(frozen=True, slots=True)
class LoadConfig:
    """The load of a run. ``arrival_rate`` above 0 sends non-ledger requests open loop at that rate (1/s) instead of by
    ``users`` with think time; ``write_rate`` is the rate (1/s) of ledger writes, always open loop."""

    endpoint: Endpoint
    deadline_ms: float
    users: int
    think_s: tuple[float, float]
    write_rate: float
    arrival_rate: float
    requests: tuple[RequestTemplate, ...]
    seed: int
    samples_dir: str
    ledger_dir: str
    status_path: str
    numbers: tuple[int, int] = (0, 999_999)
    latencies: bool = False  # whether status lines tell them
    login: Login = NO_LOGIN
    program: str = ""  # the door to a client of the user's own; empty: HTTP

    @property
    def profile(self) -> str:
        """The profile in words, for the report."""
        mix = (
            f"open loop, {self.arrival_rate:g} requests/s"
            if self.arrival_rate
            else f"closed loop, {self.users} users, think time {self.think_s[0]:g}-{self.think_s[1]:g} s"
        )
        return f"{mix}; {self.write_rate:g} ledger writes/s open loop"

    @property
    def locust_users(self) -> int:
        """How many users Locust is to spawn: those with a think time, and one a stream."""
        closed = 0 if self.arrival_rate > 0 else self.users
        return closed + (self.arrival_rate > 0) + (self.write_rate > 0)

    @property
    def writes(self) -> tuple[RequestTemplate, ...]:
        return tuple(t for t in self.requests if t.kind == "write")

    @property
    def mix(self) -> tuple[RequestTemplate, ...]:
        """What users pick from: everything with a weight."""
        return tuple(t for t in self.requests if t.weight > 0)

    def save(self, path: Path) -> bytes:
        """Write it down without how clients log in, which is returned as a line of its own."""
        path.write_bytes(msgspec.json.encode(replace(self, login=NO_LOGIN)))
        return msgspec.json.encode(self.login) + b"\n"

    @staticmethod
    def load(path: Path, login: bytes) -> LoadConfig:
        """What ``save`` wrote, with the line that it gave."""
        config = msgspec.json.decode(path.read_bytes(), type=LoadConfig)
        return replace(config, login=msgspec.json.decode(login, type=Login))
