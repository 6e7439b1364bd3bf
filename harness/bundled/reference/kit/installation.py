"""The installation as a whole: start, stop, status."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import apps
import catalog
import database
import front
import lock
import monitors
import offsite
import repair
import seed
from places import SLOTS, Places
from state import State


def start(places: Places, version: str) -> None:
    """Start the service with ``version``, or with the one that was serving when it was stopped."""
    state = State(places)
    seed.prepare(places)
    serving = front.serving(places)
    if serving and state.app(serving):
        repair.settle(places, state)
    else:
        apps.start(places, state, serving or SLOTS[0], version)
        front.move(places, serving or SLOTS[0])
        front.start(places, state)
    serving = front.serving(places)
    assert serving is not None
    apps.smoke(places.port, apps.version(state, serving))
    print(f"started: version {apps.version(state, serving)}")


def stop(places: Places) -> None:
    state = State(places)
    front.stop(state)
    for slot in SLOTS:
        apps.stop(places, state, slot)
    print("stopped")


def status(places: Places) -> dict[str, Any]:
    state, serving = State(places), front.serving(places)
    found = catalog.backups(places)
    return {
        "version": (apps.version(state, serving) if serving else "") or None,
        "schema": _schema(places),
        "latest": str(catalog.latest(places).path) if found else None,
        "backups": [
            {"name": one.name, "path": str(one.path), "size": one.path.stat().st_size, "kind": "full", "eligible": True}
            for one in found
        ],
        "offsite": offsite.copies(state),
        "lock": lock.holder(places),
        "degraded": monitors.missing(),
    }


def print_status(places: Places) -> None:
    print(json.dumps(status(places)))


def _schema(places: Places) -> int | None:
    try:
        connection = database.connect(places.database)
    except sqlite3.Error:
        return None
    try:
        return database.schema(connection)
    except sqlite3.Error:
        return None
    finally:
        connection.close()
