"""Whether a cell can be judged on a system and a host, and what it would need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.campaign.fit import missing_in
from harness.config.kit_capabilities import KitCapabilities
from harness.config.operations import HARNESS_STEPS, OPERATIONS
from harness.config.schema import SystemConfig
from harness.errors import HarnessError
from harness.host.host_needs import explained, in_words
from harness.host.raised import told
from harness.model import Edge
from harness.plan import Together
from harness.recording.recording import Recording
from harness.scenario import Cell, Scenario, Tier


@dataclass(frozen=True, slots=True)
class Feasibility:
    """Whether a cell can run and be judged here; ``needs`` completes "the system needs ..." for what is missing."""

    scenario: str
    cell: str
    tier: Tier
    needs: tuple[str, ...] = ()

    @property
    def feasible(self) -> bool:
        return not self.needs


def feasibility(scenarios: Sequence[Scenario], kit: KitCapabilities, host: Mapping[str, bool]) -> list[Feasibility]:
    """Every cell of these scenarios, in their order. ``host``: its capabilities by name. HarnessError for a checker
    whose ``needs`` raises."""
    return [
        Feasibility(s.name, c.name, c.tier, tuple(dict.fromkeys((*_host_needs(s, c, kit, host), *needs(s, c, kit)))))
        for s in scenarios
        for c in s.cells_on(kit.config.links)
    ]


def needs(scenario: Scenario, cell: Cell, kit: KitCapabilities) -> tuple[str, ...]:
    """What a cell needs and the kit does not provide; nothing of the host. HarnessError as ``feasibility``."""
    return tuple(dict.fromkeys(_kit_needs(scenario, cell, kit)))


def observed(config: SystemConfig, recording: Recording) -> KitCapabilities:
    """What one run without faults showed of a kit."""
    read_backs = [o for o in recording.observations if not o.status_error]
    keys = {key for o in read_backs for key in o.said} | {"offsite" for o in read_backs if o.offsite is not None}
    return KitCapabilities(
        config,
        frozenset(o.name for o in recording.operations if o.succeeded),
        frozenset(span.name for _, span, _ in recording.phases),
        frozenset(keys | ({"latest"} if read_backs else set())),
    )


def _host_needs(scenario: Scenario, cell: Cell, kit: KitCapabilities, host: Mapping[str, bool]) -> Iterator[str]:
    for name in scenario.lacks(cell, host):
        yield f"an island: {in_words(name)}" if kit.config.service.attach else f"of this host: {explained(name)}"


def _kit_needs(scenario: Scenario, cell: Cell, kit: KitCapabilities) -> Iterator[str]:
    yield from missing_in(kit.config, cell)
    names = [s.do for s in cell.single_steps]
    wanted = {*names, *(["validate"] if "validate_damaged" in names else [])} - set(HARNESS_STEPS)
    known = [name for name in OPERATIONS if name in wanted]
    yield from kit.missing_operations(*known, *sorted(wanted.difference(known)))
    if len(kit.config.monitors) == 1 and any(t.fault.aimed_at.get("monitor") == "one" for t in cell.triggers):
        yield "a second [monitors.NAME]"
    # Without these edges no fault lands and no member starts. (A power cut falls anywhere in the operation then.)
    members = [m for s in cell.steps if isinstance(s, Together) for m in s.members]
    for edge in (*(t.at for t in cell.triggers), *(m.after for m in members if isinstance(m.after, Edge))):
        yield from kit.missing_phase(edge.phase)
    for checker in (*scenario.checkers, *cell.checkers):
        try:
            yield from map(str, checker.needs(kit, cell.steps))
        except Exception as error:  # it may be the user's own, and anything may go wrong in it
            what = f"ask the checker {checker.name} what {scenario.name}:{cell.name} needs"
            raise HarnessError(what, told(error), "mend its `needs`") from error
