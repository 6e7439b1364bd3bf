"""Where a number on a page comes from: dotted paths into result.json, such as ``claims.0.median``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def lookup(document: Any, path: str) -> Any:
    """The value at ``path``, None when there is none. A key that itself holds dots is found too."""
    return _descend(document, path.split("."))


def _descend(value: Any, steps: Sequence[str]) -> Any:
    if not steps:
        return value
    if isinstance(value, Mapping):
        for length in range(len(steps), 0, -1):
            key = ".".join(steps[:length])
            if key in value:
                return _descend(value[key], steps[length:])
        return None
    if isinstance(value, Sequence) and not isinstance(value, str) and steps[0].isdigit():
        index = int(steps[0])
        return _descend(value[index], steps[1:]) if index < len(value) else None
    return None
