"""Undo records: written before the change, healed after the maker's death, and nothing of anyone else touched."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.errors import ExitCode, HarnessError
from harness.host import commands, healers, undo
from harness.host.clock import Deadline, wait_until
from harness.host.processes import Identity, identity
from harness.host.undo import Healed, UndoLog, default_state_dir, heal

MAKER = """
import sys, time, json
from pathlib import Path
from harness.host.undo import UndoLog
log = UndoLog(Path(sys.argv[1]))
for line in sys.argv[2:]:
    kind, key = json.loads(line)
    log.record(kind, key)
    if kind in ("path", "staging"):
        Path(key["path"]).mkdir(parents=True)
Path(sys.argv[1], "ready").write_text("")
time.sleep(60)
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def makers() -> Iterator[list[commands.Process]]:
    started: list[commands.Process] = []
    yield started
    for process in started:
        process.kill()
        process.wait(5)


def make(makers: list[commands.Process], state: Path, *records: tuple[str, dict[str, object]]) -> commands.Process:
    """A living harness process that has recorded and made these."""
    output = state.parent / "maker.log"
    process = commands.spawn(
        [sys.executable, "-c", MAKER, str(state), *(json.dumps(r) for r in records)],
        cwd=Path(undo.__file__).parents[2],
        output=output,
    )
    makers.append(process)
    assert wait_until((state / "ready").exists, Deadline(20, "the maker")), output.read_text()
    return process


def died(process: commands.Process) -> None:
    process.kill()
    assert process.wait(5) == -signal.SIGKILL


def outcomes(healed: list[Healed]) -> list[str]:
    return [h.outcome for h in healed]


def change_record(state: Path, **owner: object) -> None:
    """Make the one record's maker another."""
    (path,) = (state / "undo").glob("*.json")
    content = json.loads(path.read_text())
    content["owner"].update(owner)
    path.write_text(json.dumps(content))


def orphan(state: Path, kind: str, key: dict[str, object]) -> None:
    """A record of a process that is no more, made in this boot."""
    UndoLog(state).record(kind, key)  # type: ignore[arg-type]
    newest = max((state / "undo").glob("*.json"))
    content = json.loads(newest.read_text())
    content["owner"]["start_ticks"] -= 1
    newest.write_text(json.dumps(content))


def test_record_of_a_killed_maker_is_healed_once_and_a_living_ones_is_not(
    state: Path, makers: list[commands.Process], tmp_path: Path
) -> None:
    thing = tmp_path / "left over"
    maker = make(makers, state, ("path", {"path": str(thing)}))
    (thing / "sub").mkdir()
    (thing / "sub" / "file").write_text("x")
    assert outcomes(heal(state)) == ["live"]
    assert thing.exists()
    died(maker)
    (planned,) = heal(state, dry_run=True)
    assert planned.outcome == "would heal" and str(thing) in planned.said
    assert thing.exists()
    (healed,) = heal(state)
    assert healed.outcome == "healed" and healed.subject == f"path {thing}"
    assert not thing.exists()
    assert heal(state) == []


def test_done_forgets_the_record_and_twice_is_fine(state: Path, tmp_path: Path) -> None:
    log = UndoLog(state)
    ids = [log.record("path", {"path": str(tmp_path / f"x{n}")}) for n in range(3)]
    assert len(set(ids)) == 3
    for id_ in (*ids, ids[0]):
        log.done(id_)
    assert heal(state) == []


def test_what_was_recorded_and_never_made_is_gone(state: Path, tmp_path: Path) -> None:
    orphan(state, "path", {"path": str(tmp_path / "never" / "made")})
    assert outcomes(heal(state, dry_run=True)) == ["gone"]
    assert outcomes(heal(state)) == ["gone"]
    assert heal(state) == []


def test_the_newest_change_is_undone_first(state: Path, tmp_path: Path) -> None:
    for name in ("first", "second", "third"):
        orphan(state, "path", {"path": str(tmp_path / name)})
    assert [Path(h.subject.split(" ", 1)[1]).name for h in heal(state)] == ["third", "second", "first"]


def test_record_is_on_disk_before_the_change_is_made(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    id_ = UndoLog(state).record("path", {"path": str(tmp_path / "x")})
    folder = state / "undo"
    assert synced == [str(state), str(tmp_path), str(folder / f".{id_}.json"), str(folder)]
    assert [p.name for p in folder.iterdir()] == [f"{id_}.json"]


def test_record_made_before_a_reboot_is_healed_whatever_its_pid_is_now(state: Path, tmp_path: Path) -> None:
    thing = tmp_path / "x"
    UndoLog(state).record("path", {"path": str(thing)})
    thing.write_text("left")
    change_record(state, boot="00000000-0000-0000-0000-000000000000", pid_namespace=1)
    assert outcomes(heal(state)) == ["healed"]
    assert not thing.exists()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("path", {"path": "/tmp/deploydrill-gone/x"}),
        ("staging", {"path": "/mnt/deploydrill-gone/.run.partial"}),
        ("cgroup", {"path": str(healers.CGROUPS / "deploydrill-gone")}),
    ],
)
def test_record_of_what_a_reboot_took_along_is_fine(state: Path, kind: str, key: dict[str, object]) -> None:
    UndoLog(state).record(kind, key)  # type: ignore[arg-type]
    change_record(state, boot="00000000-0000-0000-0000-000000000000", pid_namespace=1)
    assert outcomes(heal(state)) == ["gone"]
    assert heal(state) == []


