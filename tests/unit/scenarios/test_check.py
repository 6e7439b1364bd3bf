"""A scenario that makes no sense is refused when it is loaded, with what was most likely meant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness import Cell, Edge, Fault, PowerCuts, Scenario, Step, Together, Trigger, checkers, faults, registry
from harness.campaign.compile import planned_faults
from harness.campaign.fit import missing_in, refuse_misspelt
from harness.checkers.core import codes
from harness.checkers.core.protocol import Checker
from harness.config.reader import load_system
from harness.config.schema import OperationConfig, SystemConfig
from harness.config.suggest import misspelt
from harness.errors import ExitCode, HarnessError
from harness.host.checkout import BUNDLED
from tests.e2e.command import TINY

FULL = faults.DiskFull("data")
AT = Edge("backup.copy", "start")


def cell(*steps: Any, **more: Any) -> Cell:
    return Cell("cell", "about", steps or (Step("backup"),), **more)


def needing(needs: object, **more: object) -> Cell:
    """A cell with a fault of a class that needs that of the host."""
    fault = type("Needing", (Fault,), {"name": "needing", "needs": needs, **more})()
    return cell(triggers=(Trigger(fault, AT),))


def loaded(*cells: Cell, judges: tuple[Any, ...] = ()) -> Scenario:
    return Scenario("mine", "title", (), cells, judges)


def telling() -> Checker:
    """A checker of one's own, whose code has a sentence with a misspelt name."""

    @codes.code("own.told", "pass", title="It was told", sentence="it said {{ sayd }}", meaning="It was told.")
    class Told(codes.Details):
        said: str

    codes.CODES.pop("own.told")  # of this test alone
    made: Checker = type("Telling", (Checker,), {"name": "telling", "codes": (Told,)})()
    return made


WRONG: dict[str, tuple[Callable[[], Any], str, str]] = {
    "hold": (lambda: loaded(cell(triggers=(Trigger(FULL, AT, hold="opration"),))), "no hold 'opration'", "'operation'"),  # type: ignore[arg-type]
    "seconds": (lambda: loaded(cell(triggers=(Trigger(FULL, AT, hold=-1.0),))), "hold is -1 s", "seconds above 0"),
    "share": (
        lambda: loaded(cell(triggers=(Trigger(faults.Down("a"), AT, share=1.5),))),
        "share is 1.5",
        "0.5 is half",
    ),
    "no link": (lambda: loaded(cell(triggers=(Trigger(FULL, AT, share=0.5),))), "is on no link", "faults on a link"),
    "disk": (lambda: loaded(cell(triggers=(Trigger(faults.DiskFull("bakup"), AT),))), "disk 'bakup'", "'backup'"),
    "event": (lambda: loaded(cell(triggers=(Trigger(FULL, Edge("backup", "strat")),))), "event 'strat'", "'start'"),  # type: ignore[arg-type]
    "occurrence": (lambda: loaded(cell(triggers=(Trigger(FULL, AT, 0),))), "occurrence is 0", "1 is the first"),
    "effect": (
        lambda: loaded(needing((), effects=frozenset({"refuse_writes"}))),
        "effect 'refuse_writes'",
        "'refuses_writes'",
    ),
    "sentence": (lambda: loaded(cell(), judges=(telling(),)), "holds 'sayd'", "'said'"),
    "need": (
        lambda: loaded(needing(("sized_disc",))),
        "need 'sized_disc'",
        "'sized_disk'",
    ),
    "no tuple of needs": (
        lambda: loaded(needing("links")),
        "needs are 'links'",
        "a tuple",
    ),
    "fault": (lambda: loaded(cell(triggers=(Trigger(faults.ProcessKill, AT),))), "is no fault", "ProcessKill(...)"),  # type: ignore[arg-type]
    "expect": (lambda: loaded(cell(Step("backup", "succes"))), "no expect 'succes'", "'success'"),  # type: ignore[arg-type]
    "version": (lambda: loaded(cell(Step("deploy", version="nwe"))), "no version 'nwe'", "'new'"),  # type: ignore[arg-type]
    "checker": (lambda: loaded(cell(), judges=(checkers.Restorable,)), "Restorable is a class", "Restorable()"),
    "no checker": (lambda: loaded(cell(), judges=("restorable",)), "'restorable' is no checker", "README"),
    "power": (lambda: loaded(cell(power=PowerCuts("backup"))), "its power is to be cut", 'disk="logged"'),
    "monitor": (lambda: loaded(cell(triggers=(Trigger(faults.MonitorKilled("al"), AT),))), "monitor 'al'", "'all'"),  # type: ignore[arg-type]
    "after": (lambda: loaded(cell(Together((Step("deploy"), Step("deploy", after=2))))), "after 2 others", "ended"),
    "twice": (lambda: loaded(cell(), cell()), "two cells called 'cell'", "by its name"),
    "rounds": (lambda: loaded(cell(repeat=0)), "0 rounds", "1 or more"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_no_system_could_make_sense_of_is_refused(what: str) -> None:
    build, why, hint = WRONG[what]
    with pytest.raises(HarnessError) as raised:
        build()
    assert raised.value.code == ExitCode.USAGE
    assert why in raised.value.why
    assert hint in raised.value.hint


# -- against a system ------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def hardened() -> SystemConfig:
    return load_system("hardened", BUNDLED)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        (cell(Step("bakup")), "backup"),
        (cell(triggers=(Trigger(FULL, Edge("backup.copi", "start")),)), "backup.copy"),
        (cell(triggers=(Trigger(FULL, Edge("bakcup.copy", "start")),)), "backup.copy"),
        (cell(triggers=(Trigger(FULL, Edge("deploi", "stop")),)), "deploy"),
        (cell(triggers=(Trigger(faults.Partition("ofsite"), AT),)), "offsite"),
        (cell(Together((Step("deploy"), Step("deploy")), (Edge("deploy.migrat", "start"),))), "deploy.migrate"),
        (cell(disk="logged", power=PowerCuts("backup", ("backup.verfy",))), "backup.verify"),
    ],
    ids=["operation", "phase", "operation of a phase", "whole operation", "link", "barrier", "power"],
)
def test_a_slip_of_the_hand_is_refused_before_anything_starts(wrong: Cell, meant: str, hardened: SystemConfig) -> None:
    with pytest.raises(HarnessError) as raised:
        refuse_misspelt(hardened, loaded(wrong), wrong)
    assert (raised.value.code, raised.value.hint) == (ExitCode.USAGE, f"did you mean {meant!r}?")


