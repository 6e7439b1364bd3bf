"""A TOML table read key by key, whose errors name file, dotted key, what is wrong and what is known."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from harness.config.suggest import closest, did_you_mean
from harness.config.toml.value import REQUIRED, Value
from harness.errors import HarnessError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


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

    def at(self, key: str, default: Any = REQUIRED) -> Value:
        """The value of a key, to be read as what it must be."""
        return Value(self, key, self.value(key, default), default)

    def table(self, key: str, default: Any = REQUIRED) -> Table:
        return Table(self.at(key, default).mapping(), self.dotted(key), self.file)

    def tables(self, key: str) -> dict[str, Table]:
        """Tables by name (``[links.NAME]``)."""
        found: dict[str, Table] = {}
        for name, value in self.at(key, {}).mapping().items():
            if not _NAME.fullmatch(name):
                self.fail(f"{key}.{name!r}", "is not a name", "letters, digits, _ and -, at most 64")
            found[name] = Table(Value(self, f"{key}.{name}", value).mapping(), f"{self.dotted(key)}.{name}", self.file)
        return found

    def array(self, key: str) -> list[Table]:
        """An array of tables (``[[load.requests]]``), at least one."""
        value = self.value(key, REQUIRED)
        if not isinstance(value, list) or not value:
            self.fail(key, "must be an array of tables, at least one", f"write [[{self.dotted(key)}]]")
        return [
            Table(Value(self, f"{key}[{i}]", item).mapping(), f"{self.dotted(key)}[{i}]", self.file)
            for i, item in enumerate(value)
        ]
