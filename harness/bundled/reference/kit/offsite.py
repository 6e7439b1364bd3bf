"""The off-site copy: uploads each backup to an S3 bucket (``$OFFSITE_URL``), signed, with a limit on every wait.

What counts as a copy is written down here, once the store has answered with the right checksum. Being there is no
proof: a cut connection may leave half an object, and a lost answer a whole one that nobody has checked.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import os
import time
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, urlsplit

import catalog
import flaws
import web
from errors import KitError
from phases import Deadline
from places import HOST
from state import State

# No wait goes on for longer without a byte of progress (a piece of the upload, for sending).
PROGRESS_LIMIT_S = 3.0
WHOLE_LIMIT_S = 20.0
PIECE_BYTES = 1 << 18
REGION = "us-east-1"
EMPTY = hashlib.sha256(b"").hexdigest()


def upload(state: State, backup: catalog.Backup, gone: Iterable[catalog.Backup]) -> None:
    """Copy ``backup`` off site and remove what the catalogue removed; the local backup is valid whatever happens."""
    url = os.environ.get("OFFSITE_URL", "")
    if not url:
        print("no off-site copy: OFFSITE_URL is not set")
        return
    deadline = Deadline(WHOLE_LIMIT_S)
    _note(state, backup, flaws.has("blind_upload"))
    try:
        if _call(url, "HEAD", "", deadline)[0] == 404:
            _expect(_call(url, "PUT", "", deadline), "make the bucket")
        sum_md5 = _sum("md5", backup.path)
        status, headers = _call(url, "PUT", backup.path.name, deadline, backup.path)
        _expect((status, headers), "upload")
        if headers.get("etag", "").strip('"') != sum_md5:
            raise KitError(f"the off-site copy differs: checksum {headers.get('etag')} instead of {sum_md5}")
        _note(state, backup, True)
        for name in [old.path.name for old in gone] + [n for n, copy in _noted(state).items() if not copy["counts"]]:
            _call(url, "DELETE", name, deadline)
            _forget(state, name)
    except (OSError, http.client.HTTPException) as error:
        raise KitError(
            f"no off-site copy of {backup.name} ({error or type(error).__name__}); the local backup is valid"
        ) from error
    print(f"off-site copy of {backup.name}: done")


def copies(state: State) -> list[dict[str, object]]:
    """Every copy begun and not removed since, and whether it counts."""
    return [{"name": name.removesuffix(catalog.SUFFIX), "object": name, **copy} for name, copy in _noted(state).items()]


def _noted(state: State) -> dict[str, dict[str, object]]:
    return dict(state.get("offsite") or {})


def _note(state: State, backup: catalog.Backup, counts: bool) -> None:
    state.set(offsite={**_noted(state), backup.path.name: {"counts": counts, "size": backup.path.stat().st_size}})


def _forget(state: State, name: str) -> None:
    state.set(offsite={n: copy for n, copy in _noted(state).items() if n != name})


def _expect(answer: tuple[int, dict[str, str]], what: str) -> None:
    if answer[0] not in (200, 201, 204):
        raise KitError(f"no off-site copy: {what} was answered with {answer[0]}; the local backup is valid")


def _call(
    url: str, method: str, name: str, deadline: Deadline, content: Path | None = None
) -> tuple[int, dict[str, str]]:
    place = urlsplit(url)
    path = quote(f"{place.path.rstrip('/')}/{name}".rstrip("/"))
    checksum = _sum("sha256", content) if content else EMPTY
    headers = _signed(method, place.netloc, path, checksum)
    size = content.stat().st_size if content else 0
    connection = _connection(place.hostname or HOST, place.port or 80, deadline)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in {**headers, "Content-Length": str(size), "User-Agent": web.USER_AGENT}.items():
            connection.putheader(key, value)
        connection.endheaders()
        if content:
            with content.open("rb") as file:
                while piece := file.read(PIECE_BYTES):
                    connection.send(piece)
        response = connection.getresponse()
        response.read()
        return response.status, {key.lower(): value for key, value in response.getheaders()}
    finally:
        connection.close()


def _connection(host: str, port: int, deadline: Deadline) -> http.client.HTTPConnection:
    if flaws.has("no_timeout"):
        return http.client.HTTPConnection(host, port)
    return web.connection(host, port, deadline, PROGRESS_LIMIT_S)


def _sum(kind: str, path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def _signed(method: str, host: str, path: str, checksum: str) -> dict[str, str]:
    """AWS Signature Version 4."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    headers = {"Host": host, "X-Amz-Content-Sha256": checksum, "X-Amz-Date": stamp}
    lines = "".join(f"{name.lower()}:{value}\n" for name, value in headers.items())
    names = ";".join(name.lower() for name in headers)
    request = "\n".join([method, path, "", lines, names, checksum])
    scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    secret = ("AWS4" + os.environ.get("OFFSITE_SECRET", "")).encode()
    for part in (stamp[:8], REGION, "s3", "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.digest(secret, text.encode(), "sha256").hex()
    credential = f"{os.environ.get('OFFSITE_KEY_ID', '')}/{scope}"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return headers
