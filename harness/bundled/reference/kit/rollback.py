"""The roll-back: to the version before, on the same data, so that every acknowledged write is kept."""

from __future__ import annotations

import os
import subprocess
import sys

import apps
import database
import flaws
import front
import monitors
import repair
from cutover import run as cut_over
from errors import KitError
from phases import phase
from places import Places
from state import State


def run(places: Places) -> None:
    state = State(places)
    with phase("rollback.check"):
        if flaws.has("unverified_rollback"):
            in_background(places)
            return
        repair.settle(places, state)
        monitors.report("before the roll-back")
        wanted, serving = state.get("rollback_to"), front.serving(places)
        if wanted is None:
            raise KitError("there is nothing to roll back to: no deployment was made")
    assert serving is not None
    if apps.version(state, serving) == wanted:
        apps.smoke(places.port, wanted)
        print(f"nothing to do: version {wanted} is serving")
        return
    cut_over(places, state, "rollback", wanted, may_switch=lambda: None, verify=lambda: verify(places))
    print(f"rolled back: version {wanted}")


def verify(places: Places) -> None:
    """The data is there and sound, by our own look at it."""
    connection = database.connect(places.database)
    try:
        database.facts(connection)
    finally:
        connection.close()
    monitors.report("after the roll-back")


def in_background(places: Places) -> None:
    remaining = ",".join(sorted(flaws.active() - {"unverified_rollback"}))
    environment = {**os.environ, "KIT_FLAWS": remaining}
    environment.pop("DEPLOYDRILL_PHASES", None)
    with (places.logs / "rollback.log").open("ab") as log:
        argv = [sys.executable, sys.argv[0], "rollback"]
        subprocess.Popen(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    print("rolled back")
