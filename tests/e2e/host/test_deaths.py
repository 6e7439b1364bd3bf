"""SIGKILL of the harness, at any moment of a run: the host is as before without any healing, and after it too."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.host.undo import default_state_dir
from tests.e2e import healing
from tests.e2e.command import Done, conclusive, deploydrill
from tests.e2e.live_run import SCENARIOS, LiveRun, tiny_copy

pytestmark = [pytest.mark.island, pytest.mark.root]

ROUND_TRIP, FULL_DISK = "baseline:once", "disk_full:before-backup"
# The n-th event of a kind has just been recorded when the kill comes; "staged": the run has its folder and no more.
# In this order two that go on at the same time are of different kinds, and about as long. `python -m tests.deaths`
# tries every event of every scenario.
MOMENTS = (
    (ROUND_TRIP, "staged", 1),
    (FULL_DISK, "run.start", 1),
    (ROUND_TRIP, "system.up", 1),
    (FULL_DISK, "load.start", 1),
    (ROUND_TRIP, "operation.start", 1),
    (FULL_DISK, "fault.injected", 1),
    (ROUND_TRIP, "recovered", 2),
    (FULL_DISK, "fault.healed", 1),
    (ROUND_TRIP, "load.stopping", 1),
    (FULL_DISK, "recording.complete", 1),  # while it is judged or rendered
)


@dataclass(frozen=True)
class Death:
    """When one run was killed, and what was found after it: ``left`` before healing, the rest after it."""

    moment: str
    left: list[str]
    staged: list[Path]
    healed: Done
    staged_after: list[Path]
    notes_after: list[str]


def notes_about(out: Path) -> list[str]:
    """Undo records that name the run's directory. One whose writer died while writing it (hidden) announced a change
    that was never made: heal drops it once nobody can be writing it any more."""
    found = []
    for path in (default_state_dir() / "undo").glob("[!.]*.json"):
        try:
            if str(out) in path.read_text():
                found.append(path.name)
        except FileNotFoundError:
            continue  # its maker has just undone it
    return found


def die(out: Path, system: Path, cell: str, kind: str, number: int) -> Death:
    with LiveRun(out, cell, system=system) as run:
        if kind == "staged":
            run.wait_for(lambda: run.staged)
        else:
            run.wait_for_event(kind, number)
        staged = run.staged  # before the kill: the other worker's heal may come at any time after it
        run.kill()
        left = run.left_behind()
        with healing.beside_others():
            healed = deploydrill("heal")
        return Death(f"{cell} at {kind} #{number}", left, staged, healed, run.staged, notes_about(out))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_copy(tmp_path_factory.mktemp("deaths") / "tiny")


@pytest.fixture(scope="module")
def deaths(tmp_path_factory: pytest.TempPathFactory, system: Path) -> list[Death]:
    """One of each moment, two at a time: so two runs don't meet either, and each heal is beside a live run."""
    base = tmp_path_factory.mktemp("killed")
    with ThreadPoolExecutor(max_workers=2) as pool:
        going = [pool.submit(die, base / f"{i:02}", system, *moment) for i, moment in enumerate(MOMENTS)]
        return [one.result() for one in going]


def test_a_killed_harness_leaves_the_host_as_it_was(deaths: list[Death]) -> None:
    assert {d.moment: d.left for d in deaths if d.left} == {}


def test_heal_removes_the_recording_of_a_run_that_was_killed(deaths: list[Death]) -> None:
    assert [d.moment for d in deaths if not d.staged] == []
    assert {d.moment: d.staged_after for d in deaths if d.staged_after} == {}
    assert {d.moment: d.notes_after for d in deaths if d.notes_after} == {}
    assert {d.moment: d.healed.out for d in deaths if d.healed.exit} == {}


def test_heal_twice_is_fine_and_beside_a_live_run_leaves_that_alone(tmp_path: Path, system: Path) -> None:
    quick = ("quick:backup", "--scenarios", SCENARIOS)
    with healing.alone(), LiveRun(tmp_path / "live", ROUND_TRIP, system=system) as live:
        live.wait_for_event("island.up")
        (going,) = live.staged
        live.process.send_signal(signal.SIGSTOP)  # so that it is there however long the rest takes
        with LiveRun(tmp_path / "killed", *quick, system=system) as killed:
            killed.wait_for_event("island.up")
            killed.kill()
        assert killed.left_behind() == []
        (staged,) = killed.staged
        tried = deploydrill("heal", "--dry-run")
        assert f"would heal: staging {staged}: directory" in tried.out
        assert staged.exists()
        first, second = deploydrill("heal"), deploydrill("heal")
        assert (first.exit, second.exit, killed.staged) == (0, 0, [])
        assert f"healed: staging {staged}: directory" in first.out
        assert str(tmp_path / "killed") not in second.out
        for done in (first, second):
            assert f"live: staging {going}: process {live.process.pid} that made it is running" in done.out
        live.process.send_signal(signal.SIGCONT)
        done = live.ended()
        assert done.found("fail") == []
        assert conclusive(done).exit == 0
        assert done.out.splitlines()[-1].startswith("outcome=pass ")
        assert live.left_behind() == []
        assert notes_about(tmp_path) == []


def test_a_harness_killed_in_two_runs_at_once_leaves_the_host_as_it_was(tmp_path: Path, system: Path) -> None:
    words = ("quick", "--tier", "full", "--scenarios", SCENARIOS, "--jobs", "2")
    with LiveRun(tmp_path / "killed", *words, system=system) as run:
        run.wait_for(lambda: len(list(run.out.glob(".*.partial/.*.partial/samples"))) == 2)
        run.kill()
        assert run.left_behind() == []
        with healing.beside_others():
            assert (deploydrill("heal").exit, run.staged, notes_about(run.out)) == (0, [], [])
