"""Copies at the far side: what counts must really be there, whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.checkers.backups.offsite_copies import OffsiteCopies, copy_of
from harness.checkers.core.codes import code_of
from harness.model import Artefact, Finding, OffsiteCopy
from tests.unit.checkers.build import Run, answers, only

BACKUPS = (Artefact("one", "/backup/one.backup", 1000, True), Artefact("two", "/backup/two.backup", 2000, True))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


SIZES = {a.name: a.size for a in BACKUPS}


def copies(*counting: str, idle: Sequence[str] = ()) -> list[OffsiteCopy]:
    return [OffsiteCopy(n, f"{n}.backup", n not in idle, SIZES.get(n)) for n in (*counting, *idle)]


def judged(run: Run) -> Finding:
    return only(answers(OffsiteCopies(), run.done()))


def test_copies_as_long_as_their_backups_are_good(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 2000, "rclone.tmp": 5}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", "two"), stored=stored)
    found = judged(run)
    assert (found.outcome, found.code, found.details) == ("pass", "offsite.whole", {"comparisons": 2, "begun": 0})


def test_a_half_uploaded_copy_that_counts_is_a_fail_that_says_how_much_is_there(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 1000}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", "two"), stored=stored)
    found = judged(run)
    assert (found.outcome, found.code, found.subject.id) == ("fail", "offsite.copy_partial", "two")
    assert (found.details["stored_bytes"], found.details["whole_bytes"]) == (1000, 2000)
    assert found.details["read_backs"] == ["backup-look-1"]


def test_a_copy_that_is_amiss_at_several_read_backs_is_one_finding(run: Run) -> None:
    for start in (5, 6):
        run.observe("backup", start, [], artefacts=BACKUPS, offsite=copies("one", "two"), stored={"one.backup": 1000})
    found = judged(run)
    assert (found.code, found.subject.id) == ("offsite.copy_missing", "two")
    assert found.details["read_backs"] == ["backup-look-1", "backup-look-2"]


def test_a_half_uploaded_copy_that_does_not_count_is_good(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 1000}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", idle=["two"]), stored=stored)
    found = judged(run)
    assert (found.outcome, found.code, found.details) == ("pass", "offsite.whole", {"comparisons": 1, "begun": 1})


def test_a_copy_that_counts_and_is_not_there_is_a_fail(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("two"), stored={})
    found = judged(run)
    assert (found.outcome, found.code) == ("fail", "offsite.copy_missing")
    assert (found.details["backup"], found.details["object"]) == ("two", "two.backup")


def test_a_copy_is_held_against_a_local_backup_that_was_removed_since(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one"), stored={"one.backup": 1000})
    run.observe("backup", 9, [], artefacts=BACKUPS[1:], offsite=copies("one"), stored={"one.backup": 999})
    found = judged(run)
    assert (found.outcome, found.code) == ("fail", "offsite.copy_partial")


def test_a_copy_of_a_backup_that_never_was_is_a_fail(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("three"), stored={"three.backup": 7})
    found = judged(run)
    assert (found.outcome, found.code, found.subject.id) == ("fail", "offsite.copy_unknown", "three")


@pytest.mark.parametrize(("size", "code"), [(2000, "offsite.whole"), (1999, "offsite.not_comparable")])
def test_where_status_does_not_speak_of_copies_whatever_has_a_backups_name_counts(
    run: Run, size: int, code: str
) -> None:
    stored = {"two.backup": size, "rclone.tmp": 5}
    run.observe("backup", 5, [], artefacts=BACKUPS, stored=stored)
    assert judged(run).code == code


def test_without_a_place_to_look_or_a_copy_to_compare_it_is_unknown(tmp_path: Path) -> None:
    blind, empty, mute = (Run(tmp_path / name) for name in ("blind", "empty", "mute"))
    blind.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one"))
    empty.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies(idle=["one"]), stored={})
    mute.observe("backup", 5, [], offsite=None, stored={}, status_error="status exited with 1")
    found = [judged(run) for run in (blind, empty, mute)]
    assert {f.outcome for f in found} == {"unknown"}
    assert [f.code for f in found] == ["offsite.store_unknown", "offsite.nothing_compared", "offsite.status_failed"]
    assert found[2].details["error"] == "status exited with 1"  # the words of the kit


@pytest.mark.parametrize(
    ("latest", "offsite", "stored", "code"),
    [
        ("two", copies("two"), {"two.backup": 2000}, "offsite.whole"),
        ("two", copies("two"), {"two.backup": 1000}, "offsite.copy_partial"),
        ("two", copies("two"), {}, "offsite.copy_missing"),
        ("two", copies("one", idle=["two"]), {"two.backup": 2000}, "offsite.no_copy_counts"),
        ("", copies("two"), {"two.backup": 2000}, "offsite.no_latest"),
        ("two", copies("two"), None, "offsite.store_unknown"),
    ],
)
def test_the_copy_of_the_latest_backup_is_looked_for_after_the_operation_that_made_it(
    run: Run, latest: str, offsite: list[OffsiteCopy], stored: dict[str, int] | None, code: str
) -> None:
    run.op("backup", 3, 4)
    latest = f"/backup/{latest}.backup" if latest else ""
    run.observe("backup", 5, [], artefacts=BACKUPS, latest=latest, offsite=offsite, stored=stored)
    recording = run.done()
    assert code_of(type(copy_of(recording, recording.operations[0]))).name == code


def test_a_copy_that_no_read_back_looked_for_is_unknown(run: Run) -> None:
    run.op("backup", 3, 4)
    recording = run.done()
    declared = code_of(type(copy_of(recording, recording.operations[0])))
    assert (declared.name, declared.outcome) == ("offsite.not_looked", "unknown")


@pytest.mark.parametrize(
    ("object_", "stored"),
    [
        ("two.backup", {"2026/11/two.backup": 2000}),
        ("2026/11/two.backup", {"2026/11/two.backup": 2000}),
        ("2026/*/two.part*", {"2026/11/two.part1": 1500, "2026/11/two.part2": 500}),
    ],
)
def test_a_copy_may_lie_below_folders_and_in_parts(run: Run, object_: str, stored: dict[str, int]) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=[OffsiteCopy("two", object_, True)], stored=stored)
    assert judged(run).code == "offsite.whole"


def test_where_status_does_not_speak_of_copies_backups_of_one_file_name_are_told_by_their_folders(run: Run) -> None:
    """As of a kit that keeps each backup in a directory of its own."""
    both = [Artefact(day, f"/backup/{day}/dump.db", size, True) for day, size in (("mon", 1000), ("tue", 2000))]
    run.observe("backup", 5, [], artefacts=both, stored={"b/mon/dump.db": 1000, "b/tue/dump.db": 2000})
    found = judged(run)
    assert (found.code, found.details["comparisons"]) == ("offsite.whole", 2)
    run.observe("backup", 6, [], artefacts=both, stored={"b/mon/dump.db": 1000, "b/tue/dump.db": 500})
    assert judged(run).code == "offsite.not_comparable"


@pytest.mark.parametrize(
    ("size", "digest", "code"),
    [
        (700, "", "offsite.whole"),
        (None, "sha256:aa", "offsite.whole"),
        (None, "sha256:bb", "offsite.copy_changed"),
        (701, "", "offsite.copy_partial"),
        (None, "", "offsite.copy_unknown"),
    ],
)
def test_what_status_tells_of_a_copy_judges_it_also_where_its_backup_is_not_here(
    run: Run, size: int | None, digest: str, code: str
) -> None:
    copy = OffsiteCopy("gone", "gone.gz", True, size, digest)
    told = {"gone.gz": "sha256:aa"} if digest else {}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=[copy], stored={"gone.gz": 700}, digests=told)
    assert judged(run).code == code
