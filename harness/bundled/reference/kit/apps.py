"""The versions of the service as processes: start in a slot, try out, drain, stop."""

from __future__ import annotations

import http.client
import os
import sys
import time
from pathlib import Path

import flaws
import lock
import processes
import web
from errors import KitError
from phases import Deadline
from places import SLOTS, Places
from state import State

SERVICE = Path(__file__).resolve().parent.parent / "service" / "app.py"
READY_LIMIT_S = 15.0
DRAIN_LIMIT_S = 5.0
# The first answers of a service that has just come up may take a while.
ANSWER_LIMIT_S = 5.0
# The front may have chosen the old version for a request just before the switch and hand it over just after.
SETTLE_S = 0.25
SMOKE_PATHS = ("/relationships/{0}", "/relationships/search?number={0}", "/relationships/joined?number={0}")
SMOKE_ROUNDS = 7


def other(slot: str) -> str:
    return SLOTS[1 - SLOTS.index(slot)]


def start(places: Places, state: State, slot: str, version: str) -> None:
    """Start ``version`` in ``slot`` and wait until it is ready."""
    argv = [sys.executable, str(SERVICE), "--version", version, "--port", str(places.slot_port(slot))]
    argv += ["--db", str(places.database), "--await-go"]
    # Where a link from the front to this slot arrives; we ourselves ask the slot without one.
    if near := os.environ.get(f"KIT_{slot.upper()}_NEAR"):
        argv += ["--also-on", near]
    with lock.mine():
        processes.end(state.app(slot), 1.0)
        process, note = processes.start(argv, places.logs / f"app-{slot}.log", wait_for_go=True)
        state.set_app(slot, {"version": version, **note})
        processes.go(process)
    deadline = Deadline(READY_LIMIT_S)
    why = "no answer"
    while not deadline.passed:
        if process.poll() is not None:
            raise KitError(f"version {version} ended at once with {process.returncode}: see logs/app-{slot}.log")
        try:
            status, body = web.ask(places.slot_port(slot), "/ready")
            if status == 200:
                return
            why = body.decode(errors="replace")
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.03)
    raise KitError(f"version {version} was not ready within {READY_LIMIT_S:g} s: {why}")


def stop(places: Places, state: State, slot: str) -> None:
    with lock.mine():
        processes.end(state.app(slot), DRAIN_LIMIT_S)
        state.set_app(slot, None)


def ready(places: Places, state: State, slot: str) -> bool:
    """Whether the slot's own process runs and takes traffic."""
    if not processes.alive(state.app(slot)):
        return False
    try:
        return web.ask(places.slot_port(slot), "/ready")[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def version(state: State, slot: str) -> str:
    app = state.app(slot)
    return str(app["version"]) if app else ""


def smoke(port: int, version: str) -> None:
    """Real requests, answered well every time: being "ready" says nothing about them."""
    said = web.ask_json(port, "/version", ANSWER_LIMIT_S).get("version")
    if said != version:
        raise KitError(f"port {port} answers as version {said}, expected {version}")
    for number in range(SMOKE_ROUNDS):
        for path in SMOKE_PATHS:
            try:
                status, body = web.ask(port, path.format(number), ANSWER_LIMIT_S)
            except (OSError, http.client.HTTPException) as error:
                raise KitError(f"version {version} does not answer {path.format(number)}: {error}") from error
            if status >= 500:
                raise KitError(f"version {version} answers {path.format(number)} with {status}: {body[:100]!r}")


def drain(places: Places, state: State, slot: str) -> None:
    """Wait until the requests on their way in ``slot`` are answered, but not for ever."""
    if flaws.has("no_drain"):
        with lock.mine():
            processes.end(state.app(slot), 0)
        return
    if not _set_draining(places, slot, True):
        return
    settled, deadline = Deadline(SETTLE_S), Deadline(DRAIN_LIMIT_S)
    left = -1
    while not deadline.passed:
        left = web.ask_json(places.slot_port(slot), "/internal/in-flight").get("in_flight", -1)
        if left == 0 and settled.passed:
            return
        time.sleep(0.05)
    print(f"drain: {left} requests still on their way after {DRAIN_LIMIT_S:g} s; they will be cut")


def undrain(places: Places, slot: str) -> None:
    _set_draining(places, slot, False)


def _set_draining(places: Places, slot: str, on: bool) -> bool:
    try:
        with lock.mine():
            return web.ask(places.slot_port(slot), f"/internal/drain?on={int(on)}", method="POST")[0] == 200
    except (OSError, http.client.HTTPException):
        return False
