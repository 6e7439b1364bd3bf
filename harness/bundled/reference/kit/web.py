"""HTTP requests of the kit, each with a limit on its whole duration."""

from __future__ import annotations

import http.client
import json
from typing import Any

from phases import Deadline
from places import HOST

USER_AGENT = "drill-kit"


def ask(port: int, path: str, limit_s: float = 1.0, method: str = "GET", host: str = HOST) -> tuple[int, bytes]:
    """Status and body; OSError or http.client.HTTPException when there is no answer in time."""
    deadline = Deadline(limit_s)
    connection = http.client.HTTPConnection(host, port, timeout=limit_s)
    try:
        connection.request(method, path, headers={"User-Agent": USER_AGENT, "Connection": "close"})
        response = connection.getresponse()
        body = b""
        while part := response.read1(65536):
            body += part
            if deadline.passed:
                raise TimeoutError(f"{path} took longer than {limit_s:g} s")
        return response.status, body
    finally:
        connection.close()


def ask_json(port: int, path: str, limit_s: float = 1.0) -> dict[str, Any]:
    """The JSON of a 200 answer; {} for anything else."""
    try:
        status, body = ask(port, path, limit_s)
        return dict(json.loads(body)) if status == 200 else {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
