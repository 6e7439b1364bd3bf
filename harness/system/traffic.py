"""The ``[load]`` of a system.toml: the requests of its clients, and how what they wrote is read back."""

from __future__ import annotations

import json

from harness.system.placeholders import REQUEST, fill
from harness.system.schema import ReadBackConfig, RequestTemplate, SystemLoadConfig
from harness.system.table import Table
from harness.system.texts import is_pointer, pointer, starts_with_slash

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_SAMPLE = {"token": "t-0000000", "payload": "0" * 32, "known": "t-0000001", "n": "7"}


def read_load(table: Table) -> SystemLoadConfig:
    think = table.numbers("think_s", (0.05, 0.3), 2)
    if think[0] > think[1]:
        table.fail("think_s", f"runs from {think[0]:g} down to {think[1]:g}", "the shorter time first")
    load = SystemLoadConfig(
        requests=tuple(_request(inner) for inner in table.array("requests")),
        read_back=_read_back(table.table("read_back")) if table.value("read_back", None) is not None else None,
        users=table.whole("users", 12, least=1, most=100_000),
        think_s=(think[0], think[1]),
        write_rate=table.number("write_rate", 20.0, most=1e6),
        arrival_rate=table.number("arrival_rate", 0.0, most=1e6),
    )
    names = [request.name for request in load.requests]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        table.fail("requests", f"two requests have the name {twice!r}", "samples are told apart by it")
    if not any(request.weight for request in load.requests):
        table.fail("requests", "no request has a weight above 0, so nothing would be sent")
    if load.write_rate and not any(request.kind == "write" for request in load.requests):
        table.fail("write_rate", "needs a request of kind write, and there is none", "add one, or write_rate = 0")
    table.end()
    return load


def _request(table: Table) -> RequestTemplate:
    request = RequestTemplate(
        name=table.text("name"),
        kind=table.choice("kind", ("read", "write", "slow")),
        method=table.choice("method", _METHODS, "GET"),
        weight=table.number("weight", 1.0, most=1e6),
        path=table.text("path", fills=REQUEST),
        body=table.text("body", "", fills=REQUEST),
        headers=table.environment("headers", fills=REQUEST),
    )
    starts_with_slash(table, "path", request.path)
    for name, value in request.headers.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            table.fail(f"headers.{name}", f"{value!r} cannot be sent in a header", "ASCII, in one line")
    if request.body:
        try:
            json.loads(fill(request.body, _SAMPLE))
        except (ValueError, RecursionError) as error:
            table.fail("body", f"is not JSON once filled in: {error}", 'quote text placeholders: {"token": "{token}"}')
    table.end()
    return request


def _read_back(table: Table) -> ReadBackConfig:
    totals = table.table("totals", {})
    read_back = ReadBackConfig(
        path=table.text("path", fills=frozenset({"after"})),
        items=pointer(table, "items", "/items"),
        token=pointer(table, "token", "/token"),
        payload=pointer(table, "payload", "/payload"),
        next=pointer(table, "next", "/next"),
        totals={is_pointer(totals, key, key): totals.number(key, least=-1e15) for key in totals},
    )
    starts_with_slash(table, "path", read_back.path)
    if "{after}" not in read_back.path:
        table.fail("path", "has no {after}, so the second page would be the first again", "/readback?after={after}")
    totals.end()
    table.end()
    return read_back
