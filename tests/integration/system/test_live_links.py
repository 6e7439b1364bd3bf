"""What the live system knows of its links, its newest backup and what the far side keeps."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.config.programs import check_commands
from harness.config.reader import load_system, read_system
from harness.errors import ExitCode, HarnessError
from harness.host.accounts import Account
from harness.links.cable import Cable
from harness.links.link import Link
from harness.recording.recorder import Recorder
from harness.system import commands
from harness.system.live import LiveSystem


@pytest.fixture
def system(tmp_path: Path) -> Iterator[LiveSystem]:
    config = load_system("hardened", registry.BUNDLED)
    recorder = Recorder(tmp_path / "run")
    yield LiveSystem(config, tmp_path / "sut", 8080, 1, {}, recorder, sys.executable)
    recorder.close()


def link(name: str, number: int) -> Link:
    nobody: Any = None
    return Link(name, "198.18.2.1:9101", Cable(number), nobody, nobody)


def test_both_ends_of_a_link_are_told_by_environment(system: LiveSystem) -> None:
    assert system.commands.env["KIT_MONITORS"].count("127.0.0.1") == 2
    system.links.connect(link("monitor_primary", 2), system.config.links["monitor_primary"].env)
    assert system.commands.env["KIT_MONITORS"] == "http://198.18.2.2:8666/status,http://127.0.0.1:9102/status"
    assert system.commands.env["MONITOR_NEAR"] == "198.18.2.1"
    assert system.link("monitor_primary").address == "198.18.2.2:8666"


def test_two_links_that_set_one_variable_are_refused(system: LiveSystem) -> None:
    system.links.connect(link("monitor_primary", 2), system.config.links["monitor_primary"].env)
    with pytest.raises(HarnessError, match="the link monitor_primary of this run sets KIT_MONITORS too"):
        system.links.connect(link("monitor_secondary", 3), system.config.links["monitor_secondary"].env)


def test_a_link_that_was_not_laid_is_an_error_that_names_those_that_were(system: LiveSystem) -> None:
    system.links.connect(link("offsite", 1), {})
    with pytest.raises(HarnessError, match="it was not laid; links of this run: offsite"):
        system.link("service_blue")


def test_the_newest_backup_is_the_one_written_last_and_none_is_an_error(system: LiveSystem) -> None:
    folder = system.directory / "backup"
    with pytest.raises(HarnessError, match="there is none in") as caught:
        system.files.newest_backup_bytes()
    assert caught.value.code == ExitCode.UNKNOWN
    folder.mkdir(parents=True)
    for name, size, at in (("b", 20, 100), ("a", 30, 200), ("c", 10, 150)):
        (folder / name).write_bytes(b"x" * size)
        os.utime(folder / name, (at, at))
    assert system.files.newest_backup_bytes() == 30


def test_what_the_far_side_keeps_is_listed_by_path_and_size(system: LiveSystem) -> None:
    assert system.files.stored() == {}
    bucket = system.directory / "far" / "s3" / "drill"
    bucket.mkdir(parents=True)
    (bucket / "one.backup").write_bytes(b"x" * 7)
    assert system.files.stored() == {"drill/one.backup": 7}


# -- a system that runs already ------------------------------------------------------------------------------------
_ATTACHED = """
name = "shop"
user = "nobody"
service = { attach = true, url = "http://127.0.0.1:8080" }
versions = { old = "1", new = "2" }
[operations.backup]
command = ["./backup.sh", "{system}"]
[load]
write_rate = 0
requests = [{ name = "look", kind = "read", path = "/" }]
"""


def test_the_user_of_an_attached_system_is_at_home_and_gets_at_the_socket_for_its_marks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "system.toml").write_text(_ATTACHED)
    monkeypatch.setattr(commands, "account", lambda _: Account(os.getuid(), os.getgid(), ()))
    work = tmp_path / "work"
    work.mkdir(mode=0o700)
    (work / "sut").mkdir()
    recorder = Recorder(tmp_path / "run")
    system = LiveSystem(read_system(tmp_path / "system.toml"), work / "sut", 8080, 1, {}, recorder, sys.executable)
    recorder.close()
    assert (system.commands.env["HOME"], system.commands.env["USER"]) == (pwd.getpwnam("nobody").pw_dir, "nobody")
    assert work.stat().st_mode & 0o777 == 0o711


def test_of_the_logs_of_an_attached_system_only_what_the_run_saw_is_copied(tmp_path: Path) -> None:
    names = ("grown", "rotated", "new")
    logs = [str(tmp_path / name) for name in names]
    text = _ATTACHED.replace("attach = true", f"logs = {logs}, attach = true").replace('user = "nobody"', "")
    (tmp_path / "system.toml").write_text(text)
    for name in names[:2]:
        (tmp_path / name).write_text("of a customer, long ago\n")
    recorder = Recorder(tmp_path / "run")
    (tmp_path / "sut").mkdir()
    system = LiveSystem(read_system(tmp_path / "system.toml"), tmp_path / "sut", 8080, 1, {}, recorder, sys.executable)
    with (tmp_path / "grown").open("a") as log:
        log.write("of the run\n")
    for name in names[1:]:
        (tmp_path / name).write_text("of the run\n")
    system.copy_out(keep_data=False)
    recorder.close()
    copies = {p.name: p.read_text() for p in (tmp_path / "run" / "logs").iterdir()}
    assert copies == dict.fromkeys(names, "of the run\n")


def test_a_program_of_an_attached_system_is_found_in_the_folder_its_kit_runs_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "system.toml").write_text(_ATTACHED)
    monkeypatch.chdir(tmp_path)
    config = read_system(tmp_path / "shop" / "system.toml")
    with pytest.raises(HarnessError, match=r"there is no program '\./backup\.sh'"):
        check_commands(config, {"python": sys.executable})
    script = tmp_path / "shop" / "backup.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    check_commands(config, {"python": sys.executable})
