"""Files that are whole or not there: written aside, fsynced, renamed, and the directory fsynced too."""

from __future__ import annotations

import os
from pathlib import Path

import flaws

SIDECARS = ("-wal", "-shm", "-journal")


def write_atomically(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        sync(file.fileno())
    publish(aside, path)


def publish(aside: Path, path: Path) -> None:
    """Give a finished, fsynced file its name. Without the directory's own fsync the rename may not survive."""
    os.replace(aside, path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def sync(descriptor: int) -> None:
    """What was written to the file, or changed in the directory, survives a power cut from here on."""
    if durable():
        os.fsync(descriptor)


def durable() -> bool:
    """Whether this kit waits for the disk at all."""
    return not flaws.has("no_fsync")


def remove_database(path: Path) -> None:
    path.unlink(missing_ok=True)
    remove_sidecars(path)


def remove_sidecars(path: Path) -> None:
    for suffix in SIDECARS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
