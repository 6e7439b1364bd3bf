"""What programs print fits, whatever they print: its beginning and its end are kept, and how much is not is said."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

import pytest

from harness.host import outputs
from harness.host.outputs import telling_line


def test_a_file_within_the_bound_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "short.out"
    file.write_bytes(b"x" * outputs.MOST_BYTES)
    assert outputs.trim(file) == 0
    assert file.stat().st_size == outputs.MOST_BYTES
    assert outputs.trim(tmp_path / "none.out") == 0


def test_of_a_long_line_the_first_and_the_last_of_it_are_kept_and_the_rest_is_counted(tmp_path: Path) -> None:
    file = tmp_path / "long.out"
    file.write_bytes(b"first" + b"A" * 20_000_000 + b"last")
    left_out = outputs.trim(file)
    kept = file.read_bytes()
    assert kept.startswith(b"first") and kept.endswith(b"last")
    note = f"\n[deploydrill: {left_out} bytes left out here]\n".encode()
    assert kept.index(note) == outputs.HEAD_BYTES
    assert left_out + len(kept) - len(note) == 20_000_009
    assert outputs.trim(file) == 0


def test_the_last_words_of_a_program_that_come_while_its_output_is_cut_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, fstat = tmp_path / "long.out", os.fstat
    file.write_bytes(b"first" + b"A" * 20_000_000)

    def and_then_it_ends(descriptor: int) -> os.stat_result:
        seen = fstat(descriptor)
        with file.open("ab", buffering=0) as program:
            program.write(b"last")
        return seen

    monkeypatch.setattr(outputs.os, "fstat", and_then_it_ends)
    left_out = outputs.trim(file)
    note = f"\n[deploydrill: {left_out} bytes left out here]\n".encode()
    assert file.read_bytes().endswith(b"Alast")
    assert left_out + file.stat().st_size - len(note) == 20_000_009


def test_what_is_written_at_the_moment_of_the_cut_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, cut = tmp_path / "long.out", outputs._libc.fallocate
    file.write_bytes(b"first" + b"A" * 20_000_000)
    done: list[int] = []

    def between_two_words(*arguments: int) -> int:
        with file.open("ab", buffering=0) as program:
            program.write(b"one,")
            done.append(cut(*arguments))
            program.write(b"two")
        return done[-1]

    monkeypatch.setattr(outputs._libc, "fallocate", between_two_words)
    assert outputs.trim(file) > 0
    # Not that it was asked in vain for another reason: then all would be copied, and the last words lost now and then.
    assert done == [0] or ctypes.get_errno() == errno.EOPNOTSUPP, "the kernel refuses the cut"
    assert file.read_bytes().endswith(b"Aone,two")


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file out of which no range can be taken."""
    monkeypatch.setattr(outputs, "_taken_out", lambda *_: 0)
    return tmp_path / "long.out"


def test_where_no_range_can_be_taken_out_of_a_file_the_same_is_kept_by_a_copy(file: Path) -> None:
    file.write_bytes(b"first" + b"A" * 20_000_000 + b"last")
    left_out = outputs.trim(file)
    kept = file.read_bytes()
    assert kept.startswith(b"first") and kept.endswith(b"last")
    assert left_out + outputs.HEAD_BYTES + outputs.TAIL_BYTES == 20_000_009


def test_where_no_range_can_be_taken_out_what_is_written_at_the_moment_of_the_cut_is_kept_too(file: Path) -> None:
    """Of a copy it would be lost: what was written after it, and before the file was cut short."""
    file.write_bytes(b"first" + b"A" * 20_000_000 + b"one,")
    before = file.stat().st_blocks
    assert outputs.trim(file, hollow=True) > 0
    with file.open("ab", buffering=0) as program:
        program.write(b"two")
    assert file.stat().st_size == 20_000_012
    assert file.stat().st_blocks < before / 4
    assert outputs.trim(file) > 0
    kept = file.read_bytes()
    assert kept.startswith(b"first") and kept.endswith(b"Aone,two")
    assert b"\0" not in kept


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 3, (1 << 20) + 5])
def test_a_word_is_counted_also_where_pieces_meet(size: int, tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"word" + b"-" * size + b"word\nword")
    assert outputs.count(file, b"word") == 3
    assert outputs.count(tmp_path / "none", b"word") == 0


def test_the_last_line_of_a_line_without_end_is_its_end(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.write_bytes(b"A" * 1_000_000 + b"Z\n\n")
    assert outputs.last_line(file, 10) == "A" * 9 + "Z"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        ("", ""),
        ("one\ntwo\n\n", "two"),
        ("copying\nerror: no rows\nrolling back\ndone", "error: no rows"),
        (
            "cp: writing '/x': No space left on device\nbackup failed\nsee the log",
            "cp: writing '/x': No space left on device",
        ),
        ("Traceback (most recent call last):\n  File x\nValueError: 7\ncleaning up", "ValueError: 7"),
        ("deployed, 0 errors\nthe end", "the end"),
        ("a\ndeploy FAILED in step 3\nbye", "deploy FAILED in step 3"),
        ("panic: index out of range\n\ngoroutine 1 [running]:\nmain.go:3", "panic: index out of range"),
        ("Erreur\u00a0: le disque est plein\nau revoir", "au revoir"),
    ],
)
def test_the_plainest_error_is_told_and_else_what_was_said_last(output: str, line: str) -> None:
    assert telling_line(output) == line


def test_it_is_cut_to_its_limit() -> None:
    assert telling_line("error: " + "x" * 1000, 20) == "error: " + "x" * 13
