"""What a system needs for each cell, as far as its system.toml, this host and one run without faults can tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.campaign.fit import missing_in
from harness.checkers.backups.offsite_copies import OffsiteCopies
from harness.checkers.backups.partial_latest import NoPartialLatest
from harness.checkers.concurrency.end_state import EndState
from harness.checkers.concurrency.exclusive import Exclusive
from harness.checkers.concurrency.fenced import Fenced
from harness.checkers.concurrency.winners import Winners
from harness.config.operations import HARNESS_STEPS, OPERATIONS
from harness.config.schema import SystemConfig
from harness.model import Edge
from harness.plan import Together
from harness.recording.recording import Recording
from harness.scenario import Cell, Scenario, Tier

# Marked only on the way back from something that went wrong, which a run without faults does not see.
_ONLY_WHEN_WRONG = ("back",)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one run without faults saw of a kit: operations that succeeded, phases they marked, keys `status` told."""

    operations: frozenset[str] = frozenset()
    phases: frozenset[str] = frozenset()
    status: frozenset[str] = frozenset()

    @classmethod
    def of(cls, recording: Recording) -> Seen:
        looks = [o for o in recording.observations if not o.status_error]
        told = {key for o in looks for key in o.said} | {"offsite" for o in looks if o.offsite is not None}
        return cls(
            frozenset(o.name for o in recording.operations if o.succeeded),
            frozenset(span.name for _, span, _ in recording.phases),
            frozenset(told | ({"latest"} if looks else set())),
        )


@dataclass(frozen=True, slots=True)
class Able:
    """A cell, and what it would need to be more than unknown here; nothing: it can be run."""

    scenario: str
    cell: str
    tier: Tier
    needs: tuple[str, ...] = field(default=())

    @property
    def can(self) -> bool:
        return not self.needs


def able(
    scenarios: Sequence[Scenario], config: SystemConfig, capabilities: Mapping[str, bool], seen: Seen
) -> list[Able]:
    """Every cell of these scenarios, in their order."""
    return [
        Able(s.name, cell.name, cell.tier, tuple(dict.fromkeys(_needs(s, cell, config, capabilities, seen))))
        for s in scenarios
        for cell in s.cells
    ]


def _needs(
    scenario: Scenario, cell: Cell, config: SystemConfig, capabilities: Mapping[str, bool], seen: Seen
) -> Iterator[str]:
    lacks = scenario.lacks(cell, capabilities)
    if config.service.attach:
        yield from (f"an island: {text.partition(':')[0]}" for text in lacks)
    else:
        yield from (f"of this host: {text}" for text in lacks)
    yield from missing_in(config, cell)
    names = [s.do for s in cell.single_steps]
    wanted = {*names, *(["validate"] if "validate_damaged" in names else [])} - set(HARNESS_STEPS)
    for name in sorted(wanted, key=lambda n: (OPERATIONS.index(n) if n in OPERATIONS else len(OPERATIONS), n)):
        if name not in config.operations:
            yield f"[operations.{name}]"
        elif name in OPERATIONS and name not in seen.operations:
            yield f"a {name} that works"
    if config.load.read_back is None:
        yield "[load.read_back]"
    one = any(t.fault.aimed_at.get("monitor") == "one" for t in cell.triggers)
    if one and len(config.monitors) == 1:
        yield "a second [monitors.NAME]"
    yield from _phases(scenario, cell, seen)
    yield from _told(scenario, cell, config, seen)


def _phases(scenario: Scenario, cell: Cell, seen: Seen) -> Iterator[str]:
    """The edges without which its faults never land, or its race is none. A power cut falls anywhere then."""
    groups = [s for s in cell.steps if isinstance(s, Together)]
    edges = [t.at for t in cell.triggers]
    edges += [m.after for g in groups for m in g.members if isinstance(m.after, Edge)]
    for edge in edges:
        operation, dot, last = edge.phase.partition(".")
        known = operation in seen.operations and last not in _ONLY_WHEN_WRONG
        if dot and known and edge.phase not in seen.phases:
            yield f"phase {edge.phase}"
    judged = (*scenario.checkers, *cell.checkers)
    if any(isinstance(c, Exclusive | Fenced | Winners) for c in judged):
        members = {m.do for g in groups for m in g.members} & seen.operations
        yield from (f"phase {name}.lock" for name in sorted(members) if f"{name}.lock" not in seen.phases)
        for group in groups:
            met = [edge.phase.partition(".") for edge in group.meet]
            ours = [(name, dot, last) for name, dot, last in met if name in {m.do for m in group.members}]
            at = {"".join(phase) for phase in ours if phase[2] not in _ONLY_WHEN_WRONG}
            if at and not at & seen.phases and members:
                yield f"phase {' or '.join(sorted(at))}"


def _told(scenario: Scenario, cell: Cell, config: SystemConfig, seen: Seen) -> Iterator[str]:
    """What its checkers have to be told by `status`, or by the system.toml."""
    judged = (*scenario.checkers, *cell.checkers)
    if any(isinstance(c, NoPartialLatest | EndState | OffsiteCopies) for c in judged) and "latest" not in seen.status:
        yield "[operations.status]" if "status" not in config.operations else "a status that works"
        return
    if any(isinstance(c, EndState) for c in judged):
        yield from (f"{key} in status" for key in ("version", "schema", "lock") if key not in seen.status)
        if not config.versions.schemas:
            yield "[versions] schemas"
    if any(isinstance(c, OffsiteCopies) for c in judged):
        if "offsite" not in seen.status:
            yield "offsite in status"
        if not any(d.store for d in config.dependencies.values()):
            yield "[dependencies.NAME] store"
