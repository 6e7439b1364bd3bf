"""A sealed file: AES-256-GCM in chunks, ending in a manifest; a byte changed, cut off or moved makes it unreadable.

Layout: magic, length and JSON of the header, then for each chunk its length and ciphertext. The header, the chunk's
number and whether it is the last are authenticated with each chunk, so chunks cannot be swapped, dropped or cut.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import files
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from errors import KitError

MAGIC = b"DRILLBK1"
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
LENGTH = struct.Struct(">I")
# What sealing adds to the size of its content, for any content this kit meets: tags, lengths, header, manifest.
OVERHEAD_BYTES = 64 << 10


def key(folder: Path, make: bool = False) -> bytes:
    """The key, from a file only we can read, ``make`` it if it is not there. It is never on a command line or in an
    environment."""
    path = folder / "backup.key"
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        if not make:
            raise KitError(f"the key of the backups is missing: {path}") from error
        return new_key(folder)


def new_key(folder: Path) -> bytes:
    path = folder / "backup.key"
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(os.urandom(32))
        file.flush()
        files.sync(file.fileno())
    files.publish(aside, path)
    return path.read_bytes()


def seal(content: Path, sealed: Path, secret: bytes, manifest: dict[str, Any]) -> None:
    """Write ``content`` and ``manifest`` sealed to ``sealed``, durably."""
    cipher, prefix = AESGCM(secret), os.urandom(8)
    header = json.dumps({"key": _key_id(secret), "nonce": prefix.hex()}).encode()
    descriptor = os.open(sealed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with content.open("rb") as source, os.fdopen(descriptor, "wb", buffering=0) as target:
        _write(target, MAGIC + LENGTH.pack(len(header)) + header)
        number = 0
        while chunk := source.read(CHUNK_BYTES):
            _write(target, _chunk(cipher, prefix, header, number, b"\0", chunk))
            number += 1
        _write(target, _chunk(cipher, prefix, header, number, b"\1", json.dumps(manifest).encode()))
        files.sync(target.fileno())


def unseal(sealed: Path, content: Path, secret: bytes) -> dict[str, Any]:
    """Write what was sealed to ``content`` and return the manifest; raises KitError unless every byte is right."""
    descriptor = os.open(content, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with sealed.open("rb") as source, os.fdopen(descriptor, "wb") as out:
        cipher, header = AESGCM(secret), _header(source, sealed, secret)
        prefix = bytes.fromhex(json.loads(header)["nonce"])
        chunks = list(_lengths(source, sealed))
        if not chunks:
            raise KitError(f"{sealed.name} is damaged: it has no content")
        digest = hashlib.sha256()
        for number, (offset, length) in enumerate(chunks):
            source.seek(offset)
            last = number == len(chunks) - 1
            try:
                plain = cipher.decrypt(_nonce(prefix, number), source.read(length), _bound(header, number, last))
            except InvalidTag:
                where = "it was cut off or changed" if last else f"chunk {number} was changed"
                raise KitError(f"{sealed.name} is damaged: {where}") from None
            if last:
                manifest: dict[str, Any] = json.loads(plain)
            else:
                digest.update(plain)
                out.write(plain)
    if digest.hexdigest() != manifest["sha256"]:
        raise KitError(f"{sealed.name} is damaged: its content does not match its manifest")
    return manifest


def check_length(sealed: Path, secret: bytes) -> None:
    """Raise unless the file is as long as its header and its chunks say; nothing of them is opened."""
    with sealed.open("rb") as source:
        _header(source, sealed, secret)
        if not list(_lengths(source, sealed)):
            raise KitError(f"{sealed.name} is damaged: it has no content")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(source: BinaryIO, sealed: Path, secret: bytes) -> bytes:
    start = source.read(len(MAGIC) + LENGTH.size)
    if len(start) < len(MAGIC) + LENGTH.size or not start.startswith(MAGIC):
        raise KitError(f"{sealed.name} is not a backup of this kit ({sealed.stat().st_size} bytes)")
    header = source.read(LENGTH.unpack(start[len(MAGIC) :])[0])
    try:
        made_with = json.loads(header)["key"]
    except (ValueError, KeyError, TypeError):
        raise KitError(f"{sealed.name} is damaged: its header cannot be read") from None
    if made_with != _key_id(secret):
        raise KitError(f"{sealed.name} was sealed with another key")
    return header


def _lengths(source: BinaryIO, sealed: Path) -> Iterator[tuple[int, int]]:
    """Offset and length of every chunk; a file that ends inside one was cut off."""
    end, offset = sealed.stat().st_size, source.tell()
    while offset < end:
        source.seek(offset)
        mark = source.read(LENGTH.size)
        length = LENGTH.unpack(mark)[0] if len(mark) == LENGTH.size else 0
        if not TAG_BYTES <= length <= CHUNK_BYTES + TAG_BYTES or offset + LENGTH.size + length > end:
            raise KitError(f"{sealed.name} is damaged: it was cut off or changed after {offset} bytes")
        yield offset + LENGTH.size, length
        offset += LENGTH.size + length


def _chunk(cipher: AESGCM, prefix: bytes, header: bytes, number: int, last: bytes, plain: bytes) -> bytes:
    text = cipher.encrypt(_nonce(prefix, number), plain, _bound(header, number, last == b"\1"))
    return LENGTH.pack(len(text)) + text


def _nonce(prefix: bytes, number: int) -> bytes:
    return prefix + LENGTH.pack(number)


def _bound(header: bytes, number: int, last: bool) -> bytes:
    return header + LENGTH.pack(number) + (b"\1" if last else b"\0")


def _key_id(secret: bytes) -> str:
    return hashlib.sha256(b"key id:" + secret).hexdigest()[:8]


def _write(target: BinaryIO, data: bytes) -> None:
    """All of it: an unbuffered write may take less than it was given, for instance just before the disk is full."""
    view = memoryview(data)
    while view:
        view = view[target.write(view) :]
