"""The value of one key of a TOML table, read as what it must be."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from typing import Any, NoReturn, Protocol

from harness.config.placeholders import complaint, unknown
from harness.config.suggest import did_you_mean
from harness.errors import HarnessError
from harness.host.sizes import parse_size

REQUIRED: Any = object()


class Owner(Protocol):
    """The table that a value is of: it knows the file and the dotted key."""

    def dotted(self, key: str) -> str: ...

    def fail(self, key: str, why: str, hint: str = "") -> NoReturn: ...


def kind_of(value: object) -> str:
    """What a person calls a TOML value."""
    names: tuple[tuple[type, str], ...] = (
        (bool, "true/false"),
        (str, "text"),
        (int, "a number"),
        (float, "a number"),
        (list, "a list"),
        (dict, "a table"),
        (date, "a date"),
    )
    return next((name for type_, name in names if isinstance(value, type_)), type(value).__name__)


class Value:
    """Each method reads the value as one kind of thing; HarnessError when it is none."""

    def __init__(self, owner: Owner, key: str, raw: Any, default: Any = REQUIRED) -> None:
        """``raw`` is the value, or the ``default`` where the key is missing."""
        self._owner = owner
        self._key = key
        self._raw = raw
        self._default = default

    def _fail(self, why: str, hint: str = "") -> NoReturn:
        self._owner.fail(self._key, why, hint)

    def _part(self, key: str, raw: Any) -> Value:
        """An item of this value; an empty text is one, too."""
        return Value(self._owner, f"{self._key}{key}", raw, "")

    # -- scalars -------------------------------------------------------------------------------------------------
    def text(self, *, fills: AbstractSet[str] = frozenset(), empty: bool = False) -> str:
        """A text whose placeholders are all in ``fills``. An empty one is taken where that is the default, or with
        ``empty``."""
        value = self._raw
        if not isinstance(value, str):
            quote = f'write "{value}"' if isinstance(value, int | float) else ""
            self._fail(f"must be text, not {kind_of(value)}", quote)
        if "\0" in value:
            self._fail("holds a NUL byte, which no command or path can")
        if not value and self._default != "" and not empty:
            self._fail("must not be empty")
        stranger = unknown(value, fills)
        if stranger:
            self._fail(*complaint(stranger, fills))
        return value

    def choice(self, choices: Sequence[str]) -> str:
        value = self.text()
        if value not in choices:
            self._fail(f"is {value!r}", did_you_mean(value, choices) or f"one of: {', '.join(choices)}")
        return value

    def number(self, *, least: float = 0.0, most: float = 1e15) -> float:
        value = self._raw
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fail(f"must be a number, not {kind_of(value)}")
        if (isinstance(value, float) and not math.isfinite(value)) or not least <= value <= most:
            self._fail(f"is {'far too large' if abs(value) > 1e18 else value}", f"from {least:g} to {most:g}")
        return float(value)

    def whole(self, *, least: int = 0, most: int = 10**9) -> int:
        value = self.number(least=least, most=most)
        if not value.is_integer():
            self._fail(f"is {value:g}, and must be a whole number")
        return int(value)

    def flag(self) -> bool:
        if not isinstance(self._raw, bool):
            self._fail(f"must be true or false, not {kind_of(self._raw)}")
        return self._raw

    def day(self) -> date:
        value = self._raw
        if not isinstance(value, date) or isinstance(value, datetime):
            self._fail(f"must be a date, not {kind_of(value)}", "write it without quotes: 2027-01-01")
        return value

    def size(self) -> int:
        """Bytes, from a number or from a text such as ``512m``."""
        value = self._raw
        if isinstance(value, int) and not isinstance(value, bool):
            return int(self.number())
        text = self.text()
        try:
            size = parse_size(text)
        except HarnessError as error:
            self._fail(f"{value!r} {error.why}", error.hint)
        return int(Value(self._owner, self._key, size).number())

    # -- lists and tables ----------------------------------------------------------------------------------------
    def texts(self, *, fills: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
        """A list of texts, such as an argv; nothing is split or given to a shell."""
        value = self._raw
        if not isinstance(value, list | tuple):
            hint = 'a list such as ["sh", "-c", "..."]: nothing goes through a shell' if isinstance(value, str) else ""
            self._fail(f"must be a list of texts, not {kind_of(value)}", hint)
        if not value and self._default is REQUIRED:
            self._fail("must not be empty")
        return tuple(self._part(f"[{i}]", item).text(fills=fills) for i, item in enumerate(value))

    def numbers(self, count: int) -> tuple[float, ...]:
        value = self._raw
        if not isinstance(value, list | tuple) or len(value) != count:
            self._fail(f"must be a list of {count} numbers")
        return tuple(self._part(f"[{i}]", item).number(most=1e9) for i, item in enumerate(value))

    def environment(self, *, fills: AbstractSet[str]) -> dict[str, str]:
        """A table of environment variables."""
        found: dict[str, str] = {}
        for name, value in self.mapping().items():
            if not name or "=" in name or "\0" in name:
                self._owner.fail(f"{self._key}.{name!r}", "cannot be the name of an environment variable")
            found[name] = self._part(f".{name}", value).text(fills=fills)
        return found

    def mapping(self) -> Mapping[str, Any]:
        if not isinstance(self._raw, dict):
            self._fail(f"must be a table, not {kind_of(self._raw)}", f"write [{self._owner.dotted(self._key)}]")
        return self._raw
