"""Runs in which a part of the harness itself is broken while they go on: the patch named as the cell."""

from __future__ import annotations

from _patches import PATCHES, Patched

from harness import Cell, Edge, Scenario, Step, Trigger, checkers

_STEPS = (Step("backup"), Step("deploy", version="new"), Step("read_back"))

scenario = Scenario(
    name="patched",
    title="The harness, broken while it runs",
    requirements=(),
    checkers=checkers.standard(),
    cells=(
        Cell("nothing", "the same without a patch", _STEPS, timing=True),
        *(
            Cell(name, "sabotage", _STEPS, (Trigger(Patched(patch=name), Edge("backup", "start")),), timing=True)
            for name in PATCHES
        ),
    ),
)
