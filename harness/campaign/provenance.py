"""Where a number comes from: the harness's commit, hashes of the system's own files, the host."""

from __future__ import annotations

import hashlib
import os
import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.config.programs import commands as commands_of
from harness.config.schema import SystemConfig
from harness.errors import HarnessError
from harness.host import commands
from harness.host.checkout import IS_CHECKOUT, ROOT
from harness.host.clock import now
from harness.model import NS, Kind

_HASHED_SUFFIXES = {".toml", ".py", ".sh", ".js", ".go", ".sql", ".json", ".conf"}
_MOST_FILES = 500
_END_OF_WORD = re.compile(r"[\s'\":;,()|&<>]")


def provenance(config: SystemConfig, command: str, version: str) -> dict[str, Any]:
    """Commit and version of the harness, a hash over the files of the system, start time, command line."""
    files = _hashes(config)
    whole = hashlib.sha256("".join(f"{n}:{h};" for n, h in sorted(files.items())).encode()).hexdigest()
    return {
        "deploydrill": version,
        "commit": commit(),
        "system_hash": whole[:16],
        "files": {name: digest[:16] for name, digest in files.items()},
        "started_utc": datetime.fromtimestamp(now().wall_ns / NS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "command": command,
    }


def host_facts(kind: Kind, attached: bool = False) -> dict[str, Any]:
    """What the numbers were taken on."""
    none = "none: the system runs already" if attached else "none: own process group only"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpus": os.cpu_count(),
        "memory_bytes": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "island": {"root": "full", "user": "in a user namespace", "none": none}[kind],
    }


def _hashes(config: SystemConfig) -> dict[str, str]:
    """Of what lies in the system's folder, and of what its commands and its environment name outside it; by their names
    as seen from that folder."""
    places = dict.fromkeys([config.folder, *_elsewhere(config)])
    return {os.path.relpath(p, config.folder): _hash(p) for place in places for p in _files(place)}


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(p for p in place.rglob("*") if p.suffix in _HASHED_SUFFIXES and p.is_file())[:_MOST_FILES]


def _elsewhere(config: SystemConfig) -> Iterator[Path]:
    """The folder that a named file lies in, with what it needs; of one that holds our own folder only the file, for the
    rest of it may be anything."""
    own = config.folder
    for path in _named(config):
        place = path if path.is_dir() else path.parent
        if own.is_relative_to(place):
            if path.is_file() and path.parent != own:
                yield path
        elif not place.is_relative_to(own):
            yield place


def _named(config: SystemConfig) -> Iterator[Path]:
    """What is named as ``{system}/...`` and is there; within a longer text a name ends where a word does."""
    for text in (*(item for argv in commands_of(config).values() for item in argv), *config.env.values()):
        for rest in text.split("{system}/")[1:]:
            for name in (rest, _END_OF_WORD.split(rest)[0]):
                # As it is written: an interpreter of the system's own is most often a link to that of the host.
                path = Path(os.path.normpath(config.folder / name))
                if _is_there(path):
                    yield path
                    break


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than a name can be: a whole script
        return False


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # a secret of the team's own, not ours to read
        return "unreadable"


def commit() -> str:
    """The commit of this checkout, with a mark when files of the harness differ from it; empty outside a checkout. What
    a scenario says is in the plan of a run, whatever becomes of its file."""
    if not IS_CHECKOUT:
        return ""  # git would tell the commit of whatever project the packages are installed below
    git = ["git", "-C", str(ROOT)]
    try:
        done = commands.run([*git, "describe", "--always", "--exclude=*"], deadline_s=10)
        changed = commands.run([*git, "status", "--porcelain", "--untracked-files=no", "--", "harness"], deadline_s=10)
    except HarnessError:  # no git here, or a slow one: the run does not need it
        return ""
    mark = "-dirty" if changed.output or changed.exit else ""
    return f"{done.output}{mark}" if done.exit == 0 else ""
