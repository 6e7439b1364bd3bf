"""The stage beside a system that runs already: what it looks at, and what it leaves alone."""

from __future__ import annotations

import fcntl
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.schema import ReadBackConfig, SystemConfig
from harness.errors import ExitCode, HarnessError
from harness.recording.events import Event, SystemUp
from harness.rehearsal.staging.access_log import AccessLog
from harness.rehearsal.staging.service_start import ServiceStart
from harness.rehearsal.staging.stage import data_unseen
from harness.rehearsal.staging.teardown import Teardown
from harness.system.http import Answer


class Shop:
    """Of a live system what the start of one that runs already may use; its data it may not."""

    def __init__(self, file: Path) -> None:
        self.told: list[Event] = []
        self.recorder = SimpleNamespace(record=self.told.append)
        self.config = SimpleNamespace(
            name="shop", file=file, service=SimpleNamespace(attach=True), versions=SimpleNamespace(old="1")
        )
        self.service = SimpleNamespace(
            health=lambda: Answer(200, b""), ready=lambda: Answer(200, b""), version=lambda: "1"
        )
        self.files = SimpleNamespace(database_bytes=self._refuse)
        file.touch()

    def _refuse(self) -> int:
        raise PermissionError(13, "Permission denied", "/var/lib/shop/data")


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    return Shop(tmp_path / "system.toml")


def test_the_data_of_an_attached_system_is_not_looked_at(shop: Any) -> None:
    teardown = Teardown()
    ServiceStart(shop, teardown).up()
    assert shop.told == [SystemUp(version="1", attached=True, health_status=200, ready_status=200)]
    assert teardown.run() == []


def test_data_that_no_number_speaks_for_are_said_to_go_unseen() -> None:
    def config(read_back: ReadBackConfig | None, totals: object = ()) -> SystemConfig:
        load = SimpleNamespace(read_back=read_back, totals=totals)
        return SimpleNamespace(load=load)  # type: ignore[return-value]  # a stand-in

    assert "whether seeded data are still there" in data_unseen(config(ReadBackConfig("/notes")))
    assert data_unseen(config(ReadBackConfig("/notes", totals={"/sum": 1.0}))) == ""
    assert data_unseen(config(ReadBackConfig("/notes"), {"rows": "of another request"})) == ""
    assert data_unseen(config(None)) == ""  # then nothing of the data is judged at all


def test_a_log_that_cannot_be_read_is_unknown_and_says_which(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=f"read {tmp_path}") as caught:
        AccessLog(str(tmp_path)).begin()
    assert caught.value.code == ExitCode.UNKNOWN


def test_a_system_without_an_access_log_has_none_read() -> None:
    log = AccessLog("")
    log.begin()
    assert not log.named


def test_two_do_not_rehearse_one_attached_system_at_once(shop: Any) -> None:
    teardown = Teardown()
    start = ServiceStart(shop, teardown)
    with shop.config.file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(HarnessError, match=r"another rehearsal of .* is under way") as caught:
            start.up()
    assert caught.value.code == ExitCode.UNKNOWN
    assert shop.told == []
    start.up()
    assert len(shop.told) == 1
    assert teardown.run() == []


def test_every_step_of_a_teardown_is_tried_the_last_first() -> None:
    done: list[str] = []
    teardown = Teardown()

    def fail() -> None:
        raise OSError("device is busy")

    teardown.register("unmount", lambda: done.append("unmounted"))
    teardown.register("heal", fail)
    teardown.register("stop", lambda: done.append("stopped"))
    assert teardown.run() == ["heal: device is busy"]
    assert done == ["stopped", "unmounted"]
    assert teardown.run() == []
