"""The page of every event, made from the structs themselves: ``python -m harness.recording.reference``."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from harness.host.checkout import DOCS
from harness.recording.events import Event, kinds
from harness.recording.sources import Source

PAGE = DOCS / "recording.md"
_BEGIN, _END = "<!-- {}: generated -->\n", "<!-- {}: end -->\n"
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    NoneType: "null",
    Any: "anything",
}


def tables() -> Mapping[str, str]:
    """Each table of the page by its name."""
    shared = get_type_hints(Event, include_extras=True)
    events = [
        f"| `{kind}` | {_about(struct)} | {'<br>'.join(_fields(struct, skip=shared))} |\n"
        for kind, struct in kinds().items()
    ]
    sources = [f"| {field} |\n" for field in _fields(Source)]
    return {
        "events": "| kind | what it says | fields |\n|---|---|---|\n" + "".join(events),
        "sources": "| field |\n|---|\n" + "".join(sources),
    }


def page(text: str) -> str:
    """The text of the page with its tables made anew."""
    for name, table in tables().items():
        begin, end = _BEGIN.format(name), _END.format(name)
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{table}{end}{rest.partition(end)[2]}"
    return text


def _about(struct: type) -> str:
    return " ".join(inspect.cleandoc(struct.__doc__ or "").split())


def _fields(struct: type[msgspec.Struct], skip: Mapping[str, Any] | None = None) -> Iterator[str]:
    for name, hint in get_type_hints(struct, include_extras=True).items():
        if name not in (skip or {}):
            said = "".join(f": {text}" for text in getattr(hint, "__metadata__", ()) if isinstance(text, str))
            yield f"`{name}` ({words(hint)}{_default(struct, name)}){said}"


def _default(struct: type[msgspec.Struct], name: str) -> str:
    """What it is where it is left out, unless that is nothing."""
    (field,) = (f for f in msgspec.structs.fields(struct) if f.name == name)
    if field.default is msgspec.NODEFAULT or not field.default:
        return ""
    return f", else {'true' if field.default is True else field.default}"


def words(hint: Any) -> str:
    """The type of a field, in words."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return words(arguments[0])
    if origin is Literal:
        return " or ".join(repr(value) for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(words(a) for a in arguments)
    if origin is not None and issubclass(origin, Mapping):
        return f"object of {words(arguments[1])}"
    if origin is not None and issubclass(origin, Sequence):
        return f"list of {words(arguments[0])}"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return "object"
    return _WORDS[hint]


def main() -> None:
    PAGE.write_text(page(PAGE.read_text()))


if __name__ == "__main__":
    main()
