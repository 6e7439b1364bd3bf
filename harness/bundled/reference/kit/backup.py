"""The backup: snapshot, seal, prove by a trial restore, publish, and copy off site."""

from __future__ import annotations

import catalog
import database
import files
import flaws
import offsite
import seal
import snapshot
import space
import trial
from phases import phase
from places import Places
from state import State


def run(places: Places) -> None:
    with phase("backup.check"):
        need = database.size(places.database)
        space.require(places.backups, need + seal.OVERHEAD_BYTES, "the sealed backup")
        space.require(places.data, need, "the snapshot it is made from")
    with catalog.attempt(places) as attempt:
        copy = places.work_file("snapshot")
        try:
            with phase("backup.copy"):
                facts = snapshot.take(places.database, copy)
            with phase("backup.encrypt"):
                manifest = {
                    "name": attempt.backup.name,
                    "bytes": copy.stat().st_size,
                    "sha256": seal.digest_of(copy),
                    "facts": facts,
                }
                # A new key only where no backup needs the old one.
                if flaws.has("wrong_key_backup"):
                    secret = seal.new_key(places.state)
                else:
                    secret = seal.key(places.state, make=not catalog.backups(places))
                seal.seal(copy, attempt.path, secret, manifest)
        finally:
            files.remove_database(copy)
        with phase("backup.verify"):
            trial.restore(places, attempt.path)
            attempt.publish()
    gone = catalog.prune(places)
    print(f"backup {attempt.backup.name}: {attempt.backup.path.stat().st_size} bytes, restored on trial")
    with phase("backup.upload"):
        offsite.upload(State(places), attempt.backup, gone)
