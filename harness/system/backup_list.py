"""The backups of a kit without a `status` of the documented form: found by a pattern of paths, or in a listing."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from harness.config.schema import BackupsConfig
from harness.model import Artefact
from harness.system.commands import Said, SystemCommands

_DEADLINE_S = 60.0
_OBJECT_BYTES = 0  # of a backup that is no file here, and whose listing does not tell a size


class CannotList(Exception):
    """Why nobody knows which backups there are, as a sentence."""


def listed(config: BackupsConfig, commands: SystemCommands) -> tuple[str, tuple[Artefact, ...]]:
    """What a restore would use (empty: nothing), and every backup, the newest last. CannotList."""
    found = _by_glob(config, commands) if config.glob else _by_listing(config, commands)
    if not config.latest:
        return (found[-1].path if found else ""), tuple(found)
    said = _said(config.latest, "latest", commands)
    latest = said.stdout.strip().splitlines()[-1].strip() if said.stdout.strip() else ""
    meant = next((a.path for a in found if latest in (a.path, a.name, Path(a.path).name)), latest)
    return meant, tuple(found)


def _by_glob(config: BackupsConfig, commands: SystemCommands) -> list[Artefact]:
    paths = Path("/").glob(commands.text(config.glob).lstrip("/"))
    key: Callable[[Path], object] = (lambda p: p.name) if config.order == "name" else _written_ns
    found: list[Artefact] = []
    for path in sorted(paths, key=key):  # type: ignore[arg-type]  # each key gives one type
        try:
            found.append(Artefact(path.name, str(path), _bytes(path), True))
        except OSError:
            continue  # removed in this moment
    return found


def _by_listing(config: BackupsConfig, commands: SystemCommands) -> list[Artefact]:
    said = _said(config.list, "list", commands)
    found: list[Artefact] = []
    for match in re.finditer(config.pattern, said.stdout, re.MULTILINE):
        groups = match.groupdict()
        name = groups.get("id") or match[0].strip()
        path = groups.get("path") or name
        size = groups.get("size")
        held = int(size) if size and size.isdigit() else _bytes_or(Path(path))
        found.append(Artefact(name, path, held, True, groups.get("kind") or ""))
    return found if config.newest == "last" else found[::-1]


def _said(command: Sequence[str], key: str, commands: SystemCommands) -> Said:
    said = commands.run(command, _DEADLINE_S)
    if said.exit != 0:
        how = "had not ended" if said.exit is None else f"exited with {said.exit}"
        raise CannotList(f"[backups] {key} {how}: {said.error or 'it said nothing'}")
    return said


def _written_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _bytes(path: Path) -> int:
    if not path.is_dir():
        return path.stat().st_size
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def _bytes_or(path: Path) -> int:
    try:
        return _bytes(path) if path.is_absolute() else _OBJECT_BYTES
    except OSError:
        return _OBJECT_BYTES
