"""What programs print fits, whatever they print: its beginning and its end are kept, and how much is not is said."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.host import commands, outputs


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
    assert f"\n[deploydrill: {left_out} bytes left out here]\n".encode() in kept
    assert left_out + outputs.HEAD_BYTES + outputs.TAIL_BYTES == 20_000_009
    assert outputs.trim(file) == 0


def test_a_program_that_goes_on_printing_is_cut_while_it_does(tmp_path: Path) -> None:
    file = tmp_path / "endless.out"
    watch = outputs.Watch(lambda: [file])
    code = "import sys\nfor _ in range(600): sys.stdout.write('A' * 100_000)\nprint('\\nthe end')"
    try:
        process = commands.spawn([sys.executable, "-c", code], output=file)
        assert process.wait(60) == 0
    finally:
        watch.stop()
    assert file.stat().st_size <= outputs.MOST_BYTES + 100
    assert outputs.last_line(file) == "the end"


def test_a_command_that_prints_without_end_costs_no_more_memory_than_its_end() -> None:
    tracemalloc.start()
    try:
        code = "import sys\nfor _ in range(500): sys.stdout.write('A' * 100_000)\nprint('\\n{}')"
        done = commands.run([sys.executable, "-c", code], deadline_s=60)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (done.exit, done.output[-3:]) == (0, "\n{}")
    assert len(done.output) <= commands.MOST_OUTPUT_BYTES
    assert most < 8 * commands.MOST_OUTPUT_BYTES


def test_a_command_that_closes_its_output_and_goes_on_is_given_up_at_the_deadline() -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    with pytest.raises(HarnessError, match=r"not done after 0\.5 s"):
        commands.run([sys.executable, "-c", code], deadline_s=0.5)


def test_what_is_given_to_a_command_arrives() -> None:
    assert commands.run(["cat"], text="a\nb").output == "a\nb"


def test_a_nul_in_an_argument_is_an_error_of_whoever_named_it() -> None:
    for start in (commands.spawn, commands.run):
        with pytest.raises(HarnessError, match="null byte"):
            start(["true", "a\0b"])


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
