"""One named link of a system: a cable that can be cut, and a Toxiproxy listener at its far end."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.host import commands
from harness.host.clock import mono_ns
from harness.links import neighbour
from harness.links.cable import Cable, FarSide
from harness.links.sockets import SocketState, sockets_to
from harness.model import NS

if TYPE_CHECKING:
    from harness.links.toxiproxy import ProxyState, ToxiproxyApi

PROXY_PORT = 8666
# Which packets vanish, as the system sees it: all, those it sends, those sent to it.
Direction = Literal["both", "out", "in"]
# How a connect of our own ends; ``answered`` and ``closed`` only where it sent a byte first.
KnockEnd = Literal["connected", "answered", "closed", "timed_out", "refused", "reset", "failed"]


@dataclass(frozen=True, slots=True)
class Knock:
    """One connect of our own: how it ``ended``, the same in words, after how long, and from which port, so that it is
    not taken for the system's."""

    ended: KnockEnd
    said: str
    seconds: float
    local: str

    @property
    def connected(self) -> bool:
        return self.ended == "connected"


@dataclass(frozen=True, slots=True)
class Link:
    """``address`` (host:port) is what the system is given instead of ``upstream``'s own. ``serves``: the requests of
    the clients go over it, from the front to the service."""

    name: str
    upstream: str
    cable: Cable
    far: FarSide
    api: ToxiproxyApi
    serves: bool = False

    @property
    def address(self) -> str:
        return f"{self.cable.far}:{PROXY_PORT}"

    # -- the cable -----------------------------------------------------------------------------------------------
    def cut(self, direction: Direction) -> None:
        """Packets really vanish from now on, in that direction."""
        for end in self._ends(direction):
            neighbour.lose(*end)

    def mend(self) -> None:
        """Both ends as they were; also when nothing was cut."""
        for end in self._ends("both"):
            neighbour.find(*end)

    def is_cut(self, direction: Direction) -> bool:
        """Whether all that ``direction`` asks for is cut now, as the kernel lists it."""
        return all(neighbour.is_lost(*end) for end in self._ends(direction))

    def slow(self, bytes_per_s: int) -> None:
        """What the system sends takes its time from now on. By the cable, not by a toxic: before that one there are the
        receive buffers of the far end, and megabytes are acknowledged that nobody has read. Nothing is dropped."""
        bucket = f"tbf rate {8 * bytes_per_s}bit burst 72kb limit 8mb"
        commands.check(["tc", "qdisc", "replace", "dev", self.cable.near_name, "root", *bucket.split()])

    def quicken(self) -> None:
        """As fast as before; also when it was not slowed."""
        device = self.cable.near_name
        if " tbf " in commands.check(["tc", "qdisc", "show", "dev", device]):
            commands.check(["tc", "qdisc", "del", "dev", device, "root"])

    def _ends(self, direction: Direction) -> list[tuple[neighbour.Where, str, str]]:
        near: tuple[neighbour.Where, str, str] = (_here, self.cable.near_name, self.cable.far)
        far: tuple[neighbour.Where, str, str] = (self.far.command, self.cable.far_name, self.cable.near)
        return {"both": [near, far], "out": [near], "in": [far]}[direction]

    # -- what is seen of it ------------------------------------------------------------------------------------------
    def proxy(self) -> ProxyState:
        """The proxy with its toxics, as the server has it now."""
        return self.api.proxies()[self.name]

    def sockets(self) -> list[SocketState]:
        """The near side's sockets into the link, ours too."""
        return sockets_to(self.address)

    def knock(self, limit_s: float = 0.7, provoke: bool = False) -> Knock:
        """Connect as the system would, and hang up. ``provoke``: send one byte first and see what comes of it."""
        with socket.socket() as probe:
            probe.bind((self.cable.near, 0))
            local = "{}:{}".format(*probe.getsockname())
            probe.settimeout(limit_s)
            began = mono_ns()
            ended, said = self._knocked(probe, provoke)
            return Knock(ended, said, (mono_ns() - began) / NS, local)

    def _knocked(self, probe: socket.socket, provoke: bool) -> tuple[KnockEnd, str]:
        inside = False
        try:
            probe.connect((self.cable.far, PROXY_PORT))
            inside = True
            if not provoke:
                return "connected", "connected"
            probe.sendall(b"\n")
            return ("answered", "answered") if probe.recv(1) else ("closed", "closed")
        except TimeoutError:
            return ("connected", "connected") if inside else ("timed_out", "timed out")
        except OSError as error:
            ended: KnockEnd = "failed"
            if isinstance(error, ConnectionRefusedError):
                ended = "refused"
            elif isinstance(error, ConnectionResetError):
                ended = "reset"
            return ended, (error.strerror or type(error).__name__).lower()


def _here(argv: Sequence[str]) -> list[str]:
    return list(argv)
