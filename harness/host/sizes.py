"""Sizes in bytes, as people write and read them."""

from __future__ import annotations

import re

from harness.errors import HarnessError

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
# As mkfs and tmpfs read them: a bare letter is a power of 1024, "MB" a power of 1000.
_UNITS = {"": 1, "b": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("kmgt", 1)
    for suffix, base in (("", 1024), ("ib", 1024), ("b", 1000))
}


def parse_size(text: str) -> int:
    """Bytes of ``512m`` (1024-based), ``20MB`` (1000-based), ``1GiB`` or ``4096``."""
    match = _SIZE.fullmatch(text) if len(text) < 32 else None
    if match is None or match[2].lower() not in _UNITS:
        raise HarnessError(f"read the size {text!r}", "is not a size", "write it like 512m, 20MB or 1GiB")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def scaled(number: float) -> tuple[float, str]:
    """A number of bytes in the unit it is written in: kB, MB, GB and TB are powers of 1000."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if abs(number) < 1000:
            return number, unit
        number /= 1000
    return number, "TB"


def size(number: float) -> str:
    """Bytes as people read them: ``12.4 MB``, ``512 bytes``."""
    value, unit = scaled(number)
    return f"{value:.0f} bytes" if unit == "bytes" else f"{value:.1f} {unit}"
