"""What is made under a hidden name and gets its own once it is whole, so that a reader never sees half of it."""

from __future__ import annotations

import os
from pathlib import Path

# Staged folders and files of a directory, and of its directories' own.
STAGED = ".*.partial"


def staged(path: Path) -> Path:
    """Where ``path`` is made: beside it, hidden."""
    return path.with_name(f".{path.name}.partial")


def write_whole(path: Path, content: bytes) -> Path:
    """Put the whole file in place at once, over an older one too."""
    partial = staged(path)
    partial.write_bytes(content)
    os.replace(partial, path)
    return path
