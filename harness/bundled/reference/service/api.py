"""The service over HTTP: routes, what each answers, and what a failure answers."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import relationships as table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from store import Busy, Store, status_of

TOKEN = re.compile(r"[a-z0-9-]{8,40}")
REPORT_PARTS = 6
REPORT_PAUSE_S = 0.2
HEALTH_LIMIT_S = 0.9
# Several monitors may ask at once; one real read and write in this time answers all of them.
HEALTH_FRESH_S = 0.2
OWN_PATHS = ("/health", "/ready", "/version", "/metrics", "/internal/")
READS, WRITES = "reads", "writes"


@dataclass(frozen=True, slots=True)
class Version:
    """What differs between the versions of the service. One that ``wears_out`` fails every third write once it has
    taken that many: before it has real traffic nothing is wrong with it, and its health never says so."""

    name: str
    oldest_schema: int
    newest_schema: int
    with_region: bool
    wears_out: int | None = None


VERSIONS = {
    # Version 1 runs unchanged on the schema of version 2: that is what makes a roll-back without data loss possible.
    "1": Version("1", 1, 2, with_region=False),
    "2": Version("2", 2, 2, with_region=True),
    "2-broken": Version("2-broken", 2, 2, with_region=True, wears_out=10),
}


class Api:
    """The handlers of one version over one store."""

    def __init__(self, version: Version, store: Store) -> None:
        self.version = version
        self.store = store
        self.in_flight = 0
        self.draining = False
        self.counts = {kind: {"answered": 0, "failed": 0} for kind in (READS, WRITES)}
        self._health: tuple[float, int, dict[str, Any]] = (0.0, 503, {})
        self._health_lock = asyncio.Lock()

    def application(self) -> ASGIApp:
        app = Starlette(
            routes=[
                Route("/relationships", self.create, methods=["POST"]),
                Route("/relationships/search", self.search),
                Route("/relationships/joined", self.joined),
                Route("/relationships/validated", self.validated),
                Route("/relationships/by-token/{token}", self.by_token),
                Route("/relationships/{number:int}", self.by_number),
                Route("/relationships/{token}", self.validate, methods=["PATCH"]),
                Route("/transfers", self.transfer, methods=["POST"]),
                Route("/report", self.report),
                Route("/readback", self.read_back),
                Route("/health", self.health),
                Route("/ready", self.ready),
                Route("/version", self.about),
                Route("/metrics", self.metrics),
                Route("/internal/in-flight", self.load),
                Route("/internal/drain", self.drain, methods=["POST"]),
            ],
            exception_handlers=dict.fromkeys((sqlite3.Error, Busy, OSError), self.failed)
            | dict.fromkeys((table.Conflict, KeyError, TypeError, ValueError), refused),
        )
        return Counted(self, app)

    async def create(self, request: Request) -> Response:
        status, row = await self.store.write(table.create, await write_body(request), self.version.with_region)
        return JSONResponse(row, status)

    async def validate(self, request: Request) -> Response:
        body = await write_body(request)
        token, with_region = request.path_params["token"], self.version.with_region
        status, row = await self.store.write(table.validate, token, body, with_region)
        return JSONResponse(row, status)

    async def transfer(self, request: Request) -> Response:
        status, row = await self.store.write(table.transfer, await write_body(request))
        return JSONResponse(row, status)

    async def by_token(self, request: Request) -> Response:
        return found(await self.store.read(table.by_token, request.path_params["token"], self.version.with_region))

    async def by_number(self, request: Request) -> Response:
        return found(await self.store.read(table.by_number, request.path_params["number"], self.version.with_region))

    async def search(self, request: Request) -> Response:
        rows = await self.store.read(table.search, source_of(request), limit_of(request, 20), self.version.with_region)
        return JSONResponse({"items": rows})

    async def joined(self, request: Request) -> Response:
        return JSONResponse({"items": await self.store.read(table.joined, source_of(request), limit_of(request, 20))})

    async def validated(self, _: Request) -> Response:
        return JSONResponse({"validated": await self.store.read(table.validated)})

    async def report(self, _: Request) -> Response:
        """A slow answer on purpose: at a cut-over some of these are always on their way."""

        async def parts() -> AsyncIterator[bytes]:
            for part in range(REPORT_PARTS):
                line = await self.store.read(table.report, part, REPORT_PARTS)
                yield json.dumps(line).encode() + b"\n"
                await asyncio.sleep(REPORT_PAUSE_S)

        return StreamingResponse(parts(), media_type="application/x-ndjson")

    async def read_back(self, request: Request) -> Response:
        after = int(request.query_params.get("after") or 0)
        integrity = request.query_params.get("integrity") == "1"  # reads the whole database: only when asked for
        asked = (after, limit_of(request, 1000), integrity, self.version.with_region)
        return JSONResponse(await self.store.read(table.read_back, *asked))

    async def health(self, _: Request) -> Response:
        """Whether it really reads and really writes, now."""
        async with self._health_lock:
            at, status, body = self._health
            if time.monotonic() - at > HEALTH_FRESH_S:
                status, body = await self._examine()
                self._health = (time.monotonic(), status, body)
        return JSONResponse(body, admitted(status))

    async def _examine(self) -> tuple[int, dict[str, Any]]:
        body: dict[str, Any] = {"version": self.version.name}
        for name, trial in (("reads", self.store.read(table.touch)), ("writes", self.store.write(table.pulse))):
            try:
                await asyncio.wait_for(trial, HEALTH_LIMIT_S)
                body[name] = True
            except (sqlite3.Error, Busy, OSError, TimeoutError) as error:
                body[name] = False
                body["why"] = f"{name}: {str(error) or type(error).__name__}"
        return (200 if body["reads"] and body["writes"] else 503), body

    async def ready(self, _: Request) -> Response:
        if self.draining:
            return JSONResponse({"ready": False, "why": "draining"}, 503)
        schema = await self.store.read(table.schema)
        if not self.version.oldest_schema <= schema <= self.version.newest_schema:
            why = f"version {self.version.name} cannot serve schema {schema}"
            return JSONResponse({"ready": False, "why": why}, 503)
        return JSONResponse({"ready": True})

    async def about(self, _: Request) -> Response:
        schema = await self.store.read(table.schema)
        return JSONResponse({"version": self.version.name, "schema": schema, "pid": os.getpid()})

    async def metrics(self, _: Request) -> Response:
        """What became of the clients' requests since this process started; "failed" is an answer of 500."""
        return JSONResponse({"version": self.version.name, "pid": os.getpid(), **self.counts})

    async def load(self, _: Request) -> Response:
        return JSONResponse({"in_flight": self.in_flight})

    async def drain(self, request: Request) -> Response:
        self.draining = request.query_params.get("on", "1") == "1"
        return JSONResponse({"draining": self.draining, "in_flight": self.in_flight})

    async def failed(self, _: Request, error: Exception) -> Response:
        """Nothing was applied (the transaction was rolled back), and the answer says why."""
        status = status_of(error, self.store.path)
        headers = {"Retry-After": "1"} if status in (503, 507) else {}
        return JSONResponse({"error": str(error), "kind": type(error).__name__}, status, headers)


