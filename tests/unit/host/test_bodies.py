"""Bodies are decoded within their bound, and told in words where they are words."""

from __future__ import annotations

import gzip

import pytest

from harness.host.bodies import WORDS_CHARS, CannotDecode, decoded, words_of

# Without the time of day: all workers have to collect the same tests.
PACKED = gzip.compress(b"text " * 100, mtime=0)


def test_a_small_body_that_would_become_large_stays_within_its_bound() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert len(decoded(bomb, "gzip", 1000)) == 1001


@pytest.mark.parametrize(("body", "encoding"), [(b"plain", "gzip"), (b"x", "br"), (b"x", "zstd, gzip")])
def test_what_is_not_what_it_says_cannot_be_decoded(body: bytes, encoding: str) -> None:
    with pytest.raises(CannotDecode):
        decoded(body, encoding, 1000)


def test_what_is_not_encoded_is_left_as_it_is() -> None:
    assert decoded(b"x", "", 10) == decoded(b"x", " Identity ", 10) == b"x"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b"  too many\n  requests ", "too many requests"),
        ("zu viele Anfragen: ä".encode(), "zu viele Anfragen: ä"),
        (bytes(range(256)), "256 bytes that are no text"),
        (PACKED, f"{len(PACKED)} bytes that are no text"),
    ],
)
def test_the_first_words_are_told_and_bytes_are_counted(body: bytes, words: str) -> None:
    assert words_of(body) == words


def test_they_are_short_also_where_the_cut_goes_through_a_letter() -> None:
    assert words_of("ä".encode() * 5000) == "ä" * WORDS_CHARS
