"""Shapes of a value in a system.toml: each reads it from its table, and says in words what it may be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness.config.placeholders import COMMAND, LINK, PLACES, REQUEST, fill
from harness.config.toml.table import Table
from harness.config.toml.value import REQUIRED

Argv = tuple[str, ...]
NO_PLACEHOLDERS: frozenset[str] = frozenset()
PAGES = frozenset({"after", "page", "offset"})
_SETS = {PLACES: "places", COMMAND: "a command's", LINK: "a link's", REQUEST: "a request's", PAGES: "the read-back's"}

# Nothing but this host is ever loaded, unless the file allows it by name: another address is refused, not resolved.
_HERE = r"(127(\.\d{1,3}){3}|([A-Za-z0-9-]+\.)*localhost|\[::1\]|\{host\})"
_SOCKET = r"unix:(/|\{dir\}/|\{system\}/)[^\s?#]+"
_URL = re.compile(rf"https?://{_HERE}(:(\d{{1,5}}|\{{port\}}))?(/[^\s?#]*)?|{_SOCKET}")
_ANY_URL = re.compile(r"https?://(?P<host>[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(:(\d{1,5}|\{port\}))?(/[^\s?#]*)?")
_HEALTH = re.compile(rf"(http|tcp)://{_HERE}:(\d{{1,5}}|\{{port\}})(/[^\s]*)?")
_FORMS = "http://127.0.0.1:{port}, https://localhost:{port} or unix:{dir}/service.sock"


class _Any(frozenset[str]):
    """Placeholders of any name: which are known is told by another key, and so checked by a rule."""

    def __contains__(self, _: object) -> bool:
        return True


_ANY_NAME = _Any()


class Shape(Protocol):
    """``read`` takes the value of a key from its table (``default`` where it is missing; REQUIRED: an error)."""

    def read(self, table: Table, key: str, default: Any) -> Any: ...

    def describe(self) -> str: ...


def written(value: object) -> str:
    """A value as TOML writes it; tables inline."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {written(item)}" for name, item in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(written(item) for item in value)}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _plain(value)
    # A TOML string is JSON's, but for one character TOML wants escaped and JSON does not.
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")


def _plain(value: float) -> str:
    """``1000000`` and ``0.05``."""
    return str(int(value)) if value == int(value) else repr(value)


def _with(fills: AbstractSet[str]) -> str:
    known = _SETS.get(frozenset(fills), "")
    return f", with [placeholders](#placeholders): {known}" if known else ""


# -- texts -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Text:
    """``open_``: variables of a login may stand in it, too."""

    fills: AbstractSet[str] = NO_PLACEHOLDERS
    open_: bool = False

    def read(self, table: Table, key: str, default: Any) -> str:
        return table.at(key, default).text(fills=_ANY_NAME if self.open_ else self.fills)

    def describe(self) -> str:
        return f"text{_with(self.fills)}"


