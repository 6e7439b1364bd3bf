"""The declaration of a key of system.toml; reader, `init`'s template and the reference page come from it.

It stands beside the type of the field that the key is read into: ``users: Annotated[int, Key(...)] = 12``. A field
without a Key has no key in the file: the reader is given its value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_type_hints

from harness.config.toml.shapes import ByName, One, Several, Shape, written
from harness.config.toml.table import Table
from harness.config.toml.value import REQUIRED

UNSET: Any = object()
Tables = One | ByName | Several


@dataclass(frozen=True, slots=True)
class Key:
    """``says`` is one sentence: what the key means; ``more`` is added to it on the reference page only.

    ``name``: of the key, where it is not the field's; ``default``: likewise. ``attached`` is the default of a system
    that runs already. ``where``: the key means something only on an ``island`` or only for an ``attached`` system.
    ``example`` is a value as TOML writes it. ``init`` is how it stands in a first system.toml while nothing better
    was found: as a ``default`` or example to uncomment, ``instead`` of another key, or for ``another`` case than the
    usual one.
    """

    shape: Shape | Tables
    says: str
    more: str = ""
    name: str = ""
    default: Any = UNSET
    attached: Any = UNSET
    where: Literal["", "island", "attached"] = ""
    example: str = ""
    init: Literal["default", "instead", "another"] = "default"


@dataclass(frozen=True, slots=True)
class Declared:
    """A key of a table: its ``name`` in the file, the ``field`` it is read into, its default (REQUIRED: none)."""

    name: str
    field: str
    default: Any
    key: Key

    def default_of(self, attached: bool) -> Any:
        """The default of a system that is started, or of one that runs already."""
        return self.key.attached if attached and self.key.attached is not UNSET else self.default

    @property
    def shown_default(self) -> str:
        """The default as TOML writes it; empty where there is none, or nothing to say of it."""
        return "" if self.default in (REQUIRED, None, "", (), {}) else written(self.default)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds between the keys of one table: ``check`` refuses a value that breaks what ``says`` says."""

    says: str
    check: Callable[[Table, Any], None]


_KNOWN: dict[type, tuple[Declared, ...]] = {}


def keys_of(of: type[Any]) -> tuple[Declared, ...]:
    """The keys of a table, as its class declares them."""
    if of not in _KNOWN:  # looked up once: the types of a class are texts until then
        _KNOWN[of] = tuple(_declared(of))
    return _KNOWN[of]


def _declared(of: type[Any]) -> Iterator[Declared]:
    hints = get_type_hints(of, include_extras=True)
    for field in dataclasses.fields(of):
        key = next((m for m in getattr(hints[field.name], "__metadata__", ()) if isinstance(m, Key)), None)
        if key is not None:
            default = key.default if key.default is not UNSET else _default(field)
            yield Declared(key.name or field.name, field.name, default, key)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return REQUIRED if field.default is dataclasses.MISSING else field.default


def read_keys(of: type[Any], table: Table, *, attached: bool = False, leave: Container[str] = ()) -> dict[str, Any]:
    """field -> value of every declared key but those to ``leave``, and those that are tables of declared keys."""
    found: dict[str, Any] = {}
    for declared in keys_of(of):
        shape = declared.key.shape
        if not isinstance(shape, One | ByName | Several) and declared.name not in leave:
            found[declared.field] = shape.read(table, declared.name, declared.default_of(attached))
    return found


def table_of(top: type[Any], path: str) -> type[Any]:
    """The class that declares the keys of a table, by its dotted path: ``load.requests``; empty: ``top`` itself."""
    of = top
    for name in path.split(".") if path else ():
        shape = next(d for d in keys_of(of) if d.name == name).key.shape
        assert isinstance(shape, One | ByName | Several), path
        of = shape.of
    return of
