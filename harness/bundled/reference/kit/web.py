"""HTTP requests of the kit, each with a limit on its whole duration."""

from __future__ import annotations

import http.client
import json
import math
import socket
from typing import Any

from phases import Deadline
from places import HOST

USER_AGENT = "drill-kit"


class Limited(socket.socket):
    """Each wait gets what is left of the whole, ``step_s`` at most: a peer that takes or gives a byte a second makes
    progress each time, and must not hold us for ever."""

    deadline: Deadline
    step_s: float

    def recv_into(self, *arguments: Any) -> int:
        self._limit()
        return super().recv_into(*arguments)

    def sendall(self, *arguments: Any) -> None:
        self._limit()
        super().sendall(*arguments)

    def _limit(self) -> None:
        if self.deadline.passed:
            raise TimeoutError(f"timed out: more than {self.deadline.seconds:g} s in all")
        self.settimeout(min(self.step_s, self.deadline.left_s))


def connection(host: str, port: int, deadline: Deadline, step_s: float = math.inf) -> http.client.HTTPConnection:
    """A connection to an address (a name is looked up in the resolver's own time) on which nothing outlasts
    ``deadline``."""
    plain = socket.create_connection((host, port), min(step_s, deadline.left_s))
    limited = Limited(fileno=plain.detach())
    limited.deadline, limited.step_s = deadline, step_s
    limited.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made = http.client.HTTPConnection(host, port)
    made.sock = limited
    return made


def ask(
    port: int, path: str, limit_s: float = 1.0, method: str = "GET", host: str = HOST, agent: str = USER_AGENT
) -> tuple[int, bytes]:
    """Status and body; OSError or http.client.HTTPException when there is no answer in time."""
    asked = connection(host, port, Deadline(limit_s))
    try:
        asked.request(method, path, headers={"User-Agent": agent, "Connection": "close"})
        response = asked.getresponse()
        return response.status, response.read()
    finally:
        asked.close()


def ask_json(port: int, path: str, limit_s: float = 1.0) -> dict[str, Any]:
    """The JSON of a 200 answer; {} for anything else."""
    try:
        status, body = ask(port, path, limit_s)
        return dict(json.loads(body)) if status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