@dataclass(frozen=True, slots=True)
class Named:
    """A text of a certain form: ``form`` is a regular expression, ``rule`` the same in words."""

    form: str
    rule: str

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text()
        if not re.fullmatch(self.form, text):
            table.fail(key, f"{text!r} is not a name", self.rule)
        return text

    def describe(self) -> str:
        return f"text: {self.rule}"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text that says something: not only blanks."""

    hint: str

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text()
        if not text.strip():
            table.fail(key, "is blank", self.hint)
        return text

    def describe(self) -> str:
        return "text, not blank"


@dataclass(frozen=True, slots=True)
class Choice:
    choices: tuple[str, ...]

    def read(self, table: Table, key: str, default: Any) -> str:
        return table.at(key, default).choice(self.choices) if key in table or default else ""

    def describe(self) -> str:
        return " or ".join(f"`{written(choice)}`" for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Level:
    """``every``, or a percentile such as ``p95``."""

    def read(self, table: Table, key: str, default: Any) -> str:
        level = table.at(key, default).text()
        if not re.fullmatch(r"every|p\d{1,2}(\.\d+)?", level):
            table.fail(key, f"is {level!r}", "every, or a percentile such as p95")
        return level

    def describe(self) -> str:
        return '`"every"`, or a percentile such as `"p95"`'


@dataclass(frozen=True, slots=True)
class Program:
    """A command: a list of arguments, the first of which names a program."""

    def read(self, table: Table, key: str, default: Any) -> Argv:
        argv = table.at(key, default).texts(fills=COMMAND)
        if argv and not argv[0].strip():
            table.fail(f"{key}[0]", "must name a program")
        return argv

    def describe(self) -> str:
        return f"list of arguments{_with(COMMAND)}"


@dataclass(frozen=True, slots=True)
class Texts:
    fills: AbstractSet[str] = NO_PLACEHOLDERS

    def read(self, table: Table, key: str, default: Any) -> Argv | None:
        """None where nothing is said, and that is the default."""
        return None if table.value(key, default) is None else table.at(key, default).texts(fills=self.fills)

    def describe(self) -> str:
        return f"list of texts{_with(self.fills)}"


@dataclass(frozen=True, slots=True)
class RequestPath:
    """The path of a request, as a request line holds it. ``open_`` as of a text."""

    fills: AbstractSet[str] = NO_PLACEHOLDERS
    open_: bool = False

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text(fills=_ANY_NAME if self.open_ else self.fills)
        if not text and default == "":
            return ""
        if not text.startswith("/") or any(c.isspace() for c in text) or not (text.isascii() and text.isprintable()):
            table.fail(key, f"{text!r} is not the path of a request", "starts with / and has no spaces; ü is %C3%BC")
        return text

    def describe(self) -> str:
        return f"path of a request, from `/` on{_with(self.fills)}"


@dataclass(frozen=True, slots=True)
class Pointer:
    """``whole``: may be empty, which is all of it."""

    whole: bool = False

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text(empty=self.whole)
        return _pointer(table, key, text) if text else text

    def describe(self) -> str:
        return "JSON pointer"


def _pointer(table: Table, key: str, text: str) -> str:
    if not text.startswith("/"):
        table.fail(key, f"{text!r} is not a JSON pointer", f"write /{text}")
    return text


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that has the named ``groups``."""

    groups: tuple[str, ...] = ()

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text()
        if not text:
            return ""
        try:
            known = re.compile(text).groupindex
        except (re.error, RecursionError, OverflowError) as error:
            table.fail(
                key, f"{text!r} is not a regular expression: {error}", "in 'single quotes' a backslash stays one"
            )
        for name in self.groups:
            if name not in known:
                table.fail(key, f"has no group {name}", f"write (?P<{name}>...) around it")
        return text

    def describe(self) -> str:
        groups = " and ".join(f"`{name}`" for name in self.groups)
        return f"regular expression{f' with the groups {groups}' * bool(groups)}"


# -- addresses -------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Url:
    """Where the service answers. Whether the harness may load it depends on other keys: see ``check_url``."""

    def read(self, table: Table, key: str, default: Any) -> str:
        return table.at(key, default).text(fills=PLACES).rstrip("/")

    def describe(self) -> str:
        return f"`http://` or `https://` address of this host, or `unix:` and the path of a socket{_with(PLACES)}"


def is_here(url: str) -> bool:
    """Whether it is an address of this host."""
    return _URL.fullmatch(url) is not None


def check_url(table: Table, key: str, text: str, allowed: Sequence[str] | None) -> None:
    """Refuse an address that must not be loaded. ``allowed``: hosts an attached system may answer at; None: an
    island's system, which answers on this host."""
    match, here = _ANY_URL.fullmatch(text), is_here(text)
    if not (match or here) or not _can_be_asked(fill(text, dict.fromkeys(PLACES, "1"))):
        table.fail(key, f"{text!r} is not an address that can be loaded", f"write it like {_FORMS}")
    if here or match is None:
        return
    if allowed is None:
        why = f"{match['host']} is not this host, and an island has no way to any other"
        table.fail(key, why, f"an address of this host, like {_FORMS}; or attach = true, if it runs already")
    if match["host"] not in allowed:
        why = f"{match['host']} is not this host, and limits.allow_hosts does not name it"
        table.fail(key, why, "nothing but what is named there is ever loaded: name it only if it may be overloaded")


