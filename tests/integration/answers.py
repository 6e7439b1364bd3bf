"""A real HTTP server in a thread, which answers in the ways that real ones do; by TCP or a Unix socket, with or without
TLS. What it was asked is in ``asked``."""

from __future__ import annotations

import datetime
import gzip
import ipaddress
import socket
import socketserver
import ssl
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Asked:
    """One request: its first line, and its headers by their names in lower case."""

    line: str
    headers: dict[str, str]


@dataclass
class Manners:
    """How it answers: ``encoding`` (gzip, deflate, raw-deflate), ``chunked``, ``hints`` (103 before each answer),
    ``version`` of HTTP, ``status`` with ``location``, ``cookie`` that it gives and wants."""

    body: bytes = b'{"ok": true}\n'
    encoding: str = ""
    chunked: bool = False
    hints: bool = False
    version: str = "HTTP/1.1"
    status: int = 200
    location: str = ""
    cookie: str = ""
    asked: list[Asked] = field(default_factory=list)


def _encoded(body: bytes, encoding: str) -> bytes:
    if encoding == "gzip":
        return gzip.compress(body)
    if encoding == "deflate":
        return zlib.compress(body)
    if encoding == "raw-deflate":
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(body) + packer.flush()
    return body


class _Handler(BaseHTTPRequestHandler):
    manners: Manners
    timeout = 20

    def do_GET(self) -> None:
        manners = self.manners
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        manners.asked.append(Asked(self.requestline, {n.lower(): v for n, v in self.headers.items()}))
        self.protocol_version = manners.version
        if manners.hints:
            self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
        body = _encoded(manners.body, manners.encoding)
        self.send_response(manners.status)
        if manners.encoding:
            self.send_header("Content-Encoding", manners.encoding.removeprefix("raw-"))
        if manners.location:
            self.send_header("Location", manners.location)
        if manners.cookie:
            self.send_header("Set-Cookie", f"{manners.cookie}; Path=/; HttpOnly")
        if manners.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:], b""))
        elif manners.version == "HTTP/1.1":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_PUT = do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def address_string(self) -> str:
        return "here"  # a Unix socket has no address


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def handle_error(self, *_: object) -> None:
        """A client that goes away is none of its business."""


@contextmanager
def answering(
    manners: Manners, address: str | tuple[str, int] = ("127.0.0.1", 0), tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serves until the end; its port (0 of a Unix socket, whose path is the address)."""
    handler = type("Handler", (_Handler,), {"manners": manners})
    families = {True: socket.AF_UNIX, False: socket.AF_INET6 if ":" in address[0] else socket.AF_INET}
    kind = type("Server", (_Server,), {"address_family": families[isinstance(address, str)]})
    with kind(address, handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield 0 if isinstance(address, str) else server.server_address[1]
        finally:
            server.shutdown()
            thread.join(10)


@dataclass(frozen=True)
class Certificates:
    """An authority, and what it signed: a server for localhost and 127.0.0.1, and a client."""

    ca: Path
    server: Path
    client: Path

    def context(self, clients: bool = False) -> ssl.SSLContext:
        """Of a server; ``clients``: only those with a certificate are let in."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if clients:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def certificates(folder: Path) -> Certificates:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of a test")])
    ca = _signed(name, key, name, key, authority=True)
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    for who in ("server", "client"):
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, who)])
        certificate = _signed(subject, own, name, key, authority=False)
        pem = serialization.Encoding.PEM
        plain = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        (folder / f"{who}.pem").write_bytes(plain + certificate.public_bytes(pem))
    return Certificates(folder / "ca.pem", folder / "server.pem", folder / "client.pem")


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    authority: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    here = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(here), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
