"""The operations that the harness knows of a kit: what their commands are told, and what they promise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class KnownOperation:
    """An operation that scenarios ask a kit for. ``argument`` is the placeholder its command needs, ``promise`` what
    has to be true when it exits 0. ``measured``: claims may be made about it."""

    argument: str
    promise: str
    measured: bool = False
    where: Literal["", "island"] = ""


KNOWN_OPERATIONS: dict[str, KnownOperation] = {
    "seed": KnownOperation(
        "{size}", "The data directory holds about {size} bytes of data. The service is down meanwhile.", where="island"
    ),
    "backup": KnownOperation("", "A new backup is complete, durable and good, and `status` names it.", True),
    "validate": KnownOperation(
        "{backup}",
        "{backup} can be restored. It fails for a backup that is empty, cut short or changed in one byte.",
        True,
    ),
    "deploy": KnownOperation("{version}", "{version} answers, and the data holds every acknowledged write.", True),
    "rollback": KnownOperation("", "The old version answers, and the data holds every acknowledged write.", True),
    "restore": KnownOperation(
        "{backup}", "The service answers with all that {backup} held. Clients write while it runs.", True
    ),
    "status": KnownOperation(
        "", 'It prints on stdout {"latest": PATH or null, "backups": [{"name", "path", "size", "eligible"}]}'
    ),
}
OPERATIONS = tuple(KNOWN_OPERATIONS)
MEASURED_OPERATIONS = tuple(name for name, operation in KNOWN_OPERATIONS.items() if operation.measured)
# Steps of a scenario that the harness takes itself: no operation of a kit may have their names.
HARNESS_STEPS = ("read_back", "validate_damaged", "wait")
# Such as ``canary``: an operation of the user's own, which only scenarios of the user's own ask for.
OWN_NAME = r"[a-z][a-z0-9_]{0,63}"
# What the harness once read, and what to do with it now.
DROPPED = {"reset": "no scenario asks for it any more: leave it out"}
