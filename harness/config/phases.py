"""The ``[phases]`` of a system.toml: the phases of a kit that does not mark them itself."""

from __future__ import annotations

from collections.abc import Container

from harness.config.fields import pattern
from harness.config.placeholders import PLACES
from harness.config.schema import EdgeConfig, PhaseConfig
from harness.config.suggest import did_you_mean
from harness.config.table import Table
from harness.host.held_calls import FAMILIES

_FORMS = ("log", "bytes", "syscall")


def read_phases(table: Table, operations: Container[str]) -> tuple[PhaseConfig, ...]:
    """Names hold dots, so they stand in quotes: ``[phases."backup.copy"]``."""
    return tuple(_phase(name, table.table(name), operations) for name in table)


def _phase(name: str, table: Table, operations: Container[str]) -> PhaseConfig:
    inner = [key for key in table if key not in ("operation", "start", "stop")]
    if inner and not {"operation", "start", "stop"} & set(table):
        table.fail(inner[0], "unknown key", f'a name with dots needs quotes: [phases."{name}.{inner[0]}"]')
    operation = table.text("operation", name.partition(".")[0])
    if operation not in operations:
        table.fail("operation", f"there is no [operations.{operation}]", "name the operation that the phase is part of")
    if name == operation:
        table.fail("operation", f"{name} is the operation itself, which needs no phase", f"such as {name}.copy")
    start, stop = (_edge(table.table(key)) if table.value(key, None) is not None else None for key in ("start", "stop"))
    if start is None and stop is None:
        table.fail("start", "neither start nor stop is there, so it would be the operation itself", "give one of them")
    table.end()
    return PhaseConfig(name, operation, start, stop)


def _edge(table: Table) -> EdgeConfig:
    form = [key for key in table if key in _FORMS]
    if len(form) != 1:
        what = form[1] if form else next(iter(table), "log")
        table.fail(what, "an edge has one of log, bytes, syscall", did_you_mean(what, _FORMS))
    by = form[0]
    if by == "log":
        edge = EdgeConfig("log", pattern(table, "log"), table.text("file", "", fills=PLACES), nth=_nth(table))
    elif by == "bytes":
        size = table.size("bytes", "")
        if size < 1:
            table.fail("bytes", "is 0, which is there from the start", "leave the edge out for the operation's own")
        edge = EdgeConfig("bytes", path=table.text("path", fills=PLACES), size_bytes=size)
    else:
        call = table.choice("syscall", tuple(FAMILIES))
        edge = EdgeConfig("syscall", pattern(table, "path", ""), call=call, nth=_nth(table))
    table.end()
    return edge


def _nth(table: Table) -> int:
    return table.whole("nth", 1, least=1)
