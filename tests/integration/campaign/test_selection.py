"""Which cells a campaign runs, and for how long each may."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.campaign.campaign import SET_UP_AND_MARGIN_S, Campaign
from harness.campaign.options import Options
from harness.campaign.outside import Signals
from harness.campaign.selection import select
from harness.judge.codes import SystemLacks
from tests.e2e.command import TINY


def campaign(**options: Any) -> Campaign:
    return Campaign(Options(**options), Signals(), SimpleNamespace())  # type: ignore[arg-type]  # nobody looks on


@pytest.mark.parametrize("names", [("disk_full", "disk_full:in-restore"), ("baseline", "baseline")])
def test_a_cell_that_is_named_twice_is_run_once(names: tuple[str, ...]) -> None:
    runs = [s.run for s in select(Options(scenarios=names), "root")]
    assert len(runs) == len(set(runs)) > 0


def test_a_run_has_time_for_the_repeats_asked_for() -> None:
    asked = campaign(scenarios=("baseline:round-trip",), repeat=59, deadline_s=7200)
    (selected,) = asked.selected
    cell = selected.cell
    a_round_s = cell.budget_s / (cell.repeat + cell.warmup)
    assert asked._deadline_s(cell, asked.plan(selected)) >= a_round_s * (59 + cell.warmup)


def test_fewer_repeats_and_a_deadline_of_its_own_do_not_stretch_a_run() -> None:
    few = campaign(scenarios=("baseline:round-trip",), repeat=1, deadline_s=7200)
    (selected,) = few.selected
    usual_s = max(few.config.limits.max_run_s, selected.cell.budget_s) + SET_UP_AND_MARGIN_S
    assert few._deadline_s(selected.cell, few.plan(selected)) == usual_s
    short = campaign(scenarios=("baseline:round-trip",), repeat=59, deadline_s=100)
    assert short._deadline_s(selected.cell, short.plan(selected)) == 100


@pytest.mark.parametrize(
    ("cell", "missing"),
    [
        ("network_partition:upload-cut", ("[links.offsite]",)),
        ("monitor_crash:both-killed", ("[monitors]",)),
        ("monitor_crash:blind-broken", ("[monitors]", "[versions] broken")),
        ("disk_full:in-restore", ()),
    ],
)
def test_a_cell_about_what_a_system_does_not_have_is_not_begun(cell: str, missing: tuple[str, ...]) -> None:
    (selected,) = campaign(scenarios=(cell,), system=str(TINY)).selected
    assert selected.missing == missing
    assert selected.obstacle == (SystemLacks(list(missing)) if missing else None)
    (sound,) = campaign(scenarios=(cell,)).selected
    assert sound.obstacle is None
