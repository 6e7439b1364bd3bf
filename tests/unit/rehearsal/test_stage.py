"""The stage beside a system that runs already: what it looks at, and what it leaves alone."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.config.schema import ReadBackConfig, SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.recording.events import Event, SystemUp
from harness.rehearsal.stage import Stage, data_unseen
from harness.system.http import Answer


def stage(access_log: str = "") -> tuple[Stage, list[Event]]:
    made = Stage.__new__(Stage)
    told: list[Event] = []

    def refuse() -> int:
        raise PermissionError(13, "Permission denied", "/var/lib/shop/data")

    parts = {
        "config": SimpleNamespace(service=SimpleNamespace(attach=True, access_log=access_log)),
        "recorder": SimpleNamespace(record=told.append),
        "system": SimpleNamespace(
            text=lambda text: text,
            health=lambda: Answer(200, b""),
            ready=lambda: Answer(200, b""),
            version=lambda: "1",
            database_bytes=refuse,
        ),
    }
    for name, part in parts.items():
        setattr(made, name, part)
    return made, told


def test_the_data_of_an_attached_system_is_not_looked_at() -> None:
    made, told = stage()
    made._tell_up(0.0)
    assert told == [SystemUp(version="1", attached=True)]


def test_data_that_no_number_speaks_for_are_said_to_go_unseen() -> None:
    def config(read_back: ReadBackConfig | None) -> SystemConfig:
        return SimpleNamespace(load=SimpleNamespace(read_back=read_back))  # type: ignore[return-value]  # a stand-in

    assert "whether seeded data are still there" in data_unseen(config(ReadBackConfig("/notes")))
    assert data_unseen(config(ReadBackConfig("/notes", totals={"/sum": 1.0}))) == ""
    assert data_unseen(config(None)) == ""  # then nothing of the data is judged at all


def test_a_log_that_cannot_be_read_is_unknown_and_says_which(tmp_path: Path) -> None:
    made, _ = stage(str(tmp_path))
    with pytest.raises(HarnessError, match=f"read {tmp_path}") as caught:
        made._counted()
    assert caught.value.code == ExitCode.UNKNOWN
    assert stage()[0]._counted() == 0


def test_two_do_not_rehearse_one_attached_system_at_once(tmp_path: Path) -> None:
    made, _ = stage()
    made.config.file = file = tmp_path / "system.toml"  # type: ignore[misc]  # a stand-in, see above
    made._undo = []
    file.touch()
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(HarnessError, match=r"another rehearsal of .* is under way") as caught:
            made._have_it_alone("attach to shop")
    assert caught.value.code == ExitCode.UNKNOWN
    made._have_it_alone("attach to shop")
    assert made.tear_down() == []
