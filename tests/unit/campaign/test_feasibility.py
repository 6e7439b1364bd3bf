"""Whether a cell can be rehearsed on a system, and what it would need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from harness import Cell, Checker, KitCapabilities, Scenario, Step, registry
from harness.campaign.feasibility import Feasibility, feasibility, needs
from harness.campaign.selection import capabilities
from harness.config.reader import load_system
from harness.config.schema import SystemConfig
from harness.errors import HarnessError
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


def marking_all(config: SystemConfig) -> KitCapabilities:
    """Every operation succeeds, marks every phase, and `status` prints every key."""
    return KitCapabilities(config, WORKED, phases(), frozenset({"latest", "version", "schema", "lock", "offsite"}))


def marking_nothing(config: SystemConfig) -> KitCapabilities:
    return KitCapabilities(config, WORKED, frozenset(), frozenset({"latest", "version"}))


def cells(kit: KitCapabilities, host: dict[str, bool] = EVERYTHING) -> dict[str, Feasibility]:
    return {f"{f.scenario}:{f.cell}": f for f in feasibility(list(registry.scenarios().values()), kit, host)}


@dataclass(frozen=True)
class Snapshots(Checker):
    """A user's own checker, which asks for a phase that no bundled kit marks."""

    name: ClassVar[str] = "snapshots"
    codes: ClassVar = ()

    def needs(self, kit: KitCapabilities, steps: object) -> Iterator[str]:
        return kit.missing_phase("backup.snapshot")


@dataclass(frozen=True)
class Careless(Checker):
    name: ClassVar[str] = "careless"
    codes: ClassVar = ()

    def needs(self, kit: KitCapabilities, steps: object) -> Iterator[str]:
        yield kit.config.env["NO_SUCH_VARIABLE"]


def own(checker: Checker) -> Scenario:
    """A user's own scenario, which nothing but that checker judges."""
    return Scenario("mine", "a backup", (), (Cell("a", "one backup", (Step("backup"),)),), (checker,))


@pytest.fixture(scope="module")
def tiny() -> SystemConfig:
    return load_system(str(TINY), registry.BUNDLED)


@pytest.fixture(scope="module")
def hardened() -> SystemConfig:
    return load_system("hardened", registry.BUNDLED)


def test_a_kit_that_marks_and_tells_everything_can_run_every_cell(hardened: SystemConfig) -> None:
    assert {name: a.needs for name, a in cells(marking_all(hardened)).items() if not a.feasible} == {}


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
            ("phase deploy.lock",),
        ),
    ],
)
def test_a_small_kit_is_told_what_each_cell_would_need(cell: str, needs: tuple[str, ...], tiny: SystemConfig) -> None:
    assert cells(marking_nothing(tiny))[cell].needs == needs


def test_what_this_host_lacks_is_said_to_be_the_hosts(hardened: SystemConfig) -> None:
    told = cells(marking_all(hardened), EVERYTHING | {"logged_disk": False})["power_loss:in-backup"]
    assert [n.startswith("of this host: a logged disk") for n in told.needs] == [True]


def test_an_operation_that_is_left_out_or_did_not_work_is_needed_first(tiny: SystemConfig) -> None:
    left = replace(tiny, operations={n: o for n, o in tiny.operations.items() if n != "restore"})
    told = cells(KitCapabilities(left, WORKED - {"restore", "deploy"}, frozenset(), frozenset({"latest"})))
    assert told["disk_full:in-restore"].needs == ("[operations.restore]",)
    assert "a deploy that works" in told["baseline:once"].needs
    # Nothing is said about phases of an operation that was not seen to work.
    assert "phase deploy.migrate" not in told["disk_full:in-migration"].needs


def test_without_a_status_its_judges_are_blind(hardened: SystemConfig) -> None:
    told = cells(replace(marking_all(hardened), status=frozenset()))
    assert told["disk_full:within-backup"].needs == ("a status that works",)


def test_a_users_own_checker_says_which_phase_the_kit_does_not_mark(tiny: SystemConfig) -> None:
    (told,) = feasibility([own(Snapshots())], marking_all(tiny), EVERYTHING)
    assert told == Feasibility("mine", "a", "quick", ("phase backup.snapshot",))
    marks = replace(marking_all(tiny), phases=phases() | {"backup.snapshot"})
    assert feasibility([own(Snapshots())], marks, EVERYTHING)[0].feasible


def test_only_checkers_that_compare_data_need_a_read_back(tiny: SystemConfig) -> None:
    kit = marking_all(replace(tiny, load=replace(tiny.load, read_back=None)))
    assert feasibility([own(Snapshots())], kit, EVERYTHING)[0].needs == ("phase backup.snapshot",)
    assert cells(kit)["baseline:once"].needs == ("[load.read_back]",)


def test_before_a_run_only_what_the_system_toml_lacks_is_known_to_be_missing(tiny: SystemConfig) -> None:
    races = registry.scenario("concurrent_deployments")
    unread = KitCapabilities(replace(tiny, load=replace(tiny.load, read_back=None)))
    assert needs(races, races.cell("free-2"), KitCapabilities(tiny)) == ()
    assert needs(races, races.cell("free-2"), unread) == ("[load.read_back]",)
    assert needs(own(Snapshots()), own(Snapshots()).cell("a"), KitCapabilities(tiny)) == ()
    without = replace(tiny, operations={n: o for n, o in tiny.operations.items() if n != "status"})
    full = registry.scenario("disk_full")
    assert needs(races, races.cell("free-2"), KitCapabilities(without)) == ()
    assert needs(full, full.cell("within-backup"), KitCapabilities(without)) == ("[operations.status] or [backups]",)


def test_a_checker_whose_needs_raise_is_named(tiny: SystemConfig) -> None:
    with pytest.raises(HarnessError, match="ask the checker careless what mine:a needs: KeyError"):
        feasibility([own(Careless())], marking_all(tiny), EVERYTHING)
