"""From one version to another without a gap: start it, try it, move the traffic, drain the old one, verify; or undo."""

from __future__ import annotations

from collections.abc import Callable

import apps
import files
import flaws
import front
from errors import FencedOut
from phases import phase
from places import Places
from state import State


def run(
    places: Places,
    state: State,
    operation: str,
    version: str,
    may_switch: Callable[[], None],
    verify: Callable[[], None],
) -> None:
    """Raises after everything is back as it was when any step fails. ``may_switch`` raises when the new version, tried
    out by then, should not get traffic; ``verify`` when it should not keep it."""
    old = front.serving(places)
    assert old is not None
    new, old_version = apps.other(old), apps.version(state, old)
    state.set(doing={"operation": operation, "from": old_version, "to": version})
    try:
        with phase(f"{operation}.start"):
            if flaws.has("hard_switch"):
                apps.stop(places, state, old)
                front.move(places, new)
            apps.start(places, state, new, version)
            apps.smoke(places.slot_port(new), version)
            may_switch()
        with phase(f"{operation}.switch"):
            front.move(places, new)
        with phase(f"{operation}.drain"):
            apps.drain(places, state, old)
        with phase(f"{operation}.verify"):
            # The old version still runs, so the way back is one rename.
            apps.smoke(places.port, version)
            verify()
            apps.stop(places, state, old)
            if flaws.has("silent_wal_loss"):  # taken for what the old version left: it is the new one's as well
                files.remove_sidecars(places.database)
    except FencedOut:
        raise  # the way back is the new holder's
    except BaseException as error:
        print(f"{operation}: {error}; going back to version {old_version}", flush=True)
        with phase(f"{operation}.back"):
            _undo(places, state, old, old_version, new)
        raise
    state.set(doing=None)


def _undo(places: Places, state: State, old: str, old_version: str, new: str) -> None:
    apps.undrain(places, old)
    if not apps.ready(places, state, old):
        apps.start(places, state, old, old_version)
    if front.serving(places) != old:
        front.move(places, old)
        apps.drain(places, state, new)
    apps.stop(places, state, new)
    state.set(doing=None)
