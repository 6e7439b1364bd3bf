"""Sizes in bytes, read and written."""

from __future__ import annotations

import pytest

from harness.errors import HarnessError
from harness.host.sizes import parse_size, scaled, size


@pytest.mark.parametrize(
    ("text", "size"),
    [("512m", 512 * 2**20), ("20MB", 20_000_000), ("1GiB", 2**30), ("4096", 4096), ("1.5k", 1536), (" 2 g ", 2**31)],
)
def test_sizes_are_read_as_disks_and_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1m", "1e9", "12 parsecs", "1" * 50, "1,5m"])
def test_what_is_not_a_size_is_refused(text: str) -> None:
    with pytest.raises(HarnessError):
        parse_size(text)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (2**29, "536.9 MB"), (1.5e12, "1.5 TB"), (-2e9, "-2.0 GB")],
)
def test_sizes_are_written_in_powers_of_1000(number: float, text: str) -> None:
    assert size(number) == text
    value, unit = scaled(number)
    assert value * {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit] == pytest.approx(number)
