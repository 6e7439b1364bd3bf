"""The ``[phases]`` of a system.toml: the phases of a kit that does not mark them itself."""

from __future__ import annotations

from harness.config.keys import read_keys
from harness.config.schema import EDGES, EdgeConfig, PhaseConfig
from harness.config.suggest import did_you_mean
from harness.config.toml.table import Table

_KEYS = ("operation", "start", "stop", "same_as")


def read_phases(table: Table) -> tuple[PhaseConfig, ...]:
    """Names hold dots, so they stand in quotes: ``[phases."backup.copy"]``."""
    return tuple(_phase(name, table.table(name)) for name in table)


def _phase(name: str, table: Table) -> PhaseConfig:
    inner = [key for key in table if key not in _KEYS]
    if inner and not set(_KEYS) & set(table):
        table.fail(inner[0], "unknown key", f'a name with dots needs quotes: [phases."{name}.{inner[0]}"]')
    operation = table.at("operation", name.partition(".")[0]).text()
    same_as = table.at("same_as", "").text()
    start, stop = (_edge(table.table(key)) if table.value(key, None) is not None else None for key in ("start", "stop"))
    table.end()
    if name == operation:
        table.fail("operation", f"{name} is the operation itself, which needs no phase", f"such as {name}.copy")
    if same_as and (start or stop):
        table.fail("same_as", "stands beside start or stop", "leave them out: it is when the other phase is")
    if same_as in (name, operation):
        table.fail("same_as", f"is {same_as!r}", "another phase that your kit marks, such as deploy.start")
    if start is None and stop is None and not same_as:
        table.fail("start", "neither start nor stop is there, so it would be the operation itself", "give one of them")
    return PhaseConfig(name, operation, start, stop, same_as)


def _edge(table: Table) -> EdgeConfig:
    form = [key for key in table if key in EDGES]
    if len(form) != 1:
        what = form[1] if form else next(iter(table), "log")
        table.fail(what, "an edge has one of log, bytes, syscall", did_you_mean(what, EDGES))
    edge = EDGES[form[0]]
    seen = edge(**read_keys(edge, table))
    table.end()
    return seen.edge()
