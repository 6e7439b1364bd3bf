"""A TOML table read key by key, whose errors name file, dotted key, what is wrong and what is known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

from harness.config.placeholders import complaint, unknown
from harness.config.suggest import closest, did_you_mean
from harness.errors import HarnessError
from harness.host.sizes import parse_size

REQUIRED: Any = object()
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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


def _short(text: str) -> str:
    """A value or key of any length may be quoted in it: its beginning and its end are enough to find it."""
    return text if len(text) <= 600 else f"{text[:300]} ... {text[-300:]}"


class Table:
    """One table; ``end()`` complains about every key nobody asked for."""

    def __init__(self, data: Mapping[str, Any], key: str, file: Path) -> None:
        self._data = data
        self._asked: list[str] = []
        self.key = key
        self.file = file

    def dotted(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    def fail(self, key: str, why: str, hint: str = "") -> NoReturn:
        raise HarnessError(f"read {self.file}: {_short(self.dotted(key))}", _short(why), _short(hint))

    def __contains__(self, key: str) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    @property
    def raw(self) -> Mapping[str, Any]:
        """All of it as it was read; looking at it asks for nothing."""
        return self._data

    def end(self) -> None:
        for key in self._data:
            if key not in self._asked:
                meant = did_you_mean(key, self._asked)
                known = ", ".join(sorted(set(self._asked))) or "nothing"
                self.fail(key, "unknown key", meant or f"known here: {known}")

    def value(self, key: str, default: Any) -> Any:
        self._asked.append(key)
        if key in self._data:
            return self._data[key]
        if default is REQUIRED:
            misspelt = closest(key, [k for k in self._data if k not in self._asked])
            self.fail(key, "is required and missing", f"is it what was meant by {misspelt!r}?" if misspelt else "")
        return default

    # -- scalars -------------------------------------------------------------------------------------------------
    def text(
        self, key: str, default: Any = REQUIRED, *, fills: AbstractSet[str] = frozenset(), empty: bool = False
    ) -> str:
        """A text whose placeholders are all in ``fills``."""
        return self._text(key, self.value(key, default), fills, empty or default == "")

    def _text(self, key: str, value: object, fills: AbstractSet[str], empty: bool) -> str:
        if not isinstance(value, str):
            quote = f'write "{value}"' if isinstance(value, int | float) else ""
            self.fail(key, f"must be text, not {kind_of(value)}", quote)
        if "\0" in value:
            self.fail(key, "holds a NUL byte, which no command or path can")
        if not value and not empty:
            self.fail(key, "must not be empty")
        stranger = unknown(value, fills)
        if stranger:
            self.fail(key, *complaint(stranger, fills))
        return value

    def choice(self, key: str, choices: Sequence[str], default: Any = REQUIRED) -> Any:
        value = self.text(key, default)
        if value not in choices:
            self.fail(key, f"is {value!r}", did_you_mean(value, choices) or f"one of: {', '.join(choices)}")
        return value

    def number(self, key: str, default: Any = REQUIRED, *, least: float = 0.0, most: float = 1e15) -> float:
        return self._number(key, self.value(key, default), least, most)

    def _number(self, key: str, value: object, least: float, most: float) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, f"must be a number, not {kind_of(value)}")
        if (isinstance(value, float) and not math.isfinite(value)) or not least <= value <= most:
            self.fail(key, f"is {'far too large' if abs(value) > 1e18 else value}", f"from {least:g} to {most:g}")
        return float(value)

    def whole(self, key: str, default: Any = REQUIRED, *, least: int = 0, most: int = 10**9) -> int:
        value = self.number(key, default, least=least, most=most)
        if not value.is_integer():
            self.fail(key, f"is {value:g}, and must be a whole number")
        return int(value)

    def flag(self, key: str, default: Any) -> bool:
        value = self.value(key, default)
        if not isinstance(value, bool):
            self.fail(key, f"must be true or false, not {kind_of(value)}")
        return value

    def day(self, key: str, default: Any = REQUIRED) -> date:
        value = self.value(key, default)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.fail(key, f"must be a date, not {kind_of(value)}", "write it without quotes: 2027-01-01")
        return value

    def size(self, key: str, default: Any) -> int:
        value = self.value(key, default)
        if isinstance(value, int) and not isinstance(value, bool):
            return int(self._number(key, value, 0, 1e15))
        text = self._text(key, value, frozenset(), False)
        try:
            size = parse_size(text)
        except HarnessError as error:
            self.fail(key, f"{value!r} {error.why}", error.hint)
        return int(self._number(key, size, 0, 1e15))

    # -- lists and tables ----------------------------------------------------------------------------------------
    def texts(self, key: str, default: Any = REQUIRED, *, fills: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
        """A list of texts, such as an argv; nothing is split or given to a shell."""
        value = self.value(key, default)
        if not isinstance(value, list | tuple):
            hint = 'a list such as ["sh", "-c", "..."]: nothing goes through a shell' if isinstance(value, str) else ""
            self.fail(key, f"must be a list of texts, not {kind_of(value)}", hint)
        if not value and default is REQUIRED:
            self.fail(key, "must not be empty")
        return tuple(self._text(f"{key}[{i}]", item, fills, True) for i, item in enumerate(value))

    def numbers(self, key: str, default: Any, count: int) -> tuple[float, ...]:
        value = self.value(key, default)
        if not isinstance(value, list | tuple) or len(value) != count:
            self.fail(key, f"must be a list of {count} numbers")
        return tuple(self._number(f"{key}[{i}]", item, 0, 1e9) for i, item in enumerate(value))

    def table(self, key: str, default: Any = REQUIRED) -> Table:
        return Table(self._mapping(key, self.value(key, default)), self.dotted(key), self.file)

    def tables(self, key: str) -> dict[str, Table]:
        """Tables by name (``[links.NAME]``)."""
        found: dict[str, Table] = {}
        for name, value in self._mapping(key, self.value(key, {})).items():
            if not _NAME.fullmatch(name):
                self.fail(f"{key}.{name!r}", "is not a name", "letters, digits, _ and -, at most 64")
            found[name] = Table(self._mapping(f"{key}.{name}", value), f"{self.dotted(key)}.{name}", self.file)
        return found

    def array(self, key: str) -> list[Table]:
        """An array of tables (``[[load.requests]]``), at least one."""
        value = self.value(key, REQUIRED)
        if not isinstance(value, list) or not value:
            self.fail(key, "must be an array of tables, at least one", f"write [[{self.dotted(key)}]]")
        return [
            Table(self._mapping(f"{key}[{i}]", item), f"{self.dotted(key)}[{i}]", self.file)
            for i, item in enumerate(value)
        ]

    def environment(self, key: str, default: Any, *, fills: AbstractSet[str]) -> dict[str, str]:
        """A table of environment variables."""
        found: dict[str, str] = {}
        for name, value in self._mapping(key, self.value(key, default)).items():
            if not name or "=" in name or "\0" in name:
                self.fail(f"{key}.{name!r}", "cannot be the name of an environment variable")
            found[name] = self._text(f"{key}.{name}", value, fills, True)
        return found

    def _mapping(self, key: str, value: object) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.fail(key, f"must be a table, not {kind_of(value)}", f"write [{self.dotted(key)}]")
        return value
