"""Words of a failure, found in what programs wrote."""

from __future__ import annotations

import re

import pytest

from harness.faults.words import network_failure, quoted


@pytest.mark.parametrize(
    "line",
    [
        "backup: failed: no off-site copy of x ([Errno 111] Connection refused); the local backup is valid",
        "before the deployment: degraded, monitor http://198.18.2.2:8666/status does not answer",
        '{"msg":"dial tcp 198.18.4.2:8666: i/o timeout"}',
    ],
)
def test_a_failure_is_quoted_with_its_line(line: str) -> None:
    assert network_failure(f"all is well\n{line}\nall is well") == line


def test_words_of_nothing_in_particular_are_no_failure() -> None:
    assert network_failure("backup 1: 20 bytes, restored on trial\noff-site copy of 1: done\n") == ""


def test_a_long_line_is_quoted_in_part() -> None:
    said = quoted(re.compile("needle"), f"{'a' * 5000}needle{'b' * 5000}\nnext")
    assert said == f"{'a' * 160}needle{'b' * 160}"


def test_the_one_failure_in_megabytes_of_logs_is_found() -> None:
    log = (
        '{"level":"info","request":{"uri":"/relationships/7","headers":{"User-Agent":["drill"]}},"status":200}\n'
        * 50_000
    )
    assert network_failure(log) == ""
    assert network_failure(log + "connection reset by peer") == "connection reset by peer"
