"""What running programs print fits, whatever they print."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.host import commands, outputs


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
