"""run --failed: the cells that did not pass, as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.campaign import rerun
from harness.campaign.options import Options
from harness.config.reader import load_system
from harness.errors import ExitCode, HarnessError

FOLDER = Path("reports/then")
THEN = Options(
    system="naive",
    scenario_dirs=(Path("tests/e2e/scenarios"),),
    seed=7,
    repeat=2,
    size_bytes=1_000_000,
    flaws=("no_lock",),
    users=3,
    jobs=1,
    command="deploydrill run --tier full",
)


def document(*outcomes: str, not_run: tuple[str, ...] = (), options: Options | None = THEN) -> dict[str, Any]:
    file = load_system("naive", registry.BUNDLED).file
    made = {
        "runs": [{"scenario": "disk_full", "cell": f"c{i}", "outcome": o} for i, o in enumerate(outcomes)],
        "not_run": list(not_run),
        "options": rerun.rerun_options(options, file) if options else {},
    }
    read_back: dict[str, Any] = json.loads(json.dumps(made))
    return read_back


def test_what_failed_was_unknown_or_never_begun_runs_again_as_it_was() -> None:
    now = Options(jobs=4, keep=True, command="deploydrill run --failed")
    found = rerun.failed(document("pass", "fail", "unknown", not_run=("baseline:once",)), FOLDER, now)
    assert found.scenarios == ("disk_full:c1", "disk_full:c2", "baseline:once")
    for name in set(rerun.RERUN_KEYS) - {"scenario_dirs"}:
        assert getattr(found, name) == getattr(THEN, name), name
    assert found.scenario_dirs == (Path("tests/e2e/scenarios").resolve(),)
    assert (found.jobs, found.keep) == (4, True)  # how they are run is said now
    assert found.command == (
        "deploydrill run disk_full:c1 disk_full:c2 baseline:once --system naive --flaw no_lock --seed 7 --size 1000000"
        f" --repeat 2 --users 3 --scenarios {found.scenario_dirs[0]}"
    )


def test_a_system_of_the_users_own_is_found_from_anywhere(tmp_path: Path) -> None:
    file = tmp_path / "system.toml"
    assert rerun.rerun_options(Options(system="."), file)["system"] == str(file.resolve())


def test_nothing_failed_is_a_usage_error() -> None:
    with pytest.raises(HarnessError) as caught:
        rerun.failed(document("pass", "pass"), FOLDER, Options())
    assert "all of its 2 runs passed" in str(caught.value)
    assert caught.value.code == ExitCode.USAGE


def test_a_campaign_that_does_not_say_its_options_names_the_cells_at_least() -> None:
    with pytest.raises(HarnessError) as caught:
        rerun.failed(document("fail", options=None), FOLDER, Options())
    assert "deploydrill run disk_full:c0" in caught.value.hint
