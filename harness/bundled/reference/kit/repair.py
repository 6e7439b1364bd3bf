"""Puts right a service that is not running as it should: above all after a cut-over that was interrupted."""

from __future__ import annotations

import apps
import front
import processes
from errors import KitError
from places import Places
from state import State


def settle(places: Places, state: State) -> None:
    """Exactly one version runs and has the traffic afterwards: the serving one, unless only the other works.

    We hold the lock, so an operation noted as under way has lost its process.
    """
    serving, doing = front.serving(places), state.get("doing")
    if serving is None:
        raise KitError("the service was never started")
    if doing:
        print(f"repair: {doing['operation']} of version {doing['to']} was interrupted")
    spare = apps.other(serving)
    apps.undrain(places, serving)
    if doing and not _works(places, state, serving) and _works(places, state, spare):
        front.move(places, spare)
        serving, spare = spare, serving
    if not apps.ready(places, state, serving):
        wanted = apps.version(state, serving)
        print(f"repair: starting version {wanted} again")
        apps.start(places, state, serving, wanted)
    if state.app(spare):
        if processes.alive(state.app(spare)):
            apps.drain(places, state, spare)
        apps.stop(places, state, spare)
    front.start(places, state)
    if doing:
        state.set(doing=None)


def _works(places: Places, state: State, slot: str) -> bool:
    if not apps.ready(places, state, slot):
        return False
    try:
        apps.smoke(places.slot_port(slot), apps.version(state, slot))
    except KitError as error:
        print(f"repair: {error}")
        return False
    return True
