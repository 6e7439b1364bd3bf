"""Where a service answers: its address, how a connection to it is made safe, and what every request carries."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from harness.host.clock import Deadline

UNIX = "unix:"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Tls:
    """What a connection by https is checked by, and shows of itself. ``ca_file``: instead of the host's authorities.
    ``cert_file`` with ``key_file`` (where that is another) is the client's certificate."""

    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    verify: bool = True

    def context(self) -> ssl.SSLContext:
        """OSError where a file cannot be read, or is none of what it should be."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if self.cert_file:
            context.load_cert_chain(self.cert_file, self.key_file or None)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``url`` is ``http://host:port/prefix``, ``https://...``, or ``unix:/path/of/a/socket``. ``headers`` go with every
    request; a Host of theirs is sent instead of the address."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: Tls = Tls()

    @property
    def socket_path(self) -> str:
        """Of a Unix socket; empty for all others."""
        return self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else ""

    @property
    def secure(self) -> bool:
        return self.url.startswith("https:")

    @property
    def host(self) -> str:
        return "localhost" if self.socket_path else urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return 0 if self.socket_path else parts.port or _PORTS[parts.scheme]

    @property
    def prefix(self) -> str:
        """What stands before the path of every request."""
        return "" if self.socket_path else urlsplit(self.url).path.rstrip("/")

    @property
    def authority(self) -> str:
        """The Host of every request."""
        own = (value for name, value in self.headers.items() if name.lower() == "host")
        return next(own, "localhost" if self.socket_path else urlsplit(self.url).netloc)

    def all_headers(self, own: Mapping[str, str]) -> dict[str, str]:
        """Those of a request: ``own`` win over the endpoint's. Host is not among them, see ``authority``."""
        names = {name.lower() for name in own} | {"host"}
        return {n: v for n, v in self.headers.items() if n.lower() not in names} | dict(own)

    def addresses(self) -> list[tuple[socket.AddressFamily, Any]]:
        """Family and address of each place it may answer at, in the order in which they are tried. OSError when its
        name has none. `localhost` has both, whatever the host's files say (RFC 6761, section 6.3)."""
        if self.socket_path:
            return [(socket.AF_UNIX, self.socket_path)]
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        told: list[tuple[socket.AddressFamily, Any]] = [(family, address) for family, _, _, _, address in found]
        if self.host == "localhost":
            both = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
            known = {address[0] for _, address in told}
            told += [(family, (at, self.port)) for family, at in both if at not in known]
        return told

    def connect(self, deadline: Deadline) -> socket.socket:
        """A connection to the first address that takes it, with its handshake done. OSError when none does in time."""
        refused: OSError | None = None
        for family, address in self.addresses():
            try:
                connection = socket.socket(family, socket.SOCK_STREAM)
            except OSError as error:  # the kernel has no such family
                refused = refused or error
                continue
            try:
                connection.settimeout(max(0.001, deadline.left_s))
                connection.connect(address)
                if family != socket.AF_UNIX:
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if self.secure:
                    return self.tls.context().wrap_socket(connection, server_hostname=self.host)
                return connection
            except OSError as error:
                connection.close()
                refused = refused or error
        raise refused or OSError(f"{self.host} has no address")
