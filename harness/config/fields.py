"""Kinds of text in a system.toml: programs, addresses of this host, paths of requests, JSON pointers, patterns."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from harness.config.placeholders import COMMAND, PLACES, fill
from harness.config.schema import Argv
from harness.config.table import Table

# Nothing but this host is ever loaded, unless the file allows it by name: another address is refused, not resolved.
URL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]|\{host\})(:(\d{1,5}|\{port\}))?(/[^\s?#]*)?")
_ANY_URL = re.compile(r"http://(?P<host>[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:\d{1,5})?(/[^\s?#]*)?")
HEALTH = re.compile(r"(http|tcp)://(127\.0\.0\.1|localhost|\[::1\]|\{host\}):(\d{1,5}|\{port\})(/[^\s]*)?")


def program(table: Table, key: str, *default: Argv) -> Argv:
    argv = table.texts(key, *default, fills=COMMAND)
    if argv and not argv[0].strip():
        table.fail(f"{key}[0]", "must name a program")
    return argv


def address(table: Table, key: str, form: re.Pattern[str], example: str) -> str:
    text = table.text(key, fills=PLACES)
    if not form.fullmatch(text) or not _can_be_asked(fill(text, dict.fromkeys(PLACES, "1"))):
        table.fail(key, f"{text!r} is not an address of this host", f"write it like {example}")
    return text


def address_of(table: Table, key: str, allowed: Collection[str]) -> str:
    """Where a system answers that runs already: on this host, or on one of those allowed."""
    text = table.text(key)
    match = _ANY_URL.fullmatch(text)
    if match is None or not _can_be_asked(text):
        table.fail(key, f"{text!r} is not an address that can be loaded", "write it like http://127.0.0.1:8080")
    if not URL.fullmatch(text) and match["host"] not in allowed:
        why = f"{match['host']} is not this host, and limits.allow_hosts does not name it"
        table.fail(key, why, "nothing but what is named there is ever loaded: name it only if it may be overloaded")
    return text


def _can_be_asked(url: str) -> bool:
    """Whether its port is one, its host a name or address that can be, and its path of what a request line holds."""
    try:
        parts = urlsplit(url)
        return parts.port != 0 and bool((parts.hostname or "").encode("idna")) and url.isascii()
    except ValueError:
        return False


def path(table: Table, key: str, default: str) -> str:
    return starts_with_slash(table, key, table.text(key, default))


def starts_with_slash(table: Table, key: str, text: str) -> str:
    if not text.startswith("/") or any(c.isspace() for c in text) or not (text.isascii() and text.isprintable()):
        table.fail(key, f"{text!r} is not the path of a request", "starts with / and has no spaces; ü is %C3%BC")
    return text


def pointer(table: Table, key: str, default: str) -> str:
    return is_pointer(table, key, table.text(key, default))


def is_pointer(table: Table, key: str, text: str) -> str:
    if not text.startswith("/"):
        table.fail(key, f"{text!r} is not a JSON pointer", f"write /{text}")
    return text


def pattern(table: Table, key: str, *default: str, groups: tuple[str, ...] = ()) -> str:
    """A regular expression that has the named ``groups``."""
    text = table.text(key, *default)
    if not text:
        return ""
    try:
        known = re.compile(text).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        table.fail(key, f"{text!r} is not a regular expression: {error}", "in 'single quotes' a backslash stays one")
    for name in groups:
        if name not in known:
            table.fail(key, f"has no group {name}", f"write (?P<{name}>...) around it")
    return text
