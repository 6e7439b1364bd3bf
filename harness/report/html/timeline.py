"""The timeline of a run: latency, errors, operations with their phases, faults, and the host, on one clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from harness.report.documents import sentences
from harness.report.documents.derived import operated_seconds
from harness.report.html.drawing import (
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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def is_empty(document: Document) -> bool:
    """Whether the run got nowhere: axes without anything on them would look like calm."""
    return not document["operations"] and not (document["load"].get("series") or {}).get("second")


def timeline_svg(document: Document, resources: Rows, start_ns: int, shape: Shape) -> str:
    if is_empty(document):
        return ""
    with styled(shape, "timeline"):
        return to_svg(_timeline(document, resources, start_ns, shape))


def timeline_png(document: Document, resources: Rows, start_ns: int) -> bytes:
    with styled(WIDE, "timeline"):
        return to_png(_timeline(document, resources, start_ns, WIDE))


def _timeline(document: Document, resources: Rows, start_ns: int, shape: Shape) -> Figure:
    names = list(dict.fromkeys(o["name"] for o in document["operations"]))
    faults = document["faults"]
    lanes = len(names) + len(faults)
    heights = [1.9, 1.1, max(0.5, 0.24 * lanes + 0.2)] + ([1.0] if resources else [])
    figure, axes = canvas(shape, heights)
    series = document["load"].get("series") or {}
    _latency(axes[0], series)
    _errors(axes[1], series)
    _operations_and_faults(axes[2], document, names, shape)
    if resources:
        _host_cpu(axes[3], resources, start_ns)
    axes[-1].set_xlabel("seconds since the run began")
    axes[-1].set_xlim(0, max(operated_seconds(document) or 0.0, *series.get("second", ()), 1.0))
    return figure


def _latency(ax: Axes, series: Mapping[str, Any]) -> None:
    ax.set_yscale("log")
    ax.set_ylabel("latency, ms")
    for name, colour, line in (("p50_ms", "blue", "-"), ("p99_ms", "violet", "--")):
        x, y = points(series.get("second", ()), series.get(name, ()))
        ax.plot(x, y, line, color=COLOURS[colour], linewidth=1.3, label=f"{name[:3]}, each second")
    values = [v for key in ("p50_ms", "p99_ms") for v in series.get(key, ()) if v]
    # Whole decades, so that the axis always has numbers.
    ax.set_ylim(10 ** floor(log10(min(values, default=1.0))), 10 ** ceil(log10(max(values, default=1000.0) * 1.05)))
    plain_ticks(ax.yaxis, "")
    add_legend(ax, 2)


def _errors(ax: Axes, series: Mapping[str, Any]) -> None:
    x, y = points(series.get("second", ()), series.get("errors_pct", ()))
    ax.fill_between(x, y, step="mid", color=COLOURS["bad"], alpha=0.35, linewidth=0)
    ax.step(x, y, where="mid", color=COLOURS["bad"], linewidth=1.1, label="errors (left)")
    ax.set_ylabel("errors, %")
    ax.set_ylim(0, max([5.0, *(v * 1.1 for v in y if v == v)]))
    rates = ax.twinx()
    x, y = points(series.get("second", ()), series.get("rps", ()))
    rates.plot(x, y, ":", color=COLOURS["muted"], linewidth=1.2, label="requests/s (right)")
    rates.set_ylim(0, 1.15 * max((v for v in y if v == v), default=1.0) or 1.0)
    rates.grid(False)
    add_legend(ax, 2, rates)


def _operations_and_faults(ax: Axes, document: Document, names: Sequence[str], shape: Shape) -> None:
    light: list[tuple[float, float, float]] = []
    dark: list[tuple[float, float, float]] = []
    bad: list[tuple[float, float, float]] = []
    for o in document["operations"]:
        width, row = o["seconds"] + o["gate_s"], names.index(o["name"])
        (bad if sentences.ended_badly(o) else light).append((row, o["start_s"], width))
        spans = sorted((s for s in document["spans"] if belongs(s, o)), key=lambda s: float(s["start_s"]))
        dark += [(row, s["start_s"], s["stop_s"] - s["start_s"]) for s in spans[1::2]]
        if sentences.ended_badly(o):
            ax.text(o["start_s"] + width, row, " ✕", va="center", color=COLOURS["bad"])
    draw_bars(ax, light, 0.62, "phase-a")
    draw_bars(ax, bad, 0.62, "phase-a", edgecolors=COLOURS["bad"], linewidths=1.2)
    draw_bars(ax, dark, 0.62, "phase-b")
    end = operated_seconds(document) or 0.0
    labels = [shortened(name, shape) for name in names]
    for number, fault in enumerate(document["faults"]):
        alone = sum(1 for f in document["faults"] if f["name"] == fault["name"]) == 1
        labels.append(shortened(fault["name"] if alone else fault["id"], shape))
        _fault_bar(ax, fault, len(names) + number, end)
    name_lanes(ax, labels)


def _fault_bar(ax: Axes, fault: Mapping[str, Any], row: int, end: float) -> None:
    if fault["injected_s"] is None:
        ax.text(0, row, " never fired", va="center", color=COLOURS["muted"])
        return
    if fault["confirmed_s"] is None:
        ax.plot(fault["injected_s"], row, "x", color=COLOURS["fault"])
        ax.text(fault["injected_s"], row, "  not confirmed", va="center", color=COLOURS["muted"])
        return
    stop = fault["healed_s"] if fault["healed_s"] is not None else max(end, fault["confirmed_s"])
    width = max(stop - fault["confirmed_s"], end * 0.002)
    draw_bars(
        ax, [(row, fault["confirmed_s"], width)], 0.62, "fault", hatch="////", edgecolors=COLOURS["fg"], linewidths=0
    )
    if fault["healed_s"] is None:
        ax.text(stop, row, "not healed ", va="center", ha="right", color=COLOURS["fg"])


def _host_cpu(ax: Axes, resources: Rows, start_ns: int) -> None:
    seconds = [(row["t"] - start_ns) / 1e9 for row in resources]
    for key, label, colour, line in (
        ("cpu_percent", "host", "fg", "-"),
        ("load_cpu_percent", "load", "violet", "--"),
        ("prober_cpu_percent", "prober", "blue", ":"),
    ):
        values = [row.get(key) for row in resources]
        if any(v is not None for v in values):
            ax.plot(*points(seconds, values), line, color=COLOURS[colour], linewidth=1.1, label=label)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("CPU, %")
    add_legend(ax, 3)
