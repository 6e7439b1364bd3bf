"""Colours of the figures: fixed ones in a PNG, the page's own (light or dark) in an SVG."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Matplotlib writes these into the SVG; `themed` puts the page's CSS variables in their place.
COLOURS: Mapping[str, str] = {
    "fg": "#1f2329",
    "muted": "#656d77",
    "grid": "#d8dee5",
    "good": "#1b7f37",
    "bad": "#ce222e",
    "fault": "#b35a01",
    "blue": "#0a69da",
    "violet": "#8251df",
    "band": "#e9eef4",
    "phase-a": "#7fa8d9",
    "phase-b": "#3d6fa8",
}


def themed(svg: str) -> str:
    """An SVG to put into a page: CSS variables for colours, no XML head, no fixed size, only ids it refers to."""
    svg = svg[svg.index("<svg") :].strip()
    for name, colour in COLOURS.items():
        svg = re.sub(re.escape(colour), f"var(--{name})", svg, flags=re.IGNORECASE)
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    head, rest = svg.split(">", 1)
    head = re.sub(r' (?:width|height|version|xmlns(?::xlink)?)="[^"]*"', "", head)
    rest = rest.replace("xlink:href", "href")
    referred = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", rest))
    rest = re.sub(r' id="([^"]+)"', lambda m: m.group(0) if m.group(1) in referred else "", rest)
    return f'{head} aria-hidden="true">{rest}'
