"""What the two monitors say, asked at each critical phase: one missing is degraded, none left is blind."""

from __future__ import annotations

import http.client
import json
import os
import time
from urllib.parse import urlsplit

import web
from errors import KitError
from phases import Deadline
from places import HOST

STALE_AFTER_S = 3.0
# Long enough for each monitor to look again.
AGREE_LIMIT_S = 3.0


def require_healthy(moment: str) -> None:
    """Wait until every monitor that answers says healthy, by a look it took after this call began."""
    names = _names()
    if not names:
        print(f"{moment}: no monitors are configured")
        return
    since, deadline = time.time(), Deadline(AGREE_LIMIT_S)
    while True:
        said = {name: _status(name) for name in names}
        seeing = {name: status for name, status in said.items() if status is not None}
        fresh = [status for status in seeing.values() if status["checked_at"] >= since]
        if seeing and len(fresh) == len(seeing) and all(status["healthy"] for status in fresh):
            break
        if deadline.passed:
            if not seeing:
                raise KitError(f"{moment}: no monitor answers; going on would be blind")
            raise KitError(f"{moment}: the monitors do not say healthy: {json.dumps(seeing)}")
        time.sleep(0.1)
    for name in names:
        if name not in seeing:
            print(f"{moment}: degraded, monitor {name} does not answer")


def report(moment: str) -> None:
    """Say what is missing and go on: the way back must not depend on a monitor."""
    for name in missing():
        print(f"{moment}: degraded, monitor {name} does not answer")


def missing() -> list[str]:
    return [name for name in _names() if _status(name) is None]


def _names() -> list[str]:
    return [name for name in os.environ.get("KIT_MONITORS", "").split(",") if name]


def _status(url: str) -> dict[str, object] | None:
    """What a monitor says; None when it is gone, or is there but has not looked for too long."""
    place = urlsplit(url)
    try:
        status, body = web.ask(place.port or 80, place.path, 0.8, host=place.hostname or HOST)
        said = json.loads(body)
        if status == 200 and said["age_s"] <= STALE_AFTER_S:
            return {"healthy": bool(said["healthy"]), "checked_at": float(said["checked_at"]), "why": said.get("why")}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        pass
    return None
