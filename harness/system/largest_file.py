"""The largest file of a backup or of a database, which holds most of it."""

from __future__ import annotations

from pathlib import Path

Identity = tuple[int, int]


def largest_file(path: Path) -> Path:
    """The file itself, or the largest below a directory; ``path`` where there is none."""
    if path.is_dir():
        return max((p for p in path.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size, default=path)
    return path


def identity(backup: str) -> Identity | None:
    """Which file a backup is, of those that may have had its path: number and time of writing of its largest file. None
    for one that is no file here."""
    if not backup.startswith("/"):
        return None
    try:
        stat = largest_file(Path(backup)).stat()
    except OSError:
        return None
    return stat.st_ino, stat.st_mtime_ns
