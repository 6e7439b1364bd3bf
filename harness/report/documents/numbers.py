"""How a number is written, the same in every format."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from harness.host.sizes import scaled

NONE = "–"
# A narrow no-break space: a number must not break over two lines. `plain` turns it into an ordinary one for logs.
GROUP = "\u202f"


def number(value: float | None, digits: int = 3) -> str:
    """``61204`` as ``61 204``, ``0.71234`` as ``0.712``: whole numbers whole, others to ``digits`` significant ones."""
    if value is None:
        return NONE
    if float(value).is_integer():
        return _grouped(f"{int(value):d}")
    exact = Decimal(repr(float(value)))
    # Never more places than the value has: a limit written 0.5 is not 0.500.
    places = max(0, min(digits - 1 - exact.adjusted(), -int(exact.as_tuple().exponent)))
    return _grouped(f"{exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN):f}")


def _grouped(text: str) -> str:
    sign, body = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, dot, fraction = body.partition(".")
    groups: list[str] = []
    while len(whole) > 3:
        groups.insert(0, whole[-3:])
        whole = whole[:-3]
    return sign + GROUP.join([whole, *groups]) + dot + fraction


def quantity(value: float | None, unit: str = "") -> str:
    """A number with its unit. ``bytes`` become kB and up, ``fraction`` a percentage; other units are only appended."""
    if value is None:
        return NONE
    if unit == "bytes":
        in_unit, of_bytes = scaled(float(value))
        return f"{number(in_unit)}{GROUP}{of_bytes}"
    if unit == "fraction":
        return f"{number(float(value) * 100)}{GROUP}%"
    return f"{number(value)}{GROUP}{unit}" if unit else number(value)


def plain(text: str) -> str:
    """For logs and terminals, where the narrow space is a hazard."""
    return text.replace(GROUP, " ")
