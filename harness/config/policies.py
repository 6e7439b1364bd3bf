"""What a team says of its own practice where several are sound: plain values in run.json, by which runs are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.config.schema import SystemConfig

# Of these no two at once are sound practice; a backup may well run beside any of them.
_CHANGING = frozenset({"deploy", "rollback", "restore", "seed"})


@dataclass(frozen=True, slots=True)
class Lock:
    """``operations`` that keep each other out; one that finds it taken waits ``waits_s`` before it gives up."""

    operations: frozenset[str]
    waits_s: float


@dataclass(frozen=True, slots=True)
class Policies:
    """``locks`` as [locks] has them. ``needs_links``, ``checks_space`` and ``asks_monitors`` by operation, without
    those of which nothing is said."""

    locks: tuple[Lock, ...] = ()
    needs_links: Mapping[str, tuple[str, ...]] | None = None
    asks_monitors: Mapping[str, str] | None = None
    checks_space: Mapping[str, bool] | None = None

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> Policies:
        """What ``policies`` gave, also after JSON; of an empty table, nothing is said."""
        locks = tuple(Lock(frozenset(lock["operations"]), lock["waits_s"]) for lock in raw.get("locks", ()))
        needs = {name: tuple(links) for name, links in raw.get("needs_links", {}).items()}
        return cls(locks, needs, dict(raw.get("asks_monitors", {})), dict(raw.get("checks_space", {})))

    def share_lock(self, one: str, other: str) -> bool | None:
        """Whether two operations keep each other out; None where nothing is said, and both are sound."""
        if any({one, other} <= lock.operations for lock in self.locks):
            return True
        if any({one, other} & lock.operations for lock in self.locks):
            return False
        return True if {one, other} <= _CHANGING else None

    def waits_s(self, operation: str) -> float | None:
        """How long it waits for a lock; None where nothing is said."""
        return max((lock.waits_s for lock in self.locks if operation in lock.operations), default=None)

    def needs_link(self, operation: str, link: str) -> bool | None:
        """Whether it cannot work without the link; None where nothing is said."""
        said = (self.needs_links or {}).get(operation)
        return None if said is None else link in said

    def looks_at_space(self, operation: str) -> bool | None:
        """Whether it makes sure that there is room before it writes; None where nothing is said."""
        return (self.checks_space or {}).get(operation)

    def asks(self, operation: str) -> str:
        """When it asks the monitors: ``throughout``, ``before``, or empty where nothing is said."""
        return (self.asks_monitors or {}).get(operation, "")


def policies(config: SystemConfig) -> dict[str, Any]:
    """Those of a system as plain values."""
    operations = config.operations
    return {
        "locks": [{"operations": list(lock.operations), "waits_s": lock.waits_s} for lock in config.locks.values()],
        "needs_links": {n: list(o.needs_links) for n, o in operations.items() if o.needs_links is not None},
        "asks_monitors": {n: o.asks_monitors for n, o in operations.items() if o.asks_monitors},
        "checks_space": {n: o.checks_space for n, o in operations.items() if o.checks_space is not None},
    }
