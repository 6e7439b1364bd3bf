from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.documents.numbers import number, plain, quantity
from tests.unit.report.page import agrees


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0, "0"),
        (61204, "61 204"),
        (1234567, "1 234 567"),
        (-12345, "-12 345"),
        (120.0, "120"),
        (0.5, "0.5"),
        (0.71234, "0.712"),
        (12.345, "12.3"),
        (1234.56, "1 235"),
        (0.0000489, "0.0000489"),
        (9.9996, "10.00"),
    ],
)
def test_numbers_keep_three_digits_and_no_more_than_they_have(value: float | None, shown: str) -> None:
    assert plain(number(value)) == shown


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (0.0000489, "fraction", "0.00489 %"),
        (536870912, "bytes", "537 MB"),
        (999, "bytes", "999 bytes"),
        (1023, "bytes", "1.02 kB"),
        (12.31, "ms", "12.3 ms"),
        (None, "s", "–"),
    ],
)
def test_a_unit_follows_its_number(value: float | None, unit: str, shown: str) -> None:
    assert plain(quantity(value, unit)) == shown


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12) | st.integers(-(10**12), 10**12)
)
def test_what_is_shown_is_the_value_to_its_last_digit(value: float) -> None:
    assert agrees(number(value), value)
