"""The body of an HTTP answer: decoded, and told in a few words."""

from __future__ import annotations

import zlib

# What is asked for: what ``decoded`` knows.
ACCEPTED = "gzip, deflate"
WORDS_CHARS = 200
_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class CannotDecode(ValueError):
    """The body is not what its Content-Encoding says, or that is none we know."""


def decoded(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """The body as it was before ``encoding`` (a Content-Encoding), ``most_bytes`` and one more of it at most."""
    coding = encoding.strip().lower()
    if coding in ("", "identity") or not body:
        return body
    if coding not in _WINDOW:
        raise CannotDecode(f"the answer is encoded as {coding[:40]}, which nobody asked for")
    for window in (_WINDOW[coding], -15):  # the second: what many a server calls deflate
        try:
            return zlib.decompressobj(window).decompress(body, most_bytes + 1)
        except zlib.error as error:
            said = str(error)
    raise CannotDecode(f"the answer is said to be encoded as {coding}, and is not: {said}")


def words_of(body: bytes) -> str:
    """Its first words, on one line; how many bytes it has where they are no text."""
    text = body[: 4 * WORDS_CHARS].decode(errors="replace")
    # The cut may go through a letter: one sign that is none is no proof.
    strange = sum(c == "\N{REPLACEMENT CHARACTER}" or (c < " " and c not in "\t\r\n") for c in text)
    if strange > 1 + len(text) // 50:
        return f"{len(body)} bytes that are no text"
    return " ".join(text.split())[:WORDS_CHARS]
