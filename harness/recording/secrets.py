"""Values of the environment that are nobody's business, overwritten with stars wherever a recording holds them."""

from __future__ import annotations

import json
import mmap
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import structs

from harness.config.schema import SystemConfig
from harness.recording.events import Event
from harness.recording.recorder import EVENTS, OBSERVATIONS, digest

_NAME = re.compile(r"KEY|SECRET|TOKEN|PASS|PWD|CREDENTIAL|AUTH|PRIVATE|COOKIE|SESSION|DSN|_URL$|_URI$", re.IGNORECASE)
_HIDDEN_IN_URL = re.compile(r"://[^/@\s]*:([^/@\s]+)@")
# What an account may tell besides what nobody else knows.
_NO_SECRET = re.compile("name|user|mail|login|role|tenant|team|group|org|id$", re.IGNORECASE)
LEAST_CHARS = 8
# Words that a recording is made of (`acknowledged`): masking one of them would break it, and hide nothing.
_PLAIN_WORD = re.compile(r"[a-z_.]{1,15}")


def secret_values(*environments: Mapping[str, str]) -> tuple[str, ...]:
    """Those whose name says that they are secret, and passwords in addresses; the longest first, for one may hold
    another. What is short or a plain word is left alone, and so are places of this host (``PWD``, ``SSH_AUTH_SOCK``)
    and what is filled in by us (``{dir}``)."""
    hidden: list[str] = []
    for name, value in (item for environment in environments for item in environment.items()):
        hidden += _HIDDEN_IN_URL.findall(value)
        if _NAME.search(name) and not name.upper().endswith(("_URL", "_URI")) and not _is_place(value):
            hidden.append(value)
    return _maskable(hidden)


def secrets_of(config: SystemConfig, environment: Mapping[str, str]) -> tuple[str, ...]:
    """Those that a run of this system may meet, in the same order: of both environments, of what clients prove by who
    they are, and all of an account that is not plainly a name."""
    load = config.load
    headers = [config.service.headers, load.headers]
    headers += [asked.headers for asked in load.requests] + [step.headers for step in load.login]
    headers += [load.read_back.headers] if load.read_back else []
    of_accounts = [v for account in load.accounts for name, v in account.items() if not _NO_SECRET.search(name)]
    return _maskable([*secret_values(environment, config.env, *headers), *of_accounts])


def _maskable(values: Iterable[str]) -> tuple[str, ...]:
    kept = {v for v in values if len(v) >= LEAST_CHARS and "{" not in v and not _PLAIN_WORD.fullmatch(v)}
    return tuple(sorted(kept, key=lambda value: (-len(value), value)))


def _is_place(value: str) -> bool:
    try:
        return value.startswith("/") and os.path.lexists(value)
    except ValueError:  # with a NUL in it
        return False


def mask(folder: Path, values: Iterable[str]) -> int:
    """Overwrite each in every file of a recording, byte for byte, so that lines, offsets and JSON stay what they are;
    how often. Not in run.json, which is all our own, nor what the system encoded or compressed."""
    needles = list(dict.fromkeys(n for v in values for n in _spellings(v)))
    if not needles:
        return 0
    found = 0
    renewed: dict[bytes, bytes] = {}
    for path in sorted(folder.rglob("*")):
        if path.name != "run.json" or path.parent != folder:
            before = _digest(path) if path.parent == folder / OBSERVATIONS else b""
            masked = _mask_file(path, needles)
            if before and masked:
                renewed[before] = _digest(path)
            found += masked
    # The event that names an observation has its digest, as long as the one of what it says now.
    _mask_file(folder / EVENTS, renewed, renewed)
    return found


def _digest(path: Path) -> bytes:
    return digest(path.read_text(errors="replace")).encode() if path.is_file() and not path.is_symlink() else b""


def starred(event: Event, values: Iterable[str]) -> Event:
    """An event as it may be shown before its recording was masked."""
    shown = {name: v for name in event.__struct_fields__ if isinstance(v := getattr(event, name), str)}
    for value in values:
        shown = {name: text.replace(value, "*" * len(value)) for name, text in shown.items()}
    return structs.replace(event, **shown)


def _spellings(value: str) -> tuple[bytes, ...]:
    """As it is, and as JSON writes it, with letters outside ASCII as they are or by number."""
    plain = value.encode(errors="surrogateescape")
    kept = json.dumps(value, ensure_ascii=False)[1:-1].encode(errors="surrogateescape")
    return (plain, kept, json.dumps(value)[1:-1].encode())


def _mask_file(path: Path, needles: Iterable[bytes], instead: Mapping[bytes, bytes] | None = None) -> int:
    """Overwrite each with stars, or with what is ``instead`` of it (as long); how often."""
    try:
        # Never through a link that the system may have put there.
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # a directory, a link, a socket
        return 0
    found = 0
    try:
        if os.fstat(descriptor).st_size == 0:
            return 0
        with mmap.mmap(descriptor, 0) as whole:
            for needle in needles:
                at = whole.find(needle)
                while at >= 0:
                    whole[at : at + len(needle)] = instead[needle] if instead else b"*" * len(needle)
                    found += 1
                    at = whole.find(needle, at + len(needle))
    except (ValueError, OSError):  # a fifo or a device: nothing is kept in it
        return found
    finally:
        os.close(descriptor)
    return found
