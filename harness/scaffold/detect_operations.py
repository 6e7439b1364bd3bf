"""What a directory shows of a deployment kit: scripts, make targets and npm scripts that are named for an operation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.toml.shapes import Argv

# The names kits use, the likeliest first. A word may stand among others: db-backup, backup_database.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "seed": ("seed", "populate", "fixtures"),
    "backup": ("backup", "dump"),
    "validate": ("validate", "verify-backup", "check-backup", "validate-backup", "test-backup"),
    "deploy": ("deploy", "release", "upgrade"),
    "rollback": ("rollback", "roll-back", "revert", "undeploy", "downgrade"),
    "restore": ("restore",),
    "status": ("status", "list-backups", "backups"),
}
_SCRIPTS: Mapping[str, Argv] = {".sh": ("sh",), ".bash": ("bash",), ".py": ("python3",), ".js": ("node",), "": ("sh",)}
# Where scripts lie; one below anything else is a part of the program.
_PLACES = {"bin", "scripts", "script", "ops", "deploy", "deployment", "kit", "tools", "ci"}


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was found, and the file it was found in or as."""

    argv: Argv
    where: str


def operations(folder: Path, files: Sequence[Path], texts: Mapping[Path, str]) -> dict[str, Command]:
    """The likeliest command of each operation; exact names before those with more words, scripts before targets."""
    candidates = [*_scripts(folder, files), *_targets(texts), *_npm(texts)]
    found: dict[str, Command] = {}
    for operation, names in _NAMES.items():
        ranked = [(_rank(name, names), n, command) for n, (name, command) in enumerate(candidates)]
        likely = sorted(((rank, n, command) for rank, n, command in ranked if rank is not None), key=lambda r: r[:2])
        if likely:
            found[operation] = likely[0][2]
    return found


def _rank(name: str, names: Sequence[str]) -> int | None:
    """How well a name fits: its place among the names, after all exact ones when it has other words besides."""
    plain = re.sub(r"[_.:\s]+", "-", name.lower())
    if plain in names:
        return names.index(plain)
    words = plain.split("-")
    # A word of another operation makes it doubtful: backup-restore, validate-backup.
    others = {other for those in _NAMES.values() if those != names for other in those}
    return len(names) if names[0] in words and not others & set(words) and len(words) <= 3 else None


def _scripts(folder: Path, files: Sequence[Path]) -> Iterator[tuple[str, Command]]:
    for path in files:
        runner = _SCRIPTS.get(path.suffix)
        if runner is None or (path.suffix == "" and not os.access(folder / path, os.X_OK)):
            continue
        if path.suffix in (".py", ".js") and not set(path.parent.parts) <= _PLACES:
            continue  # a module of the program, which only has such a name
        direct = os.access(folder / path, os.X_OK)
        yield path.stem, Command((*(() if direct else runner), f"{{system}}/{path}"), str(path))


def _targets(texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    for file in ("Makefile", "makefile", "GNUmakefile"):
        for target in re.findall(r"^([a-zA-Z][\w.-]*)\s*:(?!=)", texts.get(Path(file), ""), re.M):
            yield target, Command(("make", "-C", "{system}", target), f"{file}, target {target}")


def _npm(texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    try:
        package = json.loads(texts.get(Path("package.json"), "") or "{}")
        scripts = [str(name) for name in package.get("scripts", {})]
    except (ValueError, AttributeError, TypeError):
        return
    for name in scripts:
        yield name, Command(("npm", "--prefix", "{system}", "run", "--silent", name), f"package.json, script {name}")
