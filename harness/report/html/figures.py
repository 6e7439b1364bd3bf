"""The other pictures: downtime strip, phase waterfall and resources of a run, and the claims of a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.report.documents import sentences
from harness.report.documents.derived import operated_seconds
from harness.report.documents.numbers import plain, quantity
from harness.report.html.drawing import (
    NARROW,
    WIDE,
    Document,
    Rows,
    Shape,
    add_legend,
    belongs,
    canvas,
    draw_bars,
    name_lanes,
    plain_ticks,
    points,
    shortened,
    styled,
    to_png,
    to_svg,
)
from harness.report.html.theme import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS = ("read_fresh", "read_reused", "write")


def strip_svg(document: Document, shape: Shape) -> str:
    if not (document["load"].get("probe") or {}).get("n"):
        return ""  # a line that says good needs a probe behind it
    with styled(shape, "strip"):
        outages = document["outages"]
        channels = list(dict.fromkeys([*CHANNELS, *(o["channel"] for o in outages)]))
        figure, axes = canvas(shape, [0.3 * len(channels) + 0.35])
        ax = axes[0]
        end = max(operated_seconds(document) or 0.0, *(o["stop_s"] for o in outages), 1.0)
        middle, height = (len(channels) - 1.3) / 2, len(channels) + 0.4
        shaded = [(middle, o["start_s"], o["seconds"] + o["gate_s"]) for o in document["operations"]]
        draw_bars(ax, shaded, height, "band")
        for row in range(len(channels)):
            ax.plot([0, end], [row, row], color=COLOURS["good"], linewidth=1.6)
        # No thinner than a pixel or two: an outage that cannot be seen would read as none.
        thinnest = end * (0.003 if shape is WIDE else 0.007)
        bad = [(channels.index(o["channel"]), o["start_s"], max(o["stop_s"] - o["start_s"], thinnest)) for o in outages]
        draw_bars(ax, bad, 0.66, "bad", zorder=3)
        for o in sorted(outages, key=lambda o: -float(o["seconds"]))[: 3 if shape is WIDE else 1]:
            side = "right" if o["start_s"] > end * 0.7 else "left"
            x = o["start_s"] if side == "right" else max(o["stop_s"], o["start_s"] + thinnest)
            text = f" {plain(quantity(o['seconds'], 's'))} "
            ax.text(x, channels.index(o["channel"]) - 0.08, text, va="bottom", ha=side, color=COLOURS["fg"])
        name_lanes(ax, [shortened(c.replace("_", " "), shape) for c in channels])
        ax.set_ylim(len(channels) - 0.45, -0.85)
        ax.set_xlim(0, end)
        ax.set_xlabel("seconds since the run began")
        return to_svg(figure)


def waterfall_svg(document: Document, shape: Shape) -> str:
    """One row a phase, one bar a measured repeat; x from the start of its operation. Empty without phases."""
    groups = _phases(document)
    if not groups:
        return ""
    with styled(shape, "waterfall"):
        thick = max(0.2, 0.07 * max(len(bars) for rows in groups.values() for bars in rows.values()))
        heights = [thick * len(rows) + 0.5 for rows in groups.values()]
        figure, axes = canvas(shape, heights, share=False)
        for ax, (operation, rows) in zip(axes, groups.items(), strict=True):
            for row, bars in enumerate(rows.values()):
                each = 0.8 / len(bars)
                placed = [
                    (row - 0.4 + each * (number + 0.5), start, max(seconds, 0.0))
                    for number, (start, seconds, _) in enumerate(bars)
                ]
                draw_bars(ax, placed, each * 0.86, "phase-b" if row % 2 else "phase-a")
                end = max(start + seconds for start, seconds, _ in bars)
                text = f" {plain(quantity(median(own for _, _, own in bars), 's'))}"
                ax.text(end, row, text, va="center", color=COLOURS["fg"])
            name_lanes(ax, [shortened(name.removeprefix(f"{operation}."), shape) for name in rows])
            ax.set_title(shortened(operation, WIDE), fontweight="bold")
            longest = max(start + seconds for bars in rows.values() for start, seconds, _ in bars)
            ax.set_xlim(0, 1.12 * longest or 1.0)  # room for the number beside the last bar
        axes[-1].set_xlabel("seconds since the operation began")
        return to_svg(figure)


_Bar = tuple[float, float, float]


def _phases(document: Document) -> dict[str, dict[str, list[_Bar]]]:
    """operation name -> phase -> (start within the operation, seconds, seconds without our gate) of each repeat, phases
    in order of start."""
    groups: dict[str, dict[str, list[_Bar]]] = {}
    for o in document["operations"]:
        if o["warmup"] or o["exit"] != 0:
            continue
        for s in document["spans"]:
            if belongs(s, o):
                bars = groups.setdefault(o["name"], {}).setdefault(s["name"], [])
                seconds = s["stop_s"] - s["start_s"]
                bars.append((s["start_s"] - o["start_s"], seconds, seconds - s["gate_s"]))

    def starts(item: tuple[str, list[_Bar]]) -> float:
        return median(start for start, _, _ in item[1])

    return {name: dict(sorted(rows.items(), key=starts)) for name, rows in groups.items()}


def resources_svg(resources: Rows, start_ns: int, shape: Shape) -> str:
    """Memory of the system and the fill of each disk over the run. Empty without samples."""
    if not resources:
        return ""
    with styled(shape, "resources"):
        figure, axes = canvas(shape, [1.0, 1.2])
        seconds = [(row["t"] - start_ns) / 1e9 for row in resources]
        memory = [None if (rss := row.get("sut_rss")) is None else rss / 1e6 for row in resources]
        label = "memory of the system, MB"
        axes[0].plot(*points(seconds, memory), color=COLOURS["blue"], linewidth=1.2, label=label)
        disks = sorted({name for row in resources for name in row.get("disk_used") or ()})
        for number, name in enumerate(disks):
            used = [None if (v := (row.get("disk_used") or {}).get(name)) is None else v / 1e6 for row in resources]
            colour, line = (("fg", "-"), ("fault", "--"), ("violet", ":"), ("good", "-."))[number % 4]
            label = f"{shortened(name, shape)} disk, MB used"
            axes[1].plot(*points(seconds, used), line, color=COLOURS[colour], linewidth=1.2, label=label)
        for ax in axes:
            ax.set_ylim(bottom=0)
            if ax.lines:
                add_legend(ax, 2 if shape is WIDE else 1)
        axes[-1].set_xlabel("seconds since the run began")
        axes[-1].set_xlim(left=0)
        return to_svg(figure)


def campaign_svg(document: Document, shape: Shape) -> str:
    """Measured against claimed, as a share of the limit. Empty without a duration claim that has samples."""
    if not _limits(document):
        return ""
    with styled(shape, "campaign"):
        return to_svg(_campaign(document, shape))


def campaign_png(document: Document) -> bytes:
    with styled(WIDE, "campaign"):
        return to_png(_campaign(document, WIDE))


def _limits(document: Document) -> list[Mapping[str, Any]]:
    """Claims a picture can show: a duration with an upper limit, measured."""
    timed = (c for c in document["claims"] if c["unit"] == "s")
    return [c for c in timed if c["limit"] > 0 and c["min"] is not None]


def _campaign(document: Document, shape: Shape) -> Figure:
    claims = _limits(document)
    figure, axes = canvas(shape, [0.3 * max(1, len(claims)) + 0.5])
    ax = axes[0]
    for row, claim in enumerate(claims):
        low, high = (100 * claim[k] / claim["limit"] for k in ("min", "max"))
        colour = COLOURS["bad" if claim["outcome"] == "fail" else "phase-b"]
        ax.plot([low, high], [row, row], "-", color=colour, linewidth=5, solid_capstyle="butt")
        ax.plot([low, high], [row, row], "|", color=colour, markersize=10)
    ax.axvline(100, color=COLOURS["fg"], linewidth=1.2, linestyle="--")
    name_lanes(ax, [shortened(sentences.what(c), shape) for c in claims])
    ax.set_xscale("log")
    plain_ticks(ax.xaxis, " %")
    ax.set_xlabel(
        "measured, as a share of the claim"
        if shape is NARROW
        else "measured, shortest to longest, as a share of what is claimed"
    )
    return figure
