"""Words for the sentences of verdicts."""

from __future__ import annotations

from harness.model import NS, Operation

_END_CHARS = 4096


def count(number: int, noun: str) -> str:
    """``1 write``, ``3 writes``, ``61 204 requests``."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"


def grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def seconds(ns: float) -> str:
    return f"{ns / NS:.2f} s"


def last_line(output: str) -> str:
    """What the operation said last, for the end of a sentence."""
    lines = output.rstrip()[-_END_CHARS:].splitlines()
    return f"it said: {lines[-1].strip()[:200]}" if lines else "it said nothing"


def ended(operation: Operation) -> str:
    """``backup-2 exited with 1 after 0.21 s``."""
    if operation.exit is None:
        return f"{operation.id} had not ended after {operation.seconds:.2f} s"
    return f"{operation.id} exited with {operation.exit} after {operation.seconds:.2f} s"
