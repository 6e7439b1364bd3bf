"""Undo records: what a run changes outside its island, written down before the change, to be healed later."""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from harness.errors import ExitCode, HarnessError
from harness.host.clock import Deadline, now, wait_until
from harness.host.healers import HEALERS, Kind, Refused, check_absent, check_key
from harness.host.locks import locked
from harness.host.processes import Identity, boot_id, identity, is_running, pid_namespace

HealOutcome = Literal["healed", "gone", "would heal", "live", "refused", "failed"]

_ID = re.compile(r"\d{19,}-\d+-\d+")
_sequence = itertools.count()


@dataclass(frozen=True, slots=True)
class Record:
    """One change to undo. ``key`` is known before the change is made (a path, a name); ``owner`` is the process that
    made it, which cleans up itself as long as it lives; ``uid`` whose thing it must still be."""

    id: str
    kind: Kind
    key: Mapping[str, Any]
    about: str
    owner: Identity
    uid: int

    @property
    def subject(self) -> str:
        """One line on what it is about."""
        what = " ".join(str(v) for v in self.key.values())
        return f"{self.kind} {what}" + (f" ({self.about})" if self.about else "")


@dataclass(frozen=True, slots=True)
class Healed:
    """What became of one record. Kept for another try: live, refused, failed (and would heal, of a dry run)."""

    id: str
    subject: str
    outcome: HealOutcome
    said: str


def default_state_dir() -> Path:
    """Per host and user: /var/lib for root, else where the XDG rules put state."""
    if os.geteuid() == 0:
        return Path("/var/lib/deploydrill")
    base = os.environ.get("XDG_STATE_HOME", "")
    # The rules: a relative path there is to be ignored.
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "deploydrill"


class UndoLog:
    """Writes the records of this process, one file each, below ``state_dir``."""

    def __init__(self, state_dir: Path | None = None) -> None:
        self.folder = (state_dir or default_state_dir()) / "undo"

    def record(self, kind: Kind, key: Mapping[str, Any], about: str = "") -> str:
        """Write the record down for good and return its id; make the change only after that."""
        check_key(kind, key)
        check_absent(kind, key)
        owner = identity(os.getpid())
        assert owner is not None  # we are running
        # Sorts by time; the pid and the count keep two processes, and two records of one instant, apart.
        id_ = f"{now().wall_ns:019d}-{owner.pid}-{next(_sequence)}"
        record = Record(id_, kind, dict(key), about, owner, os.geteuid())
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                for parent in self.folder.parents[:2]:
                    _sync_folder(parent)
            _check_private(self.folder)
            _write_durably(self.folder / f"{id_}.json", json.dumps(asdict(record)))
        except OSError as error:
            raise HarnessError(
                f"write an undo record below {self.folder}",
                error.strerror or str(error),
                "free some space there, or set XDG_STATE_HOME to a directory of yours",
                ExitCode.HOST_CANNOT,
            ) from error
        return id_

    def done(self, id_: str) -> None:
        """The change was undone (or never made): forget it. Twice is fine."""
        _forget(self.folder / f"{id_}.json")


def heal(state_dir: Path | None = None, dry_run: bool = False, below: Path | None = None) -> list[Healed]:
    """Undo what dead processes recorded and did not undo, the newest change first; ``below``: only what lies there.

    Records of a living process are left alone, so this may run beside a run. Two at once take turns: each would
    otherwise take what the other has half removed for something that cannot be removed.
    """
    folder = (state_dir or default_state_dir()) / "undo"
    if not folder.is_dir():
        return []
    _check_private(folder)
    with _turn(folder):
        return _heal_all(folder, dry_run, below)


@contextmanager
def _turn(folder: Path, limit_s: float = 60.0) -> Iterator[None]:
    """The lock on the directory itself; the kernel takes it back from whoever dies with it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    try:
        if not wait_until(partial(locked, descriptor), Deadline(limit_s, "another heal to end"), every_s=0.05):
            raise HarnessError(
                f"heal what is recorded below {folder}",
                f"another heal has been at it for {limit_s:g} s",
                "wait for it or end it, then try again",
                ExitCode.HOST_CANNOT,
            )
        yield
    finally:
        os.close(descriptor)


def _heal_all(folder: Path, dry_run: bool, below: Path | None) -> list[Healed]:
    done: list[Healed] = []
    for path in sorted(folder.iterdir(), reverse=True):
        if path.name.startswith("."):
            _drop_torn(path)
            continue
        try:
            record = _read(path)
        except FileNotFoundError:
            continue  # its maker has just undone it
        except (ValueError, KeyError, TypeError, AttributeError, OSError, HarnessError) as error:
            done.append(Healed(path.stem, str(path), "refused", f"not a record of ours ({error}); remove it by hand"))
            continue
        if below is not None and below not in Path(str(record.key.get("path", ""))).parents:
            continue
        outcome, said = _heal(record, dry_run)
        if outcome in ("healed", "gone") and not dry_run:
            _forget(path)
        done.append(Healed(record.id, record.subject, outcome, said))
    return done


def _heal(record: Record, dry_run: bool) -> tuple[HealOutcome, str]:
    owner = record.owner
    # After a reboot every maker is dead; in this boot, a pid of another namespace (of a container that has this state
    # directory mounted) says nothing here.
    if owner.boot == boot_id() and owner.pid_namespace != pid_namespace():
        return "refused", "made in another pid namespace of this boot, where its maker may be alive; run heal there"
    if is_running(owner):
        return "live", f"process {owner.pid} that made it is running"
    healer = HEALERS[record.kind](record.key, record.uid, owner.boot)
    try:
        found = healer.find()
        if found is None:
            return "gone", "no longer there"
        if dry_run:
            return "would heal", found
        healer.undo()
        left = healer.find()
        return ("failed", f"still there: {left}") if left else ("healed", found)
    except Refused as error:
        return "refused", str(error)
    except OSError as error:
        return "failed", f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")


def _read(path: Path) -> Record:
    content = json.loads(path.read_text(encoding="utf-8"))
    owner = Identity(**content.pop("owner"))
    record = Record(**content, owner=owner)
    if record.id != path.stem or not _ID.fullmatch(record.id):
        raise ValueError("its id is not its file name")
    check_key(record.kind, record.key)
    return record


def _check_private(folder: Path) -> None:
    """Who can write records can make heal remove things: the directory must be ours alone."""
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise HarnessError(
            f"use undo records below {folder}",
            f"the directory belongs to uid {status.st_uid}, mode {status.st_mode & 0o777:o}: others could write there",
            f"chmod go-w {folder}, or set XDG_STATE_HOME to a directory of yours",
            ExitCode.HOST_CANNOT,
        )


def _write_durably(path: Path, text: str) -> None:
    torn = path.with_name(f".{path.name}")
    descriptor = os.open(torn, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(torn, path)
    except OSError:
        torn.unlink(missing_ok=True)
        raise
    # The directory too: a rename alone is not durable.
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    # Not synced: a record that comes back after a crash finds its thing gone, and that is fine.


def _drop_torn(path: Path) -> None:
    """A record whose writer died while writing it: the change it announced was never made."""
    age_s = (now().wall_ns - path.stat(follow_symlinks=False).st_mtime_ns) / 1e9 if path.exists() else 0
    if age_s > 60:
        path.unlink(missing_ok=True)
