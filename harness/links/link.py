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
# How a connect of the harness ends; ``answered`` and ``closed`` only if it sent a byte first.
ConnectResult = Literal["connected", "answered", "closed", "timed_out", "refused", "reset", "failed"]


@dataclass(frozen=True, slots=True)
class ConnectProbe:
    """One connect of the harness. ``said``: its ``result`` in words; ``local``: its near end (host:port), by which it
    is told apart from the system's connections."""

    result: ConnectResult
    said: str
    seconds: float
    local: str

    @property
    def connected(self) -> bool:
        return self.result == "connected"


@dataclass(frozen=True, slots=True)
class Link:
    """``address`` (host:port) is what the system is given instead of ``upstream``'s own. ``serves``: the requests of
    the clients need it, from the front to the service or from that to its database; None: nobody says."""

    name: str
    upstream: str
    cable: Cable
    far: FarSide
    api: ToxiproxyApi
    serves: bool | None = None

    @property
    def address(self) -> str:
        return f"{self.cable.far}:{PROXY_PORT}"

    # -- the cable -----------------------------------------------------------------------------------------------
    def cut(self, direction: Direction) -> None:
        """Drop every packet in that direction from now on."""
        for end in self._ends(direction):
            neighbour.blackhole(*end)

    def restore(self) -> None:
        """Let packets through again in both directions; also if nothing was cut."""
        for end in self._ends("both"):
            neighbour.clear(*end)

    def is_cut(self, direction: Direction) -> bool:
        """Whether all that ``direction`` asks for is cut now, as the kernel lists it."""
        return all(neighbour.is_blackholed(*end) for end in self._ends(direction))

    def throttle(self, bytes_per_s: int) -> None:
        """Limit what the system sends to that rate from now on; nothing is dropped. The cable does it and not a toxic,
        in front of which the receive buffers of the far end acknowledge megabytes that no program has read."""
        bucket = f"tbf rate {8 * bytes_per_s}bit burst 72kb limit 8mb"
        commands.check(["tc", "qdisc", "replace", "dev", self.cable.near_name, "root", *bucket.split()])

    def unthrottle(self) -> None:
        """Lift the limit; also if there is none."""
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

    def probe_connect(self, limit_s: float = 0.7, provoke: bool = False) -> ConnectProbe:
        """Connect as the system would, and disconnect. ``provoke``: send one byte first and wait for what follows."""
        with socket.socket() as probe:
            probe.bind((self.cable.near, 0))
            local = "{}:{}".format(*probe.getsockname())
            probe.settimeout(limit_s)
            began = mono_ns()
            result, said = self._connect(probe, provoke)
            return ConnectProbe(result, said, (mono_ns() - began) / NS, local)

    def _connect(self, probe: socket.socket, provoke: bool) -> tuple[ConnectResult, str]:
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
            result: ConnectResult = "failed"
            if isinstance(error, ConnectionRefusedError):
                result = "refused"
            elif isinstance(error, ConnectionResetError):
                result = "reset"
            return result, (error.strerror or type(error).__name__).lower()


def _here(argv: Sequence[str]) -> list[str]:
    return list(argv)
