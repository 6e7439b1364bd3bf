"""The pictures of a run: timeline, downtime strip, phase waterfall, resources. Same input, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil, floor, log10
from statistics import median
from typing import TYPE_CHECKING, Any

from harness.report import words
from harness.report.clean import one_line
from harness.report.derived import run_seconds
from harness.report.numbers import plain, quantity
from harness.report.theme import COLOURS, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Document = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]
CHANNELS = ("read_fresh", "read_reused", "write")


@dataclass(frozen=True, slots=True)
class Shape:
    """How wide a picture is drawn: one for a wide page, one a phone can show without shrinking its text."""

    name: str
    width_in: float
    left_in: float
    right_in: float
    font_pt: float
    label_chars: int


WIDE = Shape("wide", 11.0, 1.45, 0.5, 9.0, 22)
NARROW = Shape("narrow", 4.4, 0.98, 0.42, 8.5, 13)


@contextmanager
def _style(shape: Shape, salt: str) -> Iterator[None]:
    import matplotlib

    fg, muted = COLOURS["fg"], COLOURS["muted"]
    with matplotlib.rc_context(
        {
            "svg.hashsalt": f"{salt}-{shape.name}",
            "svg.fonttype": "none",  # text stays text: small, selectable, in the reader's own font
            "font.family": ["DejaVu Sans"],  # ships with matplotlib: the same picture on every host
            "font.size": shape.font_pt,
            "text.parse_math": False,  # a name with a dollar in it is not a formula
            "text.color": fg,
            "axes.labelcolor": muted,
            "axes.edgecolor": COLOURS["grid"],
            "axes.titlesize": shape.font_pt,
            "axes.titlelocation": "left",
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "grid.color": COLOURS["grid"],
            "grid.linewidth": 0.6,
            "xtick.color": muted,
            "ytick.color": muted,
            "xtick.labelcolor": muted,
            "ytick.labelcolor": fg,
            "legend.frameon": False,
            "legend.fontsize": shape.font_pt,
            "hatch.linewidth": 0.6,
            "hatch.color": fg,
        }
    ):
        yield


def _svg(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = BytesIO()
    FigureCanvasSVG(figure)
    # No date in it: the same result must give the same bytes.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return themed(buffer.getvalue().decode())


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_facecolor("white")
    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def _figure(shape: Shape, heights: Sequence[float], *, share: bool = True) -> tuple[Figure, list[Axes]]:
    """Axes of these heights in inches, one below the other. Placed by hand: matplotlib's own layout takes half of all
    the time of a report."""
    from matplotlib.figure import Figure

    top, gap, bottom = 0.28, 0.34 if share else 0.52, 0.45
    total = top + sum(heights) + gap * (len(heights) - 1) + bottom
    figure = Figure(figsize=(shape.width_in, total), facecolor="none")
    axes: list[Axes] = []
    y = total - top
    width = shape.width_in - shape.left_in - shape.right_in
    for height in heights:
        box = (shape.left_in / shape.width_in, (y - height) / total, width / shape.width_in, height / total)
        ax = figure.add_axes(box, sharex=axes[0] if share and axes else None, facecolor="none")
        axes.append(ax)
        y -= height + gap
    if share:
        for ax in axes[:-1]:
            ax.tick_params(axis="x", labelbottom=False)
    return figure, axes


def _bars(ax: Axes, bars: Sequence[tuple[float, float, float]], height: float, colour: str, **style: Any) -> None:
    """Bars of (row, start, seconds) as one object: a thousand of them one by one would take seconds."""
    from matplotlib.collections import PolyCollection

    half = height / 2
    corners = [((x, y - half), (x, y + half), (x + w, y + half), (x + w, y - half)) for y, x, w in bars]
    if corners:
        ax.add_collection(PolyCollection(corners, facecolors=COLOURS[colour], **style), autolim=False)


def _label(text: str, shape: Shape) -> str:
    """Cleaned and cut. What the one font may lack becomes a question mark: matplotlib would warn, and guess."""
    return "".join(c if c.isascii() or c == "…" else "?" for c in one_line(text, shape.label_chars))


def _points(seconds: Sequence[float], values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """nan where nothing was measured, so that the line has a gap there."""
    return list(seconds), [float("nan") if v is None else v for v in values]


def _lanes(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), labels=list(names))
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")


def _legend(ax: Axes, columns: int, *others: Axes) -> None:
    """Above the axes, so that it never covers a curve."""
    handles = [handle for each in (ax, *others) for handle in each.get_legend_handles_labels()[0]]
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 0.98),
        ncols=columns,
        borderaxespad=0,
        handlelength=1.4,
        columnspacing=1.2,
    )


# -- timeline ----------------------------------------------------------------------------------------------------


def is_empty(document: Document) -> bool:
    """Whether the run got nowhere: axes without anything on them would look like calm."""
    return not document["operations"] and not (document["load"].get("series") or {}).get("second")


def timeline_svg(document: Document, resources: Rows, start_ns: int, shape: Shape) -> str:
    if is_empty(document):
        return ""
    with _style(shape, "timeline"):
        return _svg(_timeline(document, resources, start_ns, shape))


def timeline_png(document: Document, resources: Rows, start_ns: int) -> bytes:
    with _style(WIDE, "timeline"):
        return _png(_timeline(document, resources, start_ns, WIDE))


def _timeline(document: Document, resources: Rows, start_ns: int, shape: Shape) -> Figure:
    names = list(dict.fromkeys(o["name"] for o in document["operations"]))
    faults = document["faults"]
    lanes = len(names) + len(faults)
    heights = [1.9, 1.1, max(0.5, 0.24 * lanes + 0.2)] + ([1.0] if resources else [])
    figure, axes = _figure(shape, heights)
    series = document["load"].get("series") or {}
    _latency(axes[0], series)
    _errors(axes[1], series)
    _operations_and_faults(axes[2], document, names, shape)
    if resources:
        _host_cpu(axes[3], resources, start_ns)
    axes[-1].set_xlabel("seconds since the run began")
    axes[-1].set_xlim(0, max(run_seconds(document) or 0.0, *series.get("second", ()), 1.0))
    return figure


def _latency(ax: Axes, series: Mapping[str, Any]) -> None:
    ax.set_yscale("log")
    ax.set_ylabel("latency, ms")
    for name, colour, line in (("p50_ms", "blue", "-"), ("p99_ms", "violet", "--")):
        x, y = _points(series.get("second", ()), series.get(name, ()))
        ax.plot(x, y, line, color=COLOURS[colour], linewidth=1.3, label=f"{name[:3]}, each second")
    values = [v for key in ("p50_ms", "p99_ms") for v in series.get(key, ()) if v]
    # Whole decades, so that the axis always has numbers.
    ax.set_ylim(10 ** floor(log10(min(values, default=1.0))), 10 ** ceil(log10(max(values, default=1000.0) * 1.05)))
    _plain_ticks(ax.yaxis, "")
    _legend(ax, 2)


def _plain_ticks(axis: Axis, unit: str) -> None:
    """Decades as plain numbers, without the small ticks between them."""
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{unit}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())


def _errors(ax: Axes, series: Mapping[str, Any]) -> None:
    x, y = _points(series.get("second", ()), series.get("errors_pct", ()))
    ax.fill_between(x, y, step="mid", color=COLOURS["bad"], alpha=0.35, linewidth=0)
    ax.step(x, y, where="mid", color=COLOURS["bad"], linewidth=1.1, label="errors (left)")
    ax.set_ylabel("errors, %")
    ax.set_ylim(0, max([5.0, *(v * 1.1 for v in y if v == v)]))
    rates = ax.twinx()
    x, y = _points(series.get("second", ()), series.get("rps", ()))
    rates.plot(x, y, ":", color=COLOURS["muted"], linewidth=1.2, label="requests/s (right)")
    rates.set_ylim(0, 1.15 * max((v for v in y if v == v), default=1.0) or 1.0)
    rates.grid(False)
    _legend(ax, 2, rates)


def _operations_and_faults(ax: Axes, document: Document, names: Sequence[str], shape: Shape) -> None:
    light: list[tuple[float, float, float]] = []
    dark: list[tuple[float, float, float]] = []
    bad: list[tuple[float, float, float]] = []
    for o in document["operations"]:
        width, row = o["seconds"] + o["gate_s"], names.index(o["name"])
        (bad if words.ended_badly(o) else light).append((row, o["start_s"], width))
        spans = sorted((s for s in document["spans"] if _belongs(s, o)), key=lambda s: float(s["start_s"]))
        dark += [(row, s["start_s"], s["stop_s"] - s["start_s"]) for s in spans[1::2]]
        if words.ended_badly(o):
            ax.text(o["start_s"] + width, row, " ✕", va="center", color=COLOURS["bad"])
    _bars(ax, light, 0.62, "phase-a")
    _bars(ax, bad, 0.62, "phase-a", edgecolors=COLOURS["bad"], linewidths=1.2)
    _bars(ax, dark, 0.62, "phase-b")
    end = run_seconds(document) or 0.0
    labels = [_label(name, shape) for name in names]
    for number, fault in enumerate(document["faults"]):
        alone = sum(1 for f in document["faults"] if f["name"] == fault["name"]) == 1
        labels.append(_label(fault["name"] if alone else fault["id"], shape))
        _fault_bar(ax, fault, len(names) + number, end)
    _lanes(ax, labels)


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
    _bars(ax, [(row, fault["confirmed_s"], width)], 0.62, "fault", hatch="////", edgecolors=COLOURS["fg"], linewidths=0)
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
            ax.plot(*_points(seconds, values), line, color=COLOURS[colour], linewidth=1.1, label=label)
    ax.set_ylim(bottom=0)
    ax.set_ylabel("CPU, %")
    _legend(ax, 3)


def _belongs(span: Mapping[str, Any], operation: Mapping[str, Any]) -> bool:
    """A span names its operation by id or, with the repeat beside it, by name; the time tells two of a name apart."""
    stop = operation["start_s"] + operation["seconds"] + operation["gate_s"]
    named = span["operation"] in (operation["id"], operation["name"])
    return named and operation["start_s"] - 0.001 <= span["start_s"] <= stop + 0.001


# -- downtime strip ------------------------------------------------------------------------------------------------


def strip_svg(document: Document, shape: Shape) -> str:
    if not (document["load"].get("probe") or {}).get("n"):
        return ""  # a line that says good needs a probe behind it
    with _style(shape, "strip"):
        outages = document["outages"]
        channels = list(dict.fromkeys([*CHANNELS, *(o["channel"] for o in outages)]))
        figure, axes = _figure(shape, [0.3 * len(channels) + 0.35])
        ax = axes[0]
        end = max(run_seconds(document) or 0.0, *(o["stop_s"] for o in outages), 1.0)
        middle, height = (len(channels) - 1.3) / 2, len(channels) + 0.4
        shaded = [(middle, o["start_s"], o["seconds"] + o["gate_s"]) for o in document["operations"]]
        _bars(ax, shaded, height, "band")
        for row in range(len(channels)):
            ax.plot([0, end], [row, row], color=COLOURS["good"], linewidth=1.6)
        # No thinner than a pixel or two: an outage that cannot be seen would read as none.
        thinnest = end * (0.003 if shape is WIDE else 0.007)
        bad = [(channels.index(o["channel"]), o["start_s"], max(o["stop_s"] - o["start_s"], thinnest)) for o in outages]
        _bars(ax, bad, 0.66, "bad", zorder=3)
        for o in sorted(outages, key=lambda o: -float(o["seconds"]))[: 3 if shape is WIDE else 1]:
            side = "right" if o["start_s"] > end * 0.7 else "left"
            x = o["start_s"] if side == "right" else max(o["stop_s"], o["start_s"] + thinnest)
            text = f" {plain(quantity(o['seconds'], 's'))} "
            ax.text(x, channels.index(o["channel"]) - 0.08, text, va="bottom", ha=side, color=COLOURS["fg"])
        _lanes(ax, [_label(c.replace("_", " "), shape) for c in channels])
        ax.set_ylim(len(channels) - 0.45, -0.85)
        ax.set_xlim(0, end)
        ax.set_xlabel("seconds since the run began")
        return _svg(figure)


# -- waterfall -----------------------------------------------------------------------------------------------------


def waterfall_svg(document: Document, shape: Shape) -> str:
    """One row a phase, one bar a measured repeat; x from the start of its operation. Empty without phases."""
    groups = _phases(document)
    if not groups:
        return ""
    with _style(shape, "waterfall"):
        thick = max(0.2, 0.07 * max(len(bars) for rows in groups.values() for bars in rows.values()))
        heights = [thick * len(rows) + 0.5 for rows in groups.values()]
        figure, axes = _figure(shape, heights, share=False)
        for ax, (operation, rows) in zip(axes, groups.items(), strict=True):
            for row, bars in enumerate(rows.values()):
                each = 0.8 / len(bars)
                placed = [
                    (row - 0.4 + each * (number + 0.5), start, max(seconds, 0.0))
                    for number, (start, seconds) in enumerate(bars)
                ]
                _bars(ax, placed, each * 0.86, "phase-b" if row % 2 else "phase-a")
                end = max(start + seconds for start, seconds in bars)
                text = f" {plain(quantity(median(seconds for _, seconds in bars), 's'))}"
                ax.text(end, row, text, va="center", color=COLOURS["fg"])
            _lanes(ax, [_label(name.removeprefix(f"{operation}."), shape) for name in rows])
            ax.set_title(_label(operation, WIDE), fontweight="bold")
            longest = max(start + seconds for bars in rows.values() for start, seconds in bars)
            ax.set_xlim(0, 1.12 * longest or 1.0)  # room for the number beside the last bar
        axes[-1].set_xlabel("seconds since the operation began")
        return _svg(figure)


def _phases(document: Document) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """operation name -> phase -> (start within the operation, seconds) of each repeat, phases in order of start."""
    groups: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for o in document["operations"]:
        if o["warmup"] or o["exit"] != 0:
            continue
        for s in document["spans"]:
            if _belongs(s, o):
                bars = groups.setdefault(o["name"], {}).setdefault(s["name"], [])
                bars.append((s["start_s"] - o["start_s"], s["stop_s"] - s["start_s"]))

    def starts(item: tuple[str, list[tuple[float, float]]]) -> float:
        return median(start for start, _ in item[1])

    return {name: dict(sorted(rows.items(), key=starts)) for name, rows in groups.items()}


# -- resources -----------------------------------------------------------------------------------------------------


def resources_svg(resources: Rows, start_ns: int, shape: Shape) -> str:
    """Memory of the system and the fill of each disk over the run. Empty without samples."""
    if not resources:
        return ""
    with _style(shape, "resources"):
        figure, axes = _figure(shape, [1.0, 1.2])
        seconds = [(row["t"] - start_ns) / 1e9 for row in resources]
        memory = [None if (rss := row.get("sut_rss")) is None else rss / 2**20 for row in resources]
        label = "memory of the system, MiB"
        axes[0].plot(*_points(seconds, memory), color=COLOURS["blue"], linewidth=1.2, label=label)
        disks = sorted({name for row in resources for name in row.get("disk_used") or ()})
        for number, name in enumerate(disks):
            used = [None if (v := (row.get("disk_used") or {}).get(name)) is None else v / 2**20 for row in resources]
            colour, line = (("fg", "-"), ("fault", "--"), ("violet", ":"), ("good", "-."))[number % 4]
            label = f"{_label(name, shape)} disk, MiB used"
            axes[1].plot(*_points(seconds, used), line, color=COLOURS[colour], linewidth=1.2, label=label)
        for ax in axes:
            ax.set_ylim(bottom=0)
            if ax.lines:
                _legend(ax, 2 if shape is WIDE else 1)
        axes[-1].set_xlabel("seconds since the run began")
        axes[-1].set_xlim(left=0)
        return _svg(figure)


# -- campaign ------------------------------------------------------------------------------------------------------


def campaign_svg(document: Document, shape: Shape) -> str:
    """Measured against claimed, as a share of the limit. Empty without a duration claim that has samples."""
    if not _limits(document):
        return ""
    with _style(shape, "campaign"):
        return _svg(_campaign(document, shape))


def campaign_png(document: Document) -> bytes:
    with _style(WIDE, "campaign"):
        return _png(_campaign(document, WIDE))


def _limits(document: Document) -> list[Mapping[str, Any]]:
    """Claims a picture can show: a duration with an upper limit, measured."""
    timed = (c for c in document["claims"] if c["unit"] == "s" and c["op"] == "<=")
    return [c for c in timed if c["limit"] > 0 and c["min"] is not None]


def _campaign(document: Document, shape: Shape) -> Figure:
    claims = _limits(document)
    figure, axes = _figure(shape, [0.3 * max(1, len(claims)) + 0.5])
    ax = axes[0]
    for row, claim in enumerate(claims):
        low, high = (100 * claim[k] / claim["limit"] for k in ("min", "max"))
        colour = COLOURS["bad" if claim["outcome"] == "fail" else "phase-b"]
        ax.plot([low, high], [row, row], "-", color=colour, linewidth=5, solid_capstyle="butt")
        ax.plot([low, high], [row, row], "|", color=colour, markersize=10)
    ax.axvline(100, color=COLOURS["fg"], linewidth=1.2, linestyle="--")
    _lanes(ax, [_label(words.what(c), shape) for c in claims])
    ax.set_xscale("log")
    _plain_ticks(ax.xaxis, " %")
    ax.set_xlabel(
        "measured, as a share of the claim"
        if shape is NARROW
        else "measured, shortest to longest, as a share of what is claimed"
    )
    return figure


Draw = Callable[[Shape], str]


def both(draw: Draw) -> tuple[str, str] | None:
    """The picture for a wide page and for a phone, or None when there is nothing to draw."""
    wide = draw(WIDE)
    return (wide, draw(NARROW)) if wide else None
