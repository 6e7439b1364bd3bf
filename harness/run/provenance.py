"""Where a number comes from: the harness's commit, hashes of the system's own files, the host."""

from __future__ import annotations

import hashlib
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import commands
from harness.host.clock import now
from harness.island.spec import Kind
from harness.model import NS
from harness.registry import CHECKOUT
from harness.system.schema import SystemConfig

_HASHED_SUFFIXES = {".toml", ".py", ".sh", ".js", ".go", ".sql", ".json", ".conf"}
_MOST_FILES = 500


def provenance(config: SystemConfig, command: str, version: str) -> dict[str, Any]:
    """Commit and version of the harness, a hash over the files of the system's folder, start time, command line."""
    files = _hashes(config.folder)
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


def _hashes(folder: Path) -> dict[str, str]:
    found = sorted(p for p in folder.rglob("*") if p.suffix in _HASHED_SUFFIXES and p.is_file())
    return {str(p.relative_to(folder)): _hash(p) for p in found[:_MOST_FILES]}


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:  # a secret of the team's own, not ours to read
        return "unreadable"


def commit() -> str:
    """The commit of this checkout, with a mark when files differ from it; empty outside a checkout."""
    try:
        done = commands.run(
            ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty", "--exclude=*"], deadline_s=10
        )
    except HarnessError:  # no git here, or a slow one: the run does not need it
        return ""
    return done.output if done.exit == 0 else ""
