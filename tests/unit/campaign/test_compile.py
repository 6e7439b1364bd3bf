"""A plan is plain data: what goes through JSON comes back the same, with every choice of the seed made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from harness import registry
from harness.campaign.compile import compiled, planned_checkers, planned_faults
from harness.checkers import CHECKERS
from harness.config.schema import VersionsConfig
from harness.errors import HarnessError
from harness.faults.fault import Fault
from harness.model import Edge
from harness.plan import Plan, Step, Together
from harness.scenario import Trigger

VERSIONS = VersionsConfig("1", "2", "3")
CELLS = [(s, c) for s in registry.scenarios().values() for c in s.cells]


@dataclass(frozen=True)
class Own(Fault):
    """A fault of a test's own."""

    much: float | tuple[float, float] = 0.0
    many: int | tuple[int, int] = 0
    what: Any = ""
    name: ClassVar[str] = "own"
    targets: ClassVar[dict[str, str]] = {"disk": "what"}
    effects: ClassVar[frozenset[str]] = frozenset({"kills", "cuts"})


def plan(scenario: Any, cell: Any, seed: int = 1) -> Plan:
    bare = Plan(
        *("run", "system.toml", "tiny", (), scenario.name, cell.name, seed, 1000, 1, 0, 1, "root"),
        *("/mnt", 8080, "python", True),
    )
    return compiled(bare, scenario, cell, VERSIONS)


@pytest.mark.parametrize(("scenario", "cell"), CELLS, ids=[f"{s.name}:{c.name}" for s, c in CELLS])
def test_the_plan_of_each_cell_comes_back_from_json_as_it_was(scenario: Any, cell: Any) -> None:
    made = plan(scenario, cell)
    assert Plan.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert not any(isinstance(s.offset_s, tuple) for s in made.single_steps)
    assert not any(isinstance(v, tuple) for f in made.faults for v in f.parameters.values())
    assert [f.name for f in made.faults] == [t.fault.name for t in cell.triggers]
    assert all(c.source is None and c.name in CHECKERS for c in made.checkers)
    assert plan(scenario, cell) == made


def test_a_deployment_and_a_roll_back_promise_a_version_also_in_a_group() -> None:
    scenario = registry.scenario("concurrent_deployments")
    steps = plan(scenario, scenario.cell("mixed")).steps
    assert [s.promises for s in steps if isinstance(s, Step)][:2] == ["2", ""]
    (group,) = [s for s in steps if isinstance(s, Together)]
    assert [(m.do, m.promises) for m in group.members] == [("deploy", "2"), ("rollback", "1"), ("backup", "")]


def test_a_fault_of_ones_own_is_planned_with_where_it_comes_from() -> None:
    (fault,) = planned_faults((Trigger(Own(what="data"), Edge("backup", "start"), 2),))
    assert (fault.targets, fault.effects) == ({"disk": "data"}, ("cuts", "kills"))
    assert fault.source is not None
    assert (fault.source.name, fault.source.file, len(fault.source.digest)) == ("Own", __file__, 16)


def test_a_range_is_drawn_as_a_whole_number_where_the_field_is_one() -> None:
    import random

    drawn = Own((0.25, 0.75), (10, 20)).resolved(random.Random(3))
    assert isinstance(drawn.many, int) and 10 <= drawn.many <= 20
    assert isinstance(drawn.much, float) and 0.25 <= drawn.much <= 0.75
    assert Own((0.25, 0.75), (10, 20)).resolved(random.Random(3)) == drawn
    assert isinstance(Own((0, 1)).resolved(random.Random(3)).much, float)


def test_parameters_that_are_no_plain_values_are_refused() -> None:
    with pytest.raises(HarnessError, match="no plain values"):
        planned_faults((Trigger(Own(what=object()), Edge("backup", "start")),))


def test_a_checker_is_planned_by_its_name_and_parameters() -> None:
    (planned,) = planned_checkers((CHECKERS["exclusive"](held=True),))  # type: ignore[call-arg]  # its own parameter
    assert (planned.name, planned.parameters, planned.source) == ("exclusive", {"held": True}, None)
