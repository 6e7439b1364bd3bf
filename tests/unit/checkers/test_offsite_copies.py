"""Copies at the far side: what counts must really be there, whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.checkers.backups.offsite_copies import OffsiteCopies
from harness.model import Artefact, OffsiteCopy
from tests.unit.checkers.build import Run, only

BACKUPS = (Artefact("one", "/backup/one.backup", 1000, True), Artefact("two", "/backup/two.backup", 2000, True))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def copies(*counting: str, idle: Sequence[str] = ()) -> list[OffsiteCopy]:
    return [OffsiteCopy(n, f"{n}.backup", n not in idle) for n in (*counting, *idle)]


def test_copies_as_long_as_their_backups_are_good(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 2000, "rclone.tmp": 5}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", "two"), stored=stored)
    verdict = only(OffsiteCopies().check(run.done()))
    assert (verdict.outcome, verdict.measured) == ("pass", "2 comparisons of copies that count at 1 read-back")


def test_a_half_uploaded_copy_that_counts_is_a_fail_that_says_how_much_is_there(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 1000}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", "two"), stored=stored)
    verdict = only(OffsiteCopies().check(run.done()))
    assert verdict.outcome == "fail"
    assert verdict.why == (
        "the copy of two counts, and what is stored is 50 % of it (1.0 kB of 2.0 kB) (at backup-look-1)"
    )


def test_a_half_uploaded_copy_that_does_not_count_is_good(run: Run) -> None:
    stored = {"one.backup": 1000, "two.backup": 1000}
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one", idle=["two"]), stored=stored)
    verdict = only(OffsiteCopies().check(run.done()))
    assert verdict.outcome == "pass"
    assert "copies begun that do not count were listed as such" in verdict.why


def test_a_copy_that_counts_and_is_not_there_is_a_fail(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("two"), stored={})
    why = only(OffsiteCopies().check(run.done())).why
    assert why.startswith("the copy of two counts, and nothing is stored under two.backup")


def test_a_copy_is_held_against_a_local_backup_that_was_removed_since(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one"), stored={"one.backup": 1000})
    run.observe("backup", 9, [], artefacts=BACKUPS[1:], offsite=copies("one"), stored={"one.backup": 999})
    assert only(OffsiteCopies().check(run.done())).outcome == "fail"


def test_a_copy_of_a_backup_that_never_was_is_a_fail(run: Run) -> None:
    run.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("three"), stored={"three.backup": 7})
    assert only(OffsiteCopies().check(run.done())).outcome == "fail"


@pytest.mark.parametrize(("size", "outcome"), [(2000, "pass"), (1999, "fail")])
def test_where_status_does_not_speak_of_copies_whatever_has_a_backups_name_counts(
    run: Run, size: int, outcome: str
) -> None:
    stored = {"two.backup": size, "rclone.tmp": 5}
    run.observe("backup", 5, [], artefacts=BACKUPS, stored=stored)
    assert only(OffsiteCopies().check(run.done())).outcome == outcome


def test_without_a_place_to_look_or_a_copy_to_compare_it_is_unknown(tmp_path: Path) -> None:
    blind, empty, mute = (Run(tmp_path / name) for name in ("blind", "empty", "mute"))
    blind.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies("one"))
    empty.observe("backup", 5, [], artefacts=BACKUPS, offsite=copies(idle=["one"]), stored={})
    mute.observe("backup", 5, [], offsite=None, stored={}, status_error="status exited with 1")
    whys = []
    for run in (blind, empty, mute):
        verdict = only(OffsiteCopies().check(run.done()))
        assert verdict.outcome == "unknown"
        whys.append(verdict.why)
    assert "(`store`)" in whys[0]
    assert whys[1] == "no copy ever counted: nothing was compared"
    assert "status exited with 1" in whys[2]
