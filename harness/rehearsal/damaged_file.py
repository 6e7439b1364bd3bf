"""A backup file while it is damaged: in place, or by a damaged copy mounted over one that nobody can write to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from harness.errors import HarnessError
from harness.island import mounts

# The one that is hardest to see first: a kit that strikes off a backup by its name has not seen the later ones at all.
MUTATIONS = ("flipped", "truncated", "empty")
# What is left of a truncated one.
_LEFT = 0.6
_FLIP = 0x5A


class CannotDamage(Exception):
    """Why the file could not be damaged, as a sentence without a subject."""


@contextmanager
def damaged(file: Path, mutation: str, scratch: Path) -> Iterator[None]:
    """Within, ``file`` is ``truncated`` (to 60 %), ``flipped`` (one byte in the middle) or ``empty``; afterwards it is
    what it was, also if somebody has removed it meanwhile. ``scratch`` is an empty directory of our own, for no file is
    held in memory. CannotDamage where that cannot be done."""
    with ExitStack() as undo:
        try:
            why = _refused(file)
            undo.enter_context((_mounted_over if why else _in_place)(file, mutation, scratch))
        except (HarnessError, OSError) as error:
            said = error.why if isinstance(error, HarnessError) else error.strerror or str(error)
            how = f"cannot be written to ({why}), nor covered by a damaged copy" if why else "could not be damaged"
            raise CannotDamage(f"{file} {how} ({said})") from error
        yield


def _refused(file: Path) -> str:
    """Why nobody can write to it, such as an immutable one; empty when one can."""
    try:
        file.open("r+b").close()
    except OSError as error:
        return error.strerror or str(error)
    return ""


@contextmanager
def _in_place(file: Path, mutation: str, scratch: Path) -> Iterator[None]:
    before, kept = file.stat(), scratch / "kept"
    at = _cut(before.st_size, mutation)
    with file.open("r+b") as whole, kept.open("w+b") as aside:
        whole.seek(at)
        shutil.copyfileobj(whole, aside)
        _damage(file, at, mutation)
        try:
            yield
        finally:
            aside.seek(0)
            whole.seek(at)
            shutil.copyfileobj(aside, whole)
            whole.truncate(before.st_size)
            whole.flush()
            if not file.exists():  # a kit may have struck it off
                whole.seek(0)
                with file.open("wb") as again:
                    shutil.copyfileobj(whole, again)
                os.chown(file, before.st_uid, before.st_gid)
                file.chmod(before.st_mode & 0o7777)
            os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
            kept.unlink()


@contextmanager
def _mounted_over(file: Path, mutation: str, scratch: Path) -> Iterator[None]:
    copy, like = scratch / "damaged", file.stat()
    shutil.copyfile(file, copy)
    try:
        os.chown(copy, like.st_uid, like.st_gid)
        _damage(copy, _cut(like.st_size, mutation), mutation)
        copy.chmod(like.st_mode & 0o7777)
        os.utime(copy, ns=(like.st_atime_ns, like.st_mtime_ns))
        mounts.mount(str(copy), file, flags=mounts.MS_BIND)
        try:
            yield
        finally:
            mounts.detach(file)
    finally:
        copy.unlink()


def _cut(size: int, mutation: str) -> int:
    """From which byte on it is damaged."""
    return {"truncated": int(size * _LEFT), "flipped": size // 2, "empty": 0}[mutation]


def _damage(file: Path, at: int, mutation: str) -> None:
    with file.open("r+b") as changed:
        if mutation != "flipped":
            changed.truncate(at)
            return
        changed.seek(at)
        if byte := changed.read(1):
            changed.seek(at)
            changed.write(bytes([byte[0] ^ _FLIP]))
