"""The ``[load]`` of a system.toml: the requests of its clients, and how what they wrote is read back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from harness.config.fields import is_pointer, pattern, pointer, starts_with_slash
from harness.config.placeholders import REQUEST, fill
from harness.config.schema import ReadBackConfig, RequestTemplate, SystemLoadConfig
from harness.config.table import Table

_AFTER = frozenset({"after"})
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
    for idle in ("users", "think_s"):
        if load.arrival_rate and table.value(idle, None) is not None:
            table.fail(
                idle,
                f"has no effect beside arrival_rate = {load.arrival_rate:g}, which needs no users",
                "leave one out",
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
        expect_status=_statuses(table),
        expect_body=pattern(table, "expect_body", ""),
    )
    starts_with_slash(table, "path", request.path)
    _check_headers(table, request.headers)
    if request.method == "HEAD" and request.expect_body:
        table.fail("expect_body", "the answer to a HEAD has no body", "use GET")
    if request.body and not _has_content_type(request):
        try:
            json.loads(fill(request.body, _SAMPLE))
        except (ValueError, RecursionError) as error:
            hint = (
                'quote text placeholders: {"token": "{token}"}; another kind needs headers = { Content-Type = "..." }'
            )
            table.fail("body", f"is not JSON once filled in: {error}", hint)
    table.end()
    return request


def _check_headers(table: Table, headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            table.fail(f"headers.{name}", f"{value!r} cannot be sent in a header", "ASCII, in one line")


def _has_content_type(request: RequestTemplate) -> bool:
    return any(n.lower() == "content-type" and "json" not in v.lower() for n, v in request.headers.items())


def _statuses(table: Table) -> tuple[int, ...]:
    found = table.value("expect_status", [])
    if not isinstance(found, list) or not all(type(s) is int and 200 <= s <= 599 for s in found):
        table.fail("expect_status", f"is {found!r}", "a list of HTTP statuses, such as [200, 303]")
    return tuple(found)


def _read_back(table: Table) -> ReadBackConfig:
    found = pattern(table, "pattern", "", groups=("token", "payload"))
    pointers = [key for key in ("items", "token", "payload", "next", "totals") if key in table]
    if found and pointers:
        table.fail(
            pointers[0], "is a JSON pointer, and with pattern no answer is read as JSON", "leave one of them out"
        )
    totals = table.table("totals", {})
    read_back = ReadBackConfig(
        path=table.text("path", fills=_AFTER),
        items=pointer(table, "items", "/items"),
        token=pointer(table, "token", "/token"),
        payload=pointer(table, "payload", "/payload"),
        next=pointer(table, "next", "/next"),
        totals={is_pointer(totals, key, key): totals.number(key, least=-1e15) for key in totals},
        pattern=found,
        next_pattern=pattern(table, "next_pattern", ""),
        expect_body=pattern(table, "expect_body", ""),
        method=table.choice("method", ("GET", "POST"), "GET"),
        body=table.text("body", "", fills=_AFTER),
        headers=table.environment("headers", fills=frozenset()),
    )
    starts_with_slash(table, "path", read_back.path)
    _check_headers(table, read_back.headers)
    for key in ("next_pattern", "expect_body"):
        if table.value(key, "") and not found:
            table.fail(key, "only means something beside pattern", "or read JSON, with items, token, payload and next")
    if read_back.next_pattern and not re.compile(read_back.next_pattern).groups:
        table.fail(
            "next_pattern", "has no group, and its group 1 is what {after} is filled with", "write ( ) around it"
        )
    pages = not found or bool(read_back.next_pattern)
    after = "{after}" in read_back.path + read_back.body
    if pages and not after:
        table.fail("path", "has no {after}, so the second page would be the first again", "/readback?after={after}")
    if not pages and after:
        table.fail("path", "has {after}, and nothing says what comes after a page", "add next_pattern")
    totals.end()
    table.end()
    return read_back
