"""What the kit remembers between its invocations: which process runs where, and what was being done."""

from __future__ import annotations

import json
from typing import Any

import files
import lock
from places import Places


class State:
    """``apps``: slot -> version, pid, start time. ``front``: the same of Caddy. ``rollback_to``: the version before the
    last deployment. ``doing``: the operation under way; found by another invocation it means it was interrupted.
    ``offsite``: object -> whether it counts as a copy, and the size it has to have."""

    def __init__(self, places: Places) -> None:
        self._path = places.state / "state.json"
        try:
            self._values: dict[str, Any] = json.loads(self._path.read_text())
        except FileNotFoundError:
            self._values = {}

    def get(self, name: str) -> Any:
        return self._values.get(name)

    def set(self, **values: Any) -> None:
        """Change and save; durable when it returns. Refused to an operation that lost the lock: what it read is old."""
        with lock.mine():
            self._values.update(values)
            files.write_atomically(self._path, json.dumps(self._values, indent=1))

    def app(self, slot: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (self._values.get("apps") or {}).get(slot)
        return found

    def set_app(self, slot: str, app: dict[str, Any] | None) -> None:
        self.set(apps={**(self._values.get("apps") or {}), slot: app})
