"""A system that runs already (``attach = true``): what its system.toml cannot have, for no island is made for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.config.placeholders import PLACEHOLDER
from harness.config.schema import PhaseConfig
from harness.config.table import Table

_OF_AN_ISLAND = ("disks", "links", "dependencies", "monitors")
# They would start it, or make its data anew.
_NOT_OURS = (("service", "start"), ("service", "stop"), ("operations", "seed"), ("operations", "reset"))
_NOT_KNOWN = frozenset({"dir", "port", "host", "size"})


def refuse_of_an_island(top: Table) -> None:
    """An error for every key that stands for something an island has."""
    hint = "with attach = true the system is as it is; leave it out"
    for name in _OF_AN_ISLAND:
        if name in top:
            top.fail(name, "is of an island, and a system that runs already has none", hint)
    for name, key in _NOT_OURS:
        section = top.raw.get(name)
        if isinstance(section, Mapping) and key in section:
            top.fail(f"{name}.{key}", "is not done to a system that runs already", hint)


def refuse_places(top: Table) -> None:
    """The same for placeholders, once every key is known: what nobody knows may be nested without an end."""
    for key, placeholder in _placeholders(top.raw, ""):
        if placeholder in _NOT_KNOWN:
            top.fail(key, f"{{{placeholder}}} is of an island", "write the real one: a system that runs already has it")


def refuse_held_calls(top: Table, phases: Iterable[PhaseConfig]) -> None:
    """What a kit was held at system calls by stays on whatever it leaves running, which would fail without us."""
    for phase in phases:
        for name, edge in (("start", phase.start), ("stop", phase.stop)):
            if edge and edge.by == "syscall":
                why = "a kit held at system calls leaves programs behind that cannot do without us"
                top.fail(f'phases."{phase.name}".{name}', why, "log or bytes, or marks of the kit's own")


def _placeholders(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """(dotted key, placeholder) of every text below ``value``."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _placeholders(item, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _placeholders(item, f"{key}[{i}]")
    elif isinstance(value, str):
        yield from ((key, name) for name in PLACEHOLDER.findall(value))
