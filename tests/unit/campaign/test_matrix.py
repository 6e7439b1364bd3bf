"""The rows of a discrimination: which flaws alone, in which cells, with which seeds; and every mistake in asking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.campaign import selection
from harness.campaign.flaws.matrix import Matrix, plan_matrix
from harness.campaign.options import Options
from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError
from harness.judge.codes import AttachedLacks
from tests.e2e.live_run import SCENARIOS, tiny_copy


@pytest.fixture(autouse=True)
def _island(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "best_kind", lambda: "root")


def plan(clean: int = 1, all_cells: bool = False, **options: Any) -> Matrix:
    return plan_matrix(Options(**options), clean, all_cells)


def rows(planned: Matrix) -> dict[str, list[str]]:
    return {row.name: [s.name for s in row.cells] for row in planned.rows}


def tiny(folder: Path, *changes: tuple[str, str]) -> dict[str, Any]:
    return {"system": str(tiny_copy(folder / "tiny", *changes)), "scenario_dirs": (SCENARIOS,)}


def test_flaws_that_are_named_bring_the_cells_meant_for_them() -> None:
    planned = plan(flaws=("no_lock", "no_timeout"), clean=2, seed=5)
    network = ["network_partition:upload-cut", "network_partition:stalled"]
    assert rows(planned) == {
        "clean-1": [*network, "concurrent_deployments:race-2"],
        "clean-2": [*network, "concurrent_deployments:race-2"],
        "flaw-no_timeout": network,
        "flaw-no_lock": ["concurrent_deployments:race-2"],
        "all-flaws": [*network, "concurrent_deployments:race-2"],
    }
    assert [row.options.seed for row in planned.rows] == [5, 6, 5, 5, 5]
    assert [row.options.flaws for row in planned.rows][:2] == [(), ()]


def test_by_itself_it_has_every_flaw_of_the_file_and_runs_clean_in_every_quick_cell() -> None:
    planned = plan()
    config = load_system("hardened", registry.BUNDLED)
    assert [f.name for f in planned.flaws] == [v.name for v in config.variants.values()]
    quick = [f"{s.name}:{c.name}" for s in registry.scenarios().values() for c in s.cells if c.tier == "quick"]
    assert rows(planned)["clean-1"] == quick
    assert planned.left_out == ()


def test_all_at_once_are_the_flaws_the_file_says_in_the_cells_that_show_one() -> None:
    (row,) = [row for row in plan().rows if row.kind == "all"]
    assert row.options.flaws == tuple(load_system("hardened", registry.BUNDLED).variants)
    assert {s.name for s in row.cells} == {c for f in plan().flaws for c in f.shown_by}


def test_with_all_cells_each_flaw_is_tried_in_each_of_them() -> None:
    planned = plan(scenarios=("disk_full",), flaws=("no_space_check",), all_cells=True)
    assert rows(planned)["flaw-no_space_check"] == rows(planned)["clean-1"]
    assert len(rows(planned)["clean-1"]) == 4
    (row,) = [row for row in planned.rows if row.kind == "flaw"]
    assert [bool(planned.meant(row, s.name)) for s in row.cells] == [True, False, False, False]


def test_what_the_cells_selected_cannot_show_is_said_to_be_left_out() -> None:
    planned = plan(scenarios=("disk_full:before-backup", "disk_full:within-backup"))
    assert [f.name for f in planned.flaws] == ["no_space_check", "partial_is_latest", "wrong_key_backup"]
    assert planned.left_out[0].startswith("plain_copy, in_place_restore, ")


def test_flaws_that_exclude_each_other_are_not_run_at_once_and_that_is_said(tmp_path: Path) -> None:
    planned = plan(**tiny(tmp_path), flaws=("no_backup", "harmless"))
    assert "all-flaws" not in rows(planned)
    assert "another variant already sets TINY_FLAWS" in planned.left_out[0]


@pytest.mark.parametrize(
    ("changes", "options", "said"),
    [
        ((), {"flaws": ("no_bakcup",)}, "did you mean 'no_backup'?"),
        ((), {"flaws": ("lies",)}, "[variants.lies] is no flaw: it has no shown_by"),
        ((), {"flaws": ("harmless",), "scenarios": ("disk_full",)}, "quick:backup, which is not among the cells"),
        ((('about = "nothing is wrong at all"\nshown_by = ["quick:backup"]', 'shown_by = ["quick:bakup"]'),), {},
         "variants.harmless.shown_by: there is no cell 'quick:bakup'\ntry: did you mean 'quick:backup'?"),
        ((('"nothing was copied"\n', '"nothing (was"\n'),), {},
         "variants.harmless.observation: 'nothing (was' is no regular expression"),
        ((('"operation.failed"', '"operation.failde"'),), {},
         "variants.no_backup.codes: there is no finding code 'operation.failde'\ntry: did you mean 'operation.failed'"),
        ((('"operation.failed"', '"operation.hung | operations.ended"'),), {},
         "variants.no_backup.codes: operations.ended is the code of a pass"),
        ((("end.exit", "end.exti"),), {},
         "variants.no_backup.where.end.exti: the details of end have no 'exti'\ntry: did you mean 'exit'?"),
        ((("name = \"backup\", end", "nmae = \"backup\", end"),), {},
         "variants.no_backup.where.nmae: the details of operation.failed have no 'nmae'\ntry: did you mean 'name'?"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_before_anything_runs(
    tmp_path: Path, changes: tuple[tuple[str, str], ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        plan(**tiny(tmp_path, *changes), **options)
    assert said in str(caught.value)
    assert caught.value.code == ExitCode.USAGE


def test_a_system_without_flaws_says_what_makes_one() -> None:
    with pytest.raises(HarnessError, match="make a variant a flaw"):
        plan(system="naive")


def test_the_readme_of_the_reference_system_names_the_cells_its_file_does() -> None:
    config = load_system("hardened", registry.BUNDLED)
    table = (config.folder / "README.md").read_text().partition("## The flaws")[2]
    told = {line.split("|")[1].strip(" `"): line.split("|")[2] for line in table.splitlines() if line.startswith("| `")}
    assert list(told) and set(told) == set(config.variants)
    for flaw in config.variants.values():
        scenario, _, cell = flaw.shown_by[0].partition(":")
        assert told[flaw.name].strip().startswith(f"{scenario}, {cell}"), flaw.name


def test_what_takes_an_island_is_not_begun_on_a_system_that_runs_already(tmp_path: Path) -> None:
    """Not even to find out that it is unknown: it would be deployed to, and restored."""
    (tmp_path / "system.toml").write_text(
        """
        name = "shop"
        service = { attach = true, url = "http://127.0.0.1:8080" }
        versions = { old = "1", new = "2" }
        [operations.backup]
        command = ["true"]
        [load]
        write_rate = 0
        requests = [{ name = "look", kind = "read", path = "/" }]
        [variants.no_check]
        env = { KIT = "no_check" }
        shown_by = ["baseline:once", "disk_full:before-backup", "power_loss:in-backup"]
        observation = "full"
        """
    )
    planned = plan(system=str(tmp_path), flaws=("no_check",))
    once, full, power = planned.cells
    assert once.obstacle is None
    assert full.obstacle == AttachedLacks(["sized_disk"])
    assert power.obstacle == AttachedLacks(["logged_disk"])
