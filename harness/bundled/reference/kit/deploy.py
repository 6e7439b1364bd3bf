"""The deployment: check, expand the schema, cut over to the new version; automatically back when anything fails."""

from __future__ import annotations

import time

import apps
import database
import flaws
import front
import migrate
import monitors
import repair
import space
from cutover import run as cut_over
from errors import UsageError
from phases import phase
from places import Places
from state import State


def run(places: Places, version: str, fence: int) -> None:
    if version not in migrate.SCHEMA_OF:
        raise UsageError(f"there is no version {version}; there are {', '.join(migrate.SCHEMA_OF)}")
    state = State(places)
    with phase("deploy.check"):
        repair.settle(places, state)
        monitors.require_healthy("before the deployment")
        # The migration's log can grow to about the size of what it changes.
        space.require(places.data, database.size(places.database), "the migration")
    serving = front.serving(places)
    assert serving is not None
    if apps.version(state, serving) != version:
        state.set(rollback_to=apps.version(state, serving))
    with phase("deploy.migrate"):
        migrate.to(places.database, migrate.SCHEMA_OF[version], fence)
    since = time.time()  # the monitors look again while the new version starts: waiting for that costs nothing
    cut_over(
        places,
        state,
        "deploy",
        version,
        may_switch=lambda: monitors.require_healthy("before the switch", since),
        verify=lambda: monitors.require_healthy("after the switch", looks=monitors.LOOKS_AFTER_SWITCH),
    )
    if flaws.has("drop_column"):
        migrate.contract(places.database)
    print(f"deployed: version {version}")
