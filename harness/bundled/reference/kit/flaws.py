"""The flaws the review documents, each switched on by name in ``$KIT_FLAWS`` and implemented in one place."""

from __future__ import annotations

import os

from errors import UsageError

KNOWN = {
    "plain_copy": "a backup copies the live database file alone, and its trial restore only checks integrity",
    "no_space_check": "operations start without looking at the space they need",
    "partial_is_latest": "a backup is written straight to its final name, and stays there when it fails",
    "in_place_restore": "a restore copies over the live file while the service has it open",
    "no_drain": "the old version is killed at the switch, with requests on their way",
    "unverified_rollback": "a rollback goes on in the background and reports success at once",
    "no_lock": "operations do not keep others out",
    "lease_resume": "an operation that stood still past its lease goes on without a look at who holds the lock now",
    "loser_unlocks": "an operation that does not get the lock removes the lock file as it leaves",
    "no_timeout": "the off-site copy waits for its network without any limit",
    "blind_upload": "an off-site copy counts from the moment its upload begins",
    "no_fsync": "files get their names, and SQLite's changes by the kit are committed, without waiting for the disk",
    "stale_wal": "a restore replaces the database file and leaves the old log beside it",
    "vacuous_validation": "a backup is valid when the checking command runs: it checks an empty database",
    "blind_monitor": "the kit asks no monitor: not before the switch, not after it, not for its status",
    "ghost_heartbeat": "a monitor dates its word by its own pulse: it stays fresh when nothing looks any more",
    "ack_early": "the service answers a write once it is in memory: its log is synced only now and then",
    "lying_health": "what the service says of itself, in /health and in its counters, is fine whatever it answers",
    "half_migration": "the migration pages through rows that leave its pages as it goes, and skips every other page",
    "size_only_validation": "a backup is valid when it is as long as it says",
    "wrong_key_backup": "each backup begins with a new key in the place of the one the backups before it need",
    "hard_switch": "the old version is ended before the new one is started",
    "stale_backup": "a backup copies the snapshot that is there already, however old it is",
    "drop_column": "a deployment ends with removing the column that only the version before needs",
    "silent_wal_loss": "a cut-over ends with removing the old version's -wal and -shm, which the new one uses",
    "long_lock": "the migration fills in old rows in small batches with pauses, and all in one transaction",
}


def active() -> frozenset[str]:
    """The flaws asked for; an unknown name is refused, else a typing error would look like a sound kit."""
    names = frozenset(name.strip() for name in os.environ.get("KIT_FLAWS", "").split(",") if name.strip())
    unknown = sorted(names - KNOWN.keys())
    if unknown:
        raise UsageError(f"unknown flaw {', '.join(unknown)}; known are {', '.join(KNOWN)}")
    return names


def has(name: str) -> bool:
    assert name in KNOWN
    return name in active()
