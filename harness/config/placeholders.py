"""Placeholders such as ``{dir}`` in the texts of a system.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import overload

from harness.config.suggest import did_you_mean
from harness.errors import HarnessError

# Only lower-case names, and not after a $: JSON, awk and ${shell} are full of braces that mean something else.
PLACEHOLDER = re.compile(r"(?<!\$)\{([a-z][a-z0-9_]*)\}")

# What each is filled with. Which of them mean something in a text depends on its key.
MEANINGS = {
    "dir": "the run's own directory",
    "system": "the folder of the `system.toml`",
    "port": "a free port, for the service or for the dependency in whose table it stands",
    "host": "the address of this host on the island",
    "python": "the Python that runs Deploydrill",
    "version": "the version to start or to deploy: one of `[versions]`",
    "size": "bytes of data to begin with",
    "backup": "the path of a backup, as `status` names it",
    "link": "`address:port` of the near end of the cable",
    "near": "the address at which the program of the system must listen, at the far end of a `near_port` cable",
    "token": "a new token, which no other request has",
    "payload": "a new text, which the read-back must give back",
    "known": "a token whose write was acknowledged before",
    "id": "the id that the service gave a write which was acknowledged before",
    "n": "a random whole number in the range of `[load] n`",
    "after": "what the page before named as next; nothing on the first page",
    "page": "the number of the page, from `first_page` on",
    "offset": "how many entries were read before this page",
}

PLACES = frozenset({"dir", "system", "python", "host", "port"})
COMMAND = PLACES | {"version", "size", "backup"}
LINK = PLACES | {"link", "near"}
REQUEST = frozenset({"token", "payload", "known", "id", "n"})


@overload
def fill(text: str, values: Mapping[str, str]) -> str: ...
@overload
def fill(text: tuple[str, ...], values: Mapping[str, str]) -> tuple[str, ...]: ...
def fill(text: str | tuple[str, ...], values: Mapping[str, str]) -> str | tuple[str, ...]:
    """``text`` (or each item of an argv) with its placeholders filled in, once: what a value brings is left alone."""
    if not isinstance(text, str):
        return tuple(fill(item, values) for item in text)
    missing = unknown(text, values.keys())
    if missing:
        raise HarnessError(f"fill in {text!r}", *complaint(missing, values.keys()))
    return PLACEHOLDER.sub(lambda match: values[match[1]], text)


def unknown(text: str, known: AbstractSet[str]) -> str:
    """The first placeholder of ``text`` that is not in ``known``, or an empty string."""
    return next((name for name in PLACEHOLDER.findall(text) if name not in known), "")


def complaint(name: str, known: AbstractSet[str]) -> tuple[str, str]:
    """(why, hint) for a placeholder that means nothing here."""
    meant = did_you_mean(name, known)
    here = ", ".join(f"{{{k}}}" for k in sorted(known)) or "none"
    return f"{{{name}}} means nothing here", f"{meant} " * bool(meant) + f"placeholders here: {here}"