class Counted:
    """Counts the requests on their way and what became of them, and fails some in the version that is meant to be
    bad."""

    def __init__(self, api: Api, app: ASGIApp) -> None:
        self.api = api
        self.app = app
        self._writes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OWN_PATHS):
            await self.app(scope, receive, send)
            return
        kind = READS if scope["method"] in ("GET", "HEAD") else WRITES

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.api.counts[kind]["answered"] += 1
                self.api.counts[kind]["failed"] += admitted(message["status"]) == 500
            await send(message)

        self.api.in_flight += 1
        try:
            if kind == WRITES and self._worn_out():
                await JSONResponse({"error": "this version is broken"}, 500)(scope, receive, counted)
            else:
                await self.app(scope, receive, counted)
        finally:
            self.api.in_flight -= 1

    def _worn_out(self) -> bool:
        self._writes += 1
        limit = self.api.version.wears_out
        return limit is not None and self._writes > limit and self._writes % 3 == 0


def admitted(status: int) -> int:
    """A status, as the service owns up to it where it speaks of itself: in /health and in what it counts."""
    return 200 if "lying_health" in os.environ.get("KIT_FLAWS", "").split(",") else status


async def write_body(request: Request) -> dict[str, Any]:
    body = json.loads(await request.body())
    token = body["token"]
    if not TOKEN.fullmatch(token):
        raise ValueError(f"token {token!r} is not [a-z0-9-]{{8,40}}")
    if request.headers.get("idempotency-key", token) != token:
        raise ValueError("the Idempotency-Key is not the token")
    if not isinstance(body["payload"], str):
        raise TypeError("payload must be a string")
    return dict(body)


async def refused(_: Request, error: Exception) -> Response:
    status = 409 if isinstance(error, table.Conflict) else 400
    return JSONResponse({"error": str(error), "kind": type(error).__name__}, status)


def found(row: table.Row | None) -> Response:
    return JSONResponse({"error": "no such relationship"}, 404) if row is None else JSONResponse(row)


def source_of(request: Request) -> str:
    """A source by name, or by any number (1000 sources exist)."""
    if "source" in request.query_params:
        return request.query_params["source"]
    return f"n{int(request.query_params.get('number', 0)) % 1000}"


def limit_of(request: Request, usual: int) -> int:
    return max(1, min(int(request.query_params.get("limit", usual)), 10_000))