def test_record_of_another_pid_namespace_is_not_touched(state: Path, tmp_path: Path) -> None:
    thing = tmp_path / "x"
    UndoLog(state).record("path", {"path": str(thing)})
    thing.write_text("in use by a run in a container")
    change_record(state, pid=2, start_ticks=1, pid_namespace=1)
    (healed,) = heal(state)
    assert healed.outcome == "refused" and "another pid namespace" in healed.said
    assert thing.exists()
    assert outcomes(heal(state)) == ["refused"], "it is kept"


def test_what_exists_already_cannot_be_recorded(state: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(HarnessError, match="exists already"):
        UndoLog(state).record("staging", {"path": str(tmp_path / "mine")})
    assert heal(state) == []


@pytest.mark.parametrize(
    ("kind", "key", "why"),
    [
        ("path", {"path": "relative/x"}, "not an absolute path"),
        ("path", {"path": "/"}, "not an absolute path"),
        ("path", {"path": "/etc"}, "not an absolute path"),
        ("path", {"path": "/tmp/../etc/x"}, "not an absolute path"),
        ("path", {"path": 7}, "must hold path"),
        ("path", {}, "must hold path"),
        ("cgroup", {"path": "/sys/fs/cgroup/system.slice"}, "deploydrill-"),
        ("cgroup", {"path": "/tmp/deploydrill-x"}, "deploydrill-"),
        ("volcano", {"path": "/tmp/x"}, "no such kind"),
    ],
)
def test_key_that_could_heal_too_much_is_refused_when_recorded(
    state: Path, kind: str, key: dict[str, object], why: str
) -> None:
    with pytest.raises(HarnessError, match=why):
        UndoLog(state).record(kind, key)  # type: ignore[arg-type]


def test_planted_and_torn_files_are_refused_and_nothing_is_removed(state: Path, tmp_path: Path) -> None:
    orphan(state, "path", {"path": str(tmp_path / "a")})
    (good,) = (state / "undo").glob("*.json")
    content = json.loads(good.read_text())
    content["key"]["path"] = "/etc"
    good.write_text(json.dumps(content))
    (state / "undo" / "junk.json").write_text('{"half": ')
    (state / "undo" / "list.json").write_text("[]")
    renamed = state / "undo" / "1111111111111111111-1-1.json"
    renamed.write_text(json.dumps({**content, "key": {"path": str(tmp_path / "a")}}))
    assert outcomes(heal(state)) == ["refused"] * 4
    assert Path("/etc").exists()


def test_unfinished_record_file_is_dropped_when_old(state: Path, tmp_path: Path) -> None:
    id_ = UndoLog(state).record("path", {"path": str(tmp_path / "x")})
    UndoLog(state).done(id_)
    fresh, old = state / "undo" / ".1-1-1.json", state / "undo" / ".2-2-2.json"
    fresh.write_text("{")
    old.write_text("{")
    os.utime(old, (1, 1))
    assert heal(state) == []
    assert fresh.exists() and not old.exists()


def test_records_in_a_directory_others_can_write_are_not_believed(state: Path, tmp_path: Path) -> None:
    orphan(state, "path", {"path": str(tmp_path / "x")})
    (state / "undo").chmod(0o777)
    with pytest.raises(HarnessError, match="others could write there") as caught:
        heal(state)
    assert caught.value.code == ExitCode.HOST_CANNOT
    with pytest.raises(HarnessError, match="others could write there"):
        UndoLog(state).record("path", {"path": str(tmp_path / "y")})


def test_full_disk_under_the_state_directory_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the directory should be")
    with pytest.raises(HarnessError, match="write an undo record") as caught:
        UndoLog(tmp_path / "state").record("path", {"path": str(tmp_path / "x")})
    assert caught.value.hint


@pytest.mark.root
def test_thing_of_another_user_is_refused(state: Path, tmp_path: Path) -> None:
    thing = tmp_path / "x"
    orphan(state, "path", {"path": str(thing)})
    thing.write_text("somebody else's")
    os.chown(thing, 65534, 65534)
    (healed,) = heal(state)
    assert healed.outcome == "refused" and "belongs to uid 65534" in healed.said
    assert thing.exists()


def test_link_is_removed_and_not_followed(state: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    thing = tmp_path / "link"
    orphan(state, "path", {"path": str(thing)})
    thing.symlink_to(precious)
    assert outcomes(heal(state)) == ["healed"]
    assert not thing.is_symlink() and (precious / "file").exists()


def test_tree_with_a_mount_in_it_is_refused(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(healers, "_mounts_below", lambda path: [str(path / "data")])
    thing = tmp_path / "x"
    orphan(state, "path", {"path": str(thing)})
    thing.mkdir()
    (healed,) = heal(state)
    assert healed.outcome == "refused" and "is a mount point" in healed.said
    assert thing.exists()


def test_mounts_below_a_path_are_seen() -> None:
    assert "/proc" in healers._mounts_below(Path("/proc"))
    assert healers._mounts_below(Path("/proc/self")) == []


def test_partial_run_folder_is_removed_and_a_finished_one_kept(state: Path, tmp_path: Path) -> None:
    partial, finished, link = tmp_path / "partial", tmp_path / "finished", tmp_path / "link"
    for folder in (partial, finished, link):
        orphan(state, "staging", {"path": str(folder)})
    for folder in (partial, finished):
        folder.mkdir()
        (folder / "events.jsonl").write_text("")
    (finished / "result.json").write_text("{}")
    link.symlink_to(finished)
    assert outcomes(heal(state)) == ["refused", "refused", "healed"]
    assert not partial.exists() and finished.exists() and link.is_symlink()


def test_healing_below_a_folder_leaves_all_else_for_another_time(state: Path, tmp_path: Path) -> None:
    here, beside = (tmp_path / name for name in ("here/.a.partial", "here-too/.b.partial"))
    for path in (here, beside):
        orphan(state, "staging", {"path": str(path)})
        path.mkdir(parents=True)
    assert outcomes(heal(state, below=tmp_path / "here")) == ["healed"]
    assert (here.exists(), beside.exists()) == (False, True)
    assert outcomes(heal(state)) == ["healed"]


@pytest.mark.root
def test_cgroup_is_emptied_and_removed_with_its_children(state: Path, makers: list[commands.Process]) -> None:
    # cgroup v2 at the root, or the v1 hierarchies below it.
    root = next((p for p in (healers.CGROUPS, healers.CGROUPS / "freezer") if (p / "cgroup.procs").exists()), None)
    assert root, "no cgroup file system; `deploydrill doctor` says more"
    group = root / f"deploydrill-test-{os.getpid()}"
    orphan(state, "cgroup", {"path": str(group)})
    (group / "inner").mkdir(parents=True)
    makers.append(commands.spawn(["sleep", "60"]))
    (group / "inner" / "cgroup.procs").write_text(str(makers[0].pid))
    (healed,) = heal(state)
    assert healed.outcome == "healed" and "with 1 processes" in healed.said
    assert not group.exists()
    assert makers[0].wait(5) == -signal.SIGTERM


def test_two_heals_at_once_take_turns_and_both_end_well(state: Path, tmp_path: Path) -> None:
    for n in range(30):
        orphan(state, "path", {"path": str(tmp_path / f"left-{n}")})
        for m in range(20):
            (tmp_path / f"left-{n}" / f"sub{m}").mkdir(parents=True)
    code = (
        "import sys; from pathlib import Path; from harness.host.undo import heal\n"
        "healed = heal(Path(sys.argv[1]))\n"
        "print(*healed, sep='\\n')\n"
        "sys.exit(any(h.outcome not in ('healed', 'gone') for h in healed))"
    )
    logs = [tmp_path / f"heal-{n}.log" for n in range(3)]
    argv = [sys.executable, "-c", code, str(state)]
    healing = [commands.spawn(argv, cwd=Path(undo.__file__).parents[2], output=log) for log in logs]
    assert [p.wait(30) for p in healing] == [0, 0, 0], [log.read_text() for log in logs]
    assert sum(log.read_text().count("outcome='healed'") for log in logs) == 30
    assert list(tmp_path.glob("left-*")) == [] and heal(state) == []


def test_heal_that_waits_too_long_for_another_says_so(state: Path, tmp_path: Path) -> None:
    orphan(state, "path", {"path": str(tmp_path / "x")})
    with (
        undo._turn(state / "undo"),
        pytest.raises(HarnessError, match=r"another heal has been at it for 0\.2 s"),
        undo._turn(state / "undo", limit_s=0.2),
    ):
        pass


def test_state_directory_follows_the_user_and_the_xdg_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_state_dir() == Path("/var/lib/deploydrill")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert default_state_dir() == Path("/elsewhere/deploydrill")
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert default_state_dir() == Path("/home/someone/.local/state/deploydrill")


def test_record_reads_back_as_it_was_written(state: Path) -> None:
    who = identity(os.getpid())
    assert who is not None
    record = undo.Record("1" * 19 + "-1-0", "path", {"path": "/tmp/x"}, "about", who, os.geteuid())
    path = state / f"{record.id}.json"
    state.mkdir()
    path.write_text(json.dumps(asdict(record)))
    assert undo._read(path) == record
    assert replace(record, owner=Identity(1, 1, "", 0)) != record