@dataclass(frozen=True, slots=True)
class Health:
    """The ``tcp://`` or ``http://`` address of a server beside the service."""

    example: str

    def read(self, table: Table, key: str, default: Any) -> str:
        text = table.at(key, default).text(fills=PLACES)
        if text or default != "":
            _check_local(table, key, text, _HEALTH, self.example)
        return text

    def describe(self) -> str:
        return f"`tcp://` or `http://` address of this host, with its port{_with(PLACES)}"


def _check_local(table: Table, key: str, text: str, form: re.Pattern[str], example: str) -> None:
    if not form.fullmatch(text) or not _can_be_asked(fill(text, dict.fromkeys(PLACES, "1"))):
        table.fail(key, f"{text!r} is not an address of this host", f"write it like {example}")


def _can_be_asked(url: str) -> bool:
    """Whether its port is one, its host a name or address that can be, and its path of what a request line holds."""
    if url.startswith("unix:"):
        return url.isascii()
    try:
        parts = urlsplit(url)
        return parts.port != 0 and bool((parts.hostname or "").encode("idna")) and url.isascii()
    except ValueError:
        return False


# -- numbers and the like --------------------------------------------------------------------------------------------
def _range(least: float, most: float, largest: float) -> str:
    return f"from {_plain(least)}" if most >= largest else f"from {_plain(least)} to {_plain(most)}"


@dataclass(frozen=True, slots=True)
class Number:
    least: float = 0.0
    most: float = 1e15

    def read(self, table: Table, key: str, default: Any) -> float | None:
        """None where nothing is said, and that is the default."""
        if table.value(key, default) is None:
            return None
        return table.at(key, default).number(least=self.least, most=self.most)

    def describe(self) -> str:
        return f"number {_range(self.least, self.most, 1e15)}"


@dataclass(frozen=True, slots=True)
class Whole:
    least: int = 0
    most: int = 10**9

    def read(self, table: Table, key: str, default: Any) -> int:
        return table.at(key, default).whole(least=self.least, most=self.most)

    def describe(self) -> str:
        return f"whole number {_range(self.least, self.most, 10**9)}"


@dataclass(frozen=True, slots=True)
class Span:
    """Two numbers, the smaller first."""

    def read(self, table: Table, key: str, default: Any) -> tuple[float, float]:
        low, high = table.at(key, default).numbers(2)
        if low > high:
            table.fail(key, f"runs from {low:g} down to {high:g}", "the shorter time first")
        return low, high

    def describe(self) -> str:
        return "list of two numbers, the smaller first"


@dataclass(frozen=True, slots=True)
class Flag:
    def read(self, table: Table, key: str, default: Any) -> bool | None:
        """None where nothing is said, and that is the default."""
        return None if table.value(key, default) is None else table.at(key, default).flag()

    def describe(self) -> str:
        return "`true` or `false`"


