"""The edges of a run: what is done at each, while the kit is held there."""

from __future__ import annotations

from collections.abc import Container

from harness.model import Edge
from harness.rehearsal.group import Group
from harness.rehearsal.power import PowerLossRun
from harness.rehearsal.triggers import Triggers
from harness.system.phases.gates import MARKED, EdgeDetection


class Edges:
    """Called by every thread that holds the kit. ``group`` is the group that runs now; ``operations`` the names of
    those that the kit has."""

    def __init__(self, triggers: Triggers, power: PowerLossRun | None, operations: Container[str]) -> None:
        self.group: Group | None = None
        self._triggers = triggers
        self._power = power
        self._operations = operations

    def on_edge(self, edge: Edge, operation: str, detection: EdgeDetection = MARKED) -> None:
        """First the faults of the edge, then whoever waits for it."""
        self._triggers.on_edge(edge, operation, detection)
        if detection.ended:
            return  # nothing can be done in an operation that is over
        if group := self.group:
            group.on_edge(edge, operation, detection.held)
        if self._power:
            self._power.on_edge(edge, operation)

    def on_mark(self, edge: Edge, operation: str, detection: EdgeDetection) -> None:
        """A phase of the kit. One with an operation's name is that operation's edge, which we mark ourselves."""
        if edge.phase not in self._operations:
            self.on_edge(edge, operation, detection)
