"""The largest file of a backup or of a database, which holds most of it."""

from __future__ import annotations

from pathlib import Path


def largest_file(path: Path) -> Path:
    """The file itself, or the largest below a directory; ``path`` where there is none."""
    if path.is_dir():
        return max((p for p in path.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size, default=path)
    return path
