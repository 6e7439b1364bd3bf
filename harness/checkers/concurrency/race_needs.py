"""What a race of operations needs of a kit before a checker can judge it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.config.kit_capabilities import KitCapabilities
from harness.plan import Step, Together


def race_needs(kit: KitCapabilities, steps: Sequence[Step | Together]) -> Iterator[str]:
    """A `<operation>.lock` of each member, and a phase at which each group can be held."""
    groups = [s for s in steps if isinstance(s, Together)]
    for name in sorted({member.do for group in groups for member in group.members}):
        yield from kit.missing_phase(f"{name}.lock")
    for group in groups:
        members = {member.do for member in group.members}
        yield from kit.missing_phase(*(e.phase for e in group.barrier if e.phase.partition(".")[0] in members))
