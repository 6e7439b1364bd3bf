"""Files of the system copied into the run folder: within bounds, never keys, never through a link."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# By name, or by how the file begins: what opens somebody's door is not evidence.
_KEY_NAME = re.compile(
    r"(^|[._-])(key|keys|keyring|secret|secrets|passwd|password|passwords|credential|credentials|token|tokens|htpasswd"
    r"|pgpass|netrc|env|pem|p12|pfx|jks|kdbx|id_(rsa|dsa|ecdsa|ed25519))([._-]|$)",
    re.IGNORECASE,
)
_KEY_HEAD = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY|AGE-SECRET-KEY-1|^openssh-key-v1")
_NAME_BYTES = 200


@dataclass(frozen=True, slots=True)
class Bounds:
    """``most_bytes`` of one file: of a longer one its end, or nothing where only the whole is of use."""

    what: str
    most_files: int
    most_bytes: int
    all_bytes: int
    ends: bool


LOGS = Bounds("log", 200, 4 * 1024 * 1024, 64 * 1024 * 1024, ends=True)
ARTEFACTS = Bounds("file of the data directory", 100, 256 * 1024 * 1024, 512 * 1024 * 1024, ends=False)


class Copies:
    """What was copied into ``folder`` so far, and why the rest was not."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self._folder = folder
        self._bounds = bounds
        self._names: set[str] = set()
        self._bytes = 0
        self._left_out: dict[str, int] = {}
        folder.mkdir(exist_ok=True)

    def copy(self, path: Path, name: str, since: int = 0) -> None:
        """``since``: from that byte on; all of a file that is shorter now, for that was begun anew."""
        bounds = self._bounds
        if path.is_symlink() or not path.is_file():
            return
        try:
            # Not through a link, also not through one made in this moment: it may lead to a key.
            with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as source:
                state = os.fstat(source.fileno())
                new = state.st_size - since if since <= state.st_size else state.st_size
                size = min(new, bounds.most_bytes)
                if _KEY_NAME.search(path.name) or _KEY_HEAD.search(source.read(4096)):
                    self._leave("look like keys")
                elif not bounds.ends and new > bounds.most_bytes:
                    self._leave(f"are longer than {bounds.most_bytes} bytes")
                elif len(self._names) >= bounds.most_files or self._bytes + size > bounds.all_bytes:
                    self._leave(f"are beyond {bounds.most_files} files or {bounds.all_bytes} bytes")
                else:
                    source.seek(state.st_size - size)
                    with (self._folder / self._name(name)).open("wb") as sink:
                        shutil.copyfileobj(_Limited(source, size), sink)
                    self._bytes += size
        except OSError as error:
            self._leave(f"could not be read ({error.strerror})")

    def _name(self, name: str) -> str:
        """One that is free, and short enough for any file system."""
        flat = os.fsdecode(os.fsencode(name.replace("/", "__"))[-_NAME_BYTES:])
        while flat in self._names:
            flat = f"{len(self._names)}-{flat}"[:_NAME_BYTES]
        self._names.add(flat)
        return flat

    def _leave(self, why: str) -> None:
        self._left_out[why] = self._left_out.get(why, 0) + 1

    def left_out(self) -> str:
        """What was not copied, in a sentence; empty when all was."""
        said = ", ".join(f"{n} that {why}" for why, n in self._left_out.items())
        return f"left out of the recording, each a {self._bounds.what}: {said}" if said else ""


class _Limited:
    """The first ``left`` bytes of a file that may grow while it is read."""

    def __init__(self, source: IO[bytes], left: int) -> None:
        self._source = source
        self._left = left

    def read(self, most: int = -1) -> bytes:
        piece = self._source.read(min(most, self._left) if most >= 0 else self._left)
        self._left -= len(piece)
        return piece
