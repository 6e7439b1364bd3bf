"""What a boot recorded becomes observations of the run, also of one that broke off."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.crash.findings import Findings, UnderWay
from harness.model import CrashState, Observation
from harness.recording.events import (
    BootDone,
    BootFailed,
    BootMounted,
    BootStarted,
    Observed,
    OperationStopped,
    PowerBroken,
)
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording

pytestmark = pytest.mark.usefixtures("clock")

LABEL = "cut-1-all"
CRASH = CrashState(LABEL, 1, 1000, "backup.copy", "backup-2", "all of it", hit="the blocks of app.db (1)")
LOOK = {
    "found": [["w-1", "x"]],
    "error": "",
    "totals": {},
    "expected_totals": {},
    "artefacts": [],
    "latest": "/b/1",
    "status_error": "",
    "version": "1",
    "snapshot_ns": None,
    "backup_identities": {"/b/1": [7, 9]},
}
RESTORE = {
    "id": "restore-1",
    "name": "restore",
    "repeat": 0,
    "warmup": False,
    "expect": "any",
    "start_ns": 2000,
    "gate_ns": 0,
    "backup": "/b/1",
    "restores": True,
}


# By path and identity: another backup had that path before.
TAKEN = {("/b/1", (7, 9)): (10, 20), ("/b/1", (8, 11)): (30, 40)}


class Boot:
    """The recording of one boot, written as boot.py does, and the run it belongs to."""

    def __init__(self, folder: Path) -> None:
        self.run = Recorder(folder / "run")
        self.folder = folder / "run" / "states" / LABEL
        self.own = Recorder(self.folder)

    def look(self, label: str, cause: str) -> None:
        (self.folder / "observations" / f"{label}.json").write_text(json.dumps(LOOK))
        self.own.record(Observed(label=label, cause=cause, start_ns=3000))

    def operation(self, **fields: Any) -> None:
        (self.folder / "operations" / f"{fields['id']}.out").write_text("what it said")
        self.own.record(OperationStopped(**fields))

    def found(self, under_way: UnderWay | None = None, cut_short: str = "") -> tuple[Observation, ...]:
        under_way = under_way or UnderWay("backup-2", False, None)
        Findings(self.folder, self.run, cut_short).record(CRASH, under_way, lambda *of: TAKEN.get(of))
        return Recording(self.run.folder).observations

    @property
    def broken(self) -> list[str]:
        return [str(e.why) for e in Recording(self.run.folder).of(PowerBroken)]


@pytest.fixture
def boot(tmp_path: Path) -> Iterator[Boot]:
    boot = Boot(tmp_path)
    yield boot
    boot.own.close()
    boot.run.close()


def test_a_boot_gives_two_observations_the_second_after_its_restore(boot: Boot) -> None:
    boot.own.record(BootMounted(error="", hit=""))
    boot.own.record(BootStarted(error="", seconds=0.4))
    boot.look("start", "")
    boot.operation(**RESTORE, exit=0)
    boot.look("restore", "restore")
    boot.own.record(BootDone())
    first, after = boot.found()
    assert first.crash is not None
    assert (first.label, first.start_ns, first.crash.start_error, first.crash.start_s) == (LABEL, 1000, "", 0.4)
    assert (first.snapshot_ns, first.operations) == (None, ())
    assert (after.label, after.cause, after.snapshot_ns) == (f"{LABEL}-restored", "restore", (10, 20))
    assert [(o.id, o.exit, o.output) for o in after.operations] == [(f"{LABEL}-restore-1", 0, "what it said")]
    assert boot.broken == []


def test_a_cut_in_a_restore_knows_the_snapshot_that_one_had(boot: Boot) -> None:
    boot.own.record(BootMounted(error="", hit=""))
    boot.own.record(BootStarted(error="", seconds=0.4))
    boot.look("start", "")
    boot.own.record(BootDone())
    (first,) = boot.found(UnderWay("restore-1", True, (10, 20)))
    assert first.snapshot_ns == (10, 20)


def test_a_restore_that_failed_is_an_observation_of_nothing(boot: Boot) -> None:
    boot.own.record(BootMounted(error="", hit=""))
    boot.own.record(BootStarted(error="", seconds=0.4))
    boot.look("start", "")
    boot.operation(**RESTORE, exit=1)
    boot.own.record(BootDone())
    _, after = boot.found()
    assert (after.found, after.error, [o.exit for o in after.operations]) == (None, "nothing was restored", [1])
    assert boot.broken == []


def test_a_state_that_could_not_be_mounted_or_started_says_why(boot: Boot) -> None:
    boot.own.record(BootMounted(error="Structure needs cleaning", hit=""))
    boot.own.record(BootDone())
    (first,) = boot.found()
    assert first.crash is not None
    assert (first.crash.mount_error, first.found) == ("Structure needs cleaning", None)
    assert boot.broken == []


@pytest.mark.parametrize(
    ("cut_short", "failed", "said"),
    [
        ("still busy after 60 s", "", "still busy after 60 s (last: boot.mounted)"),
        ("", "AttributeError: x", "AttributeError: x (last: boot.failed)"),
        ("", "", "it ended early (last: boot.mounted)"),
    ],
)
def test_a_boot_that_broke_off_is_told_as_broken(boot: Boot, cut_short: str, failed: str, said: str) -> None:
    boot.own.record(BootMounted(error="", hit=""))
    if failed:
        boot.own.record(BootFailed(why=failed))
    (first,) = boot.found(cut_short=cut_short)
    assert first.found is None
    assert boot.broken == [said]


def test_a_torn_last_line_of_a_boot_that_was_ended_is_left_out(boot: Boot) -> None:
    boot.own.record(BootMounted(error="", hit="the blocks of a (2)"))
    with (boot.folder / "events.jsonl").open("a") as file:
        file.write('{"t": 12, "kind": "boot.sta')
    assert Findings(boot.folder, boot.run).hit == "the blocks of a (2)"
