"""Whether a cell and a system fit: what the system lacks for it, and which names were most likely misspelt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from harness.config.operations import HARNESS_STEPS, OPERATIONS
from harness.config.schema import SystemConfig
from harness.config.suggest import misspelt
from harness.errors import HarnessError
from harness.host.sizes import size
from harness.model import Edge
from harness.plan import Together
from harness.scenario import Cell, Scenario

# The data, and what a restore, a migration or the next backup writes beside them.
_COPIES = 2
# Phases that bundled scenarios wait for, and so that kits mark.
PHASES = (
    *(f"backup.{p}" for p in ("lock", "check", "copy", "encrypt", "verify", "upload")),
    *(f"deploy.{p}" for p in ("lock", "check", "migrate", "start", "switch", "drain", "verify", "back")),
    *(f"rollback.{p}" for p in ("lock", "check", "start", "switch", "drain", "verify")),
    *(f"restore.{p}" for p in ("lock", "check", "decrypt", "copy", "start", "verify")),
)


def missing_in(config: SystemConfig, cell: Cell) -> list[str]:
    """What a system.toml does not have and the cell is about: a link to cut, a monitor to kill, a bad version, an
    operation of the kit's own."""
    found = [f"[links.{name}]" for name in links(cell) if name not in config.links]
    if not config.monitors and any("monitor" in t.fault.targets for t in cell.triggers):
        found.append("[monitors]")
    if not config.versions.broken and any(s.version == "broken" for s in cell.single_steps):
        found.append("[versions] broken")
    own = dict.fromkeys(s.do for s in cell.single_steps if s.do not in (*OPERATIONS, *HARNESS_STEPS))
    return found + [f"[operations.{name}]" for name in own if name not in config.operations]


def links(cell: Cell) -> tuple[str, ...]:
    """The links that faults of the cell are on."""
    aims = (t.fault.aimed_at for t in cell.triggers)
    return tuple(dict.fromkeys(a["link"] for a in aims if "link" in a))


def refuse_misspelt(config: SystemConfig, scenario: Scenario, cell: Cell) -> None:
    """HarnessError for a name that this system does not have and that is all but one that it has, or that every system
    may have. What is simply not there is no error: the cell is unknown, and says what is missing."""
    operations = (*OPERATIONS, *config.operations)
    phases = (*PHASES, *(p.name for p in config.phases))
    for kind, names, known in (
        ("operation", [s.do for s in cell.single_steps], (*operations, *HARNESS_STEPS)),
        ("operation", [cell.power.operation] if cell.power else [], operations),
        ("link", links(cell), config.links),
        ("phase", _phases(cell), (*operations, *phases)),
    ):
        for name in names:
            if meant := _meant(name, known):
                what = f"run {scenario.name}:{cell.name} on {config.name}"
                raise HarnessError(what, f"there is no {kind} {name!r}", f"did you mean {meant!r}?")


def refuse_small_disks(config: SystemConfig, size_bytes: int) -> None:
    """HarnessError where a disk does not hold the seeded data ``_COPIES`` times: what is full by itself would look like
    a fault of the kit. A system that no seed fills, or fills regardless of ``{size}``, is taken as it is."""
    seed = config.operations.get("seed")
    if seed is None or not any("{size}" in word for word in seed.command):
        return
    needed = _COPIES * size_bytes
    disks = {"data": config.disks.data_bytes, "backup": config.disks.backup_bytes}
    small = {name: held for name, held in disks.items() if held < needed}
    if small:
        have = " and ".join(f"{name} {size(held)}" for name, held in small.items())
        keys = " and ".join(f'{name} = "{math.ceil(needed / 2**20)}m"' for name in small)
        raise HarnessError(
            f"run {config.name} with {size(size_bytes)} of data",
            f"its disks are too small ({have}): each has to hold the data twice, with the copy that a restore, a"
            " migration or the next backup writes beside what is there",
            f"[disks] {keys} or more, in {config.file}; or a smaller --size",
        )


def _meant(name: str, known: Iterable[str]) -> str:
    """What a name is all but; of a phase the operation is as it is written, or the last part."""
    known = list(dict.fromkeys(known))
    if name in known:
        return ""
    operation, dot, phase = name.partition(".")
    if dot:
        alike = {k.partition(".")[2]: k for k in known if k.startswith(f"{operation}.")}
        tops = {k.partition(".")[0]: k for k in known if k.partition(".")[2] == phase}
        return alike.get(misspelt(phase, alike), "") or tops.get(misspelt(operation, tops), "")
    return misspelt(name, (k for k in known if "." not in k))


def _phases(cell: Cell) -> Iterator[str]:
    """Every phase, or operation, on whose edge something is to happen."""
    yield from (t.at.phase for t in cell.triggers)
    yield from (s.after.phase for s in cell.single_steps if isinstance(s.after, Edge))
    yield from (e.phase for s in cell.steps if isinstance(s, Together) for e in s.barrier)
    yield from cell.power.during if cell.power else ()
