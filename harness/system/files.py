"""The files of the system under test: its database, backups, logs, and what its far side keeps."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath

from harness.config.schema import SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.model import OffsiteCopy
from harness.system.commands import SystemCommands
from harness.system.copies import ARTEFACTS, LOGS, Copies


class SystemFiles:
    """Looked at from outside, where system.toml says they are."""

    def __init__(self, config: SystemConfig, commands: SystemCommands, directory: Path) -> None:
        self._config = config
        self._commands = commands
        self._directory = directory
        # What one that runs already has logged before is of others.
        self._logged_before = {p: p.stat().st_size for p in self.logs()} if config.service.attach else {}

    def data_place(self) -> Path | None:
        """The database file; the whole data directory when the system names no file; None when it names neither."""
        named = self._config.data.database or self._config.data.dir
        return Path(self._commands.text(named)) if named else None

    def database_bytes(self) -> int:
        """The size of that now; 0 when there is none."""
        place = self.data_place()
        if place is None:
            return 0
        return _total_bytes(place)

    def backup_bytes(self) -> int:
        """The size of the largest backup there is; 0 when there is none."""
        folder = Path(self._commands.text(self._config.data.backup_dir))
        return max(map(_total_bytes, folder.iterdir()), default=0) if folder.is_dir() else 0

    def newest_backup_bytes(self) -> int:
        """Size of the backup written last; an error when there is none, for then no share of it can be told."""
        folder = Path(self._commands.text(self._config.data.backup_dir))
        files = [p for p in folder.rglob("*") if p.is_file()]
        size = max(files, key=lambda p: p.stat().st_mtime_ns).stat().st_size if files else 0
        if not size:
            hint = "a fault at a share of the bytes needs [data] backup_dir, and a backup there before its upload"
            raise HarnessError("size the newest backup", f"there is none in {folder}", hint, ExitCode.UNKNOWN)
        return size

    def stored(self) -> dict[str, int] | None:
        """What the far side really keeps, path below its store -> bytes; None when no dependency says where."""
        if not self._stores():
            return None
        found: dict[str, int] = {}
        for place in self._stores():
            for path in place.rglob("*"):
                with suppress(FileNotFoundError):  # renamed or removed by its server in this moment
                    if path.is_file():
                        found[str(path.relative_to(place))] = path.stat().st_size
        return found

    def digests(self, wanted: Iterable[OffsiteCopy]) -> dict[str, str]:
        """Of the stored objects whose digest `status` tells, path below the store -> ``sha256:...``, by the algorithm
        of theirs. Of a pattern, which may mean several objects, there is none."""
        found: dict[str, str] = {}
        for copy in wanted:
            algorithm = copy.digest.partition(":")[0]
            for place in self._stores() if algorithm else ():
                for path in (place / copy.object, *place.rglob(PurePath(copy.object).name or "*")):
                    with suppress(OSError, ValueError), path.open("rb") as file:
                        name = str(path.relative_to(place))
                        found[name] = f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
        return found

    def _stores(self) -> list[Path]:
        return [Path(self._commands.text(d.store)) for d in self._config.dependencies.values() if d.store]

    def logs(self) -> list[Path]:
        """The system's own logs, from [service] logs (files or directories)."""
        files: list[Path] = []
        for entry in self._config.service.logs:
            path = Path(self._commands.text(entry))
            with suppress(PermissionError):  # a directory on the way is not ours to look into
                found = path.rglob("*") if path.is_dir() else [path]
                files.extend(p for p in found if p.is_file() and not p.is_symlink())
        return sorted(files)

    def copy_out(self, folder: Path, keep_data: bool) -> list[str]:
        """Copy the system's logs, and its data when asked, to the run folder: never what looks like a key, nor through
        a link, and no more than copies.py allows. Returns what was left out, in words."""
        logs = Copies(folder / "logs", LOGS)
        for path in self.logs():
            name = str(path.relative_to(self._directory)) if path.is_relative_to(self._directory) else path.name
            logs.copy(path, name, self._logged_before.get(path, 0))
        copied = [logs]
        if keep_data:
            data = Path(self._commands.text(self._config.data.dir))
            artefacts = Copies(folder / "artefacts", ARTEFACTS)
            for path in sorted(data.iterdir()) if data.is_dir() else ():
                artefacts.copy(path, path.name)
            copied.append(artefacts)
        return [said for c in copied if (said := c.left_out())]


def _total_bytes(place: Path) -> int:
    """Of a file, or of all in a directory."""
    files = [place] if place.is_file() else place.rglob("*")
    return sum(p.stat().st_size for p in files if p.is_file())
