"""A system that runs already (``attach = true``): what its system.toml cannot have, for no island is made for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.config.keys import keys_of
from harness.config.operations import KNOWN_OPERATIONS
from harness.config.placeholders import PLACEHOLDER
from harness.config.schema import LimitsConfig, PhaseConfig, ServiceConfig, SystemConfig
from harness.config.toml.table import Table

_NOT_KNOWN = frozenset({"dir", "port", "host", "size"})


def refuse_of_an_island(top: Table) -> None:
    """An error for every key that stands for something an island has."""
    hint = "with attach = true the system is as it is; leave it out"
    for declared in keys_of(SystemConfig):
        if declared.key.where == "island" and declared.name in top:
            top.fail(declared.name, "is of an island, and a system that runs already has none", hint)
    # They would start it, or make its data anew.
    not_done = [("service", d.name) for d in keys_of(ServiceConfig) if d.key.where == "island"]
    not_done += [("operations", name) for name, known in KNOWN_OPERATIONS.items() if known.where == "island"]
    for name, key in not_done:
        section = top.raw.get(name)
        if isinstance(section, Mapping) and key in section:
            top.fail(f"{name}.{key}", "is not done to a system that runs already", hint)


def refuse_of_an_attached(top: Table) -> None:
    """An error for every limit that says something only of a system that runs already."""
    limits = top.raw.get("limits")
    for declared in keys_of(LimitsConfig):
        if declared.key.where == "attached" and isinstance(limits, Mapping) and limits.get(declared.name):
            why = "is for a system that runs already"
            top.fail(f"limits.{declared.name}", why, "from an island no other host is reached")


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
