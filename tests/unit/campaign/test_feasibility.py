"""Whether a cell can be rehearsed on a system, and what it would need."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import registry
from harness.campaign.feasibility import Able, Seen, able
from harness.campaign.selection import capabilities
from harness.config.reader import load_system
from harness.config.schema import SystemConfig
from tests.e2e.command import TINY

EVERYTHING = dict.fromkeys(capabilities("root"), True)
WORKED = frozenset({"backup", "validate", "deploy", "rollback", "restore"})


def phases() -> frozenset[str]:
    """All that the bundled kit marks when nothing goes wrong."""
    names = {
        "backup": "lock check copy encrypt verify upload",
        "deploy": "lock check migrate start switch drain verify",
        "rollback": "lock check start switch drain verify",
        "restore": "lock check decrypt copy start verify",
    }
    return frozenset(f"{operation}.{phase}" for operation, those in names.items() for phase in those.split())


SOUND = Seen(WORKED, phases(), frozenset({"latest", "version", "schema", "lock", "offsite"}))


def cells(config: SystemConfig, seen: Seen, have: dict[str, bool] = EVERYTHING) -> dict[str, Able]:
    found = able(list(registry.scenarios().values()), config, have, seen)
    return {f"{a.scenario}:{a.cell}": a for a in found}


@pytest.fixture(scope="module")
def tiny() -> SystemConfig:
    return load_system(str(TINY), registry.BUNDLED)


@pytest.fixture(scope="module")
def hardened() -> SystemConfig:
    return load_system("hardened", registry.BUNDLED)


def test_a_kit_that_marks_and_tells_everything_can_run_every_cell(hardened: SystemConfig) -> None:
    assert {name: a.needs for name, a in cells(hardened, SOUND).items() if not a.can} == {}


@pytest.mark.parametrize(
    ("cell", "needs"),
    [
        ("baseline:once", ()),
        ("disk_full:before-backup", ()),
        ("disk_full:in-migration", ("phase deploy.migrate",)),
        ("power_loss:in-backup", ()),  # falls anywhere in the operation then
        ("monitor_crash:both-killed", ("[monitors]", "phase deploy.switch")),
        ("network_partition:front-cut", ("[links.service_blue]", "phase deploy.migrate")),
        (
            "concurrent_deployments:free-2",
            ("phase deploy.lock", "schema in status", "lock in status", "[versions] schemas"),
        ),
    ],
)
def test_a_small_kit_is_told_what_each_cell_would_need(cell: str, needs: tuple[str, ...], tiny: SystemConfig) -> None:
    assert cells(tiny, Seen(WORKED, frozenset(), frozenset({"latest", "version"})))[cell].needs == needs


def test_what_this_host_lacks_is_said_to_be_the_hosts(hardened: SystemConfig) -> None:
    told = cells(hardened, SOUND, EVERYTHING | {"logged_disk": False})["power_loss:in-backup"]
    assert [n.startswith("of this host: a logged disk") for n in told.needs] == [True]


def test_an_operation_that_is_left_out_or_did_not_work_is_needed_first(tiny: SystemConfig) -> None:
    left = replace(tiny, operations={n: o for n, o in tiny.operations.items() if n != "restore"})
    told = cells(left, Seen(WORKED - {"restore", "deploy"}, frozenset(), frozenset({"latest"})))
    assert told["disk_full:in-restore"].needs == ("[operations.restore]",)
    assert "a deploy that works" in told["baseline:once"].needs
    # Nothing is said about phases of an operation that was not seen to work.
    assert "phase deploy.migrate" not in told["disk_full:in-migration"].needs


def test_without_a_status_its_judges_are_blind(hardened: SystemConfig) -> None:
    told = cells(hardened, replace(SOUND, status=frozenset()))
    assert told["disk_full:within-backup"].needs == ("a status that works",)