@pytest.mark.parametrize("system", [*registry.systems(), str(TINY)])
def test_no_bundled_cell_is_taken_for_a_slip_on_any_system(system: str) -> None:
    config = load_system(system, BUNDLED)
    for scenario in registry.scenarios().values():
        for it in scenario.cells:
            refuse_misspelt(config, scenario, it)


def test_an_operation_of_the_kits_own_is_a_step_where_it_is_declared(hardened: SystemConfig) -> None:
    canary = cell(Step("canary"))
    assert missing_in(hardened, canary) == ["[operations.canary]"]
    more = {**hardened.operations, "canary": OperationConfig("canary", ("true",))}
    assert missing_in(replace(hardened, operations=more), canary) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("bakup", "backup"),
        ("bakcup", "backup"),
        ("backupp", "backup"),
        ("back", ""),
        ("backup", ""),
        ("redeploy", ""),
        ("node2", ""),
        ("lock", ""),
    ],
)
def test_a_slip_is_one_letter_and_neither_the_first_nor_a_digit(name: str, meant: str) -> None:
    assert misspelt(name, ("backup", "deploy", "node1", "rock")) == meant


# -- a fault is imported alone ---------------------------------------------------------------------------------------
FAULT = """
from dataclasses import dataclass
{more}
from harness import Evidence, Fault

@dataclass(frozen=True)
class Nothing(Fault):
    name = "nothing"
"""
SCENARIO = """
{fault}
from harness import Cell, Edge, Scenario, Step, Trigger
TRIGGER = Trigger(Nothing(), Edge("backup", "start"))
scenario = Scenario("mine", "", (), (Cell("a", "", (Step("backup"),), (TRIGGER,)),), ())
"""


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_a_fault_in_a_module_beside_the_scenario_is_taken(tmp_path: Path) -> None:
    written(tmp_path, _words="WORD = 1\n", _nothing=FAULT.format(more="from _words import WORD"))
    written(tmp_path, mine=SCENARIO.format(fault="from _nothing import Nothing"))
    (tmp_path / "kit").mkdir()
    assert registry.scenario("mine", [tmp_path]).cells[0].triggers[0].fault.name == "nothing"


def test_a_folder_named_from_here_is_recorded_so_that_it_is_found_from_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drills").mkdir()
    written(tmp_path / "drills", _nothing=FAULT.format(more="# from here"))
    written(tmp_path / "drills", mine=SCENARIO.format(fault="from _nothing import Nothing"))
    monkeypatch.chdir(tmp_path)
    (planned,) = planned_faults(registry.scenario("mine", [Path("drills")]).cells[0].triggers)
    assert planned.source is not None
    assert (planned.source.folder, planned.source.file) == (
        str(tmp_path / "drills"),
        str(tmp_path / "drills" / "_nothing.py"),
    )


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"mine": SCENARIO.format(fault=FAULT.format(more=""))}, "is in the file of a scenario"),
        ({"_nothing": FAULT.format(more="from harness import checkers")}, "_nothing.py imports harness.checkers"),
        ({"_nothing": FAULT.format(more="import harness.scenario")}, "_nothing.py imports harness.scenario"),
        (
            {"_nothing": FAULT.format(more="import _more"), "_more": "from harness.judge.judge import judge\n"},
            "_more.py imports harness.judge.judge",
        ),
    ],
    ids=["in the scenario", "a checker", "a scenario", "through a third"],
)
def test_a_fault_that_brings_judging_with_it_is_refused(tmp_path: Path, files: dict[str, str], why: str) -> None:
    written(tmp_path, **{"mine": SCENARIO.format(fault="from _nothing import Nothing"), **files})
    with pytest.raises(HarnessError) as raised:
        registry.scenario("mine", [tmp_path])
    assert raised.value.code == ExitCode.USAGE
    assert why in raised.value.why
    assert raised.value.hint.startswith("put the fault in a module of its own")


def test_two_folders_may_have_modules_of_one_name(tmp_path: Path) -> None:
    for number in (1, 2):
        (folder := tmp_path / str(number)).mkdir()
        written(folder, _nothing=FAULT.format(more="").replace('"nothing"', f'"nothing-{number}"'))
        text = SCENARIO.format(fault="from _nothing import Nothing").replace('"mine"', f'"mine{number}"')
        written(folder, **{f"mine{number}": text})
    found = registry.scenarios([tmp_path / "1", tmp_path / "2"])
    assert [found[f"mine{n}"].cells[0].triggers[0].fault.name for n in (1, 2)] == ["nothing-1", "nothing-2"]