@dataclass(frozen=True, slots=True)
class Day:
    def read(self, table: Table, key: str, default: Any) -> date:
        return table.at(key, default).day()

    def describe(self) -> str:
        return "date, without quotes"


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes; fewer than ``least`` are refused for the reason ``why``."""

    least: int
    why: Callable[[int], str]
    hint: str

    def read(self, table: Table, key: str, default: Any) -> int:
        size = table.at(key, default).size()
        if size < self.least:
            table.fail(key, self.why(size), self.hint)
        return size

    def describe(self) -> str:
        least = f"{self.least >> 20}m" if self.least >= 2**20 else "1 byte"
        return f'size such as `"512m"` (of 1024) or `"20MB"` (of 1000), at least {least}'


@dataclass(frozen=True, slots=True)
class Statuses:
    """A list of HTTP statuses."""

    def read(self, table: Table, key: str, default: Any) -> tuple[int, ...]:
        found = table.value(key, default)
        if not isinstance(found, list | tuple) or not all(type(s) is int and 200 <= s <= 599 for s in found):
            table.fail(key, f"is {found!r}", "a list of HTTP statuses, such as [200, 303]")
        return tuple(found)

    def describe(self) -> str:
        return "list of HTTP statuses"


# -- tables without keys of their own --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Environment:
    fills: AbstractSet[str] = NO_PLACEHOLDERS

    def read(self, table: Table, key: str, default: Any) -> dict[str, str]:
        return table.at(key, default).environment(fills=self.fills)

    def describe(self) -> str:
        return f"table: variable = text{_with(self.fills)}"


@dataclass(frozen=True, slots=True)
class Headers:
    """``open_`` as of a text."""

    fills: AbstractSet[str] = NO_PLACEHOLDERS
    open_: bool = False

    def read(self, table: Table, key: str, default: Any) -> dict[str, str]:
        headers = table.at(key, default).environment(fills=_ANY_NAME if self.open_ else self.fills)
        for name, value in headers.items():
            if not (name + value).isascii() or not (name + value).isprintable():
                table.fail(f"{key}.{name}", f"{value!r} cannot be sent in a header", "ASCII, in one line")
        return headers

    def describe(self) -> str:
        return f"table: header = text{_with(self.fills)}"


@dataclass(frozen=True, slots=True)
class Totals:
    """JSON pointers, each with the number that must stand there."""

    def read(self, table: Table, key: str, default: Any) -> dict[str, float]:
        totals = table.table(key, default)
        found = {_pointer(totals, name, name): totals.at(name).number(least=-1e15) for name in totals}
        totals.end()
        return found

    def describe(self) -> str:
        return "table: JSON pointer = number"


@dataclass(frozen=True, slots=True)
class Patterns:
    """Header = regular expression."""

    def read(self, table: Table, key: str, default: Any) -> dict[str, str]:
        inner = table.table(key, default)
        found = {name: Pattern().read(inner, name, REQUIRED) for name in inner}
        inner.end()
        return found

    def describe(self) -> str:
        return "table: header = regular expression"


@dataclass(frozen=True, slots=True)
class Accounts:
    """A list of tables of texts, all with the same keys."""

    def read(self, table: Table, key: str, default: Any) -> tuple[dict[str, str], ...]:
        found = table.value(key, default)
        if not isinstance(found, list | tuple) or not all(isinstance(one, dict) and one for one in found):
            table.fail(key, "is no list of tables", '[{ name = "a", password = "b" }]')
        for number, one in enumerate(found):
            for name, value in one.items():
                if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                    table.fail(f"{key}[{number}].{name}", "cannot be a placeholder", "lower-case letters, digits and _")
                if not isinstance(value, str):
                    table.fail(f"{key}[{number}].{name}", "must be text")
            if one.keys() != found[0].keys():
                table.fail(f"{key}[{number}]", f"has other keys than the first ({', '.join(found[0])})")
        return tuple(dict(one) for one in found)

    def describe(self) -> str:
        return "list of tables: name = text"


@dataclass(frozen=True, slots=True)
class Conditions:
    """What details must hold: name -> a text, number or flag, a list of such, or a table of the same."""

    def read(self, table: Table, key: str, default: Any) -> dict[str, Any]:
        inner = table.table(key, default)
        found = {name: self._condition(inner, name) for name in inner}
        inner.end()
        return found

    def _condition(self, table: Table, name: str) -> Any:
        value = table.value(name, REQUIRED)
        if isinstance(value, dict):
            return self.read(table, name, {})
        items = value if isinstance(value, list) else [value]
        if not items or not all(isinstance(item, str | int | float) for item in items):
            table.fail(name, f"is {value!r}", "a text, a number, true or false, or a list of such for one of them")
        return value

    def describe(self) -> str:
        return "table: detail = value, or a list of values for one of them"


@dataclass(frozen=True, slots=True)
class TextsByName:
    def read(self, table: Table, key: str, default: Any) -> dict[str, Argv]:
        inner = table.table(key, default)
        found = {name: inner.at(name).texts() for name in inner}
        inner.end()
        return found

    def describe(self) -> str:
        return "table: name = list of texts"


# -- tables whose keys are declared ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class One:
    """``[key]``: one table, whose keys ``of`` declares."""

    of: type

    def heading(self, path: str) -> str:
        return f"[{path}]"


@dataclass(frozen=True, slots=True)
class ByName:
    """``[key.NAME]``: tables of a name, each with the keys that ``of`` declares."""

    of: type

    def heading(self, path: str) -> str:
        return f"[{path}.NAME]"


@dataclass(frozen=True, slots=True)
class Several:
    """``[[key]]``: at least one table with the keys that ``of`` declares."""

    of: type

    def heading(self, path: str) -> str:
        return f"[[{path}]]"
