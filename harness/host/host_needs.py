"""What a cell may need of a host, by name and in words; `deploydrill doctor` says how to get what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HostNeed:
    """``what`` completes "this host lacks ...", ``why`` says what it takes."""

    what: str
    why: str


HOST_NEEDS: Mapping[str, HostNeed] = {
    "island": HostNeed("an island", "this host allows no namespaces"),
    "sized_disk": HostNeed("a sized disk", "this host allows no mount namespace"),
    "links": HostNeed("links that can be cut", "this host allows no network namespace"),
    "toxiproxy": HostNeed("a toxiproxy-server", "there is none in .tools/ or on PATH"),
    "root": HostNeed("root", "the command runs as an ordinary user"),
    "logged_disk": HostNeed("a logged disk", "it needs root, loop devices and /dev/fuse"),
}


def in_words(name: str) -> str:
    """``a sized disk``; a name that is not known here stays as it is."""
    return HOST_NEEDS[name].what if name in HOST_NEEDS else name


def explained(name: str) -> str:
    """``a sized disk: this host allows no mount namespace``."""
    return f"{HOST_NEEDS[name].what}: {HOST_NEEDS[name].why}" if name in HOST_NEEDS else name
