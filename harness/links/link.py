"""One named link of a system: a Toxiproxy listener at the far end of a cable, in front of a dependency."""

from __future__ import annotations

from dataclasses import dataclass

from harness.links.cable import Cable

PROXY_PORT = 8666


@dataclass(frozen=True, slots=True)
class Link:
    """``address`` (host:port) is what the system is given instead of the dependency's own."""

    name: str
    upstream: str
    cable: Cable

    @property
    def address(self) -> str:
        return f"{self.cable.far}:{PROXY_PORT}"
