"""How every picture of a report is drawn: its shape, its style, and the parts they share. Same input, same bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from harness.report.documents.clean import one_line
from harness.report.html.theme import COLOURS, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Document = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


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
def styled(shape: Shape, salt: str) -> Iterator[None]:
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


def to_svg(figure: Figure) -> str:
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = BytesIO()
    FigureCanvasSVG(figure)
    # No date in it: the same result must give the same bytes.
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return themed(buffer.getvalue().decode())


def to_png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_facecolor("white")
    buffer = BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return buffer.getvalue()


def canvas(shape: Shape, heights: Sequence[float], *, share: bool = True) -> tuple[Figure, list[Axes]]:
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


def draw_bars(ax: Axes, bars: Sequence[tuple[float, float, float]], height: float, colour: str, **style: Any) -> None:
    """Bars of (row, start, seconds) as one object: a thousand of them one by one would take seconds."""
    from matplotlib.collections import PolyCollection

    half = height / 2
    corners = [((x, y - half), (x, y + half), (x + w, y + half), (x + w, y - half)) for y, x, w in bars]
    if corners:
        ax.add_collection(PolyCollection(corners, facecolors=COLOURS[colour], **style), autolim=False)


def shortened(text: str, shape: Shape) -> str:
    """Cleaned and cut. What the one font may lack becomes a question mark: matplotlib would warn, and guess."""
    return "".join(c if c.isascii() or c == "…" else "?" for c in one_line(text, shape.label_chars))


def points(seconds: Sequence[float], values: Sequence[float | None]) -> tuple[list[float], list[float]]:
    """nan where nothing was measured, so that the line has a gap there."""
    return list(seconds), [float("nan") if v is None else v for v in values]


def name_lanes(ax: Axes, names: Sequence[str]) -> None:
    ax.set_yticks(range(len(names)), labels=list(names))
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")


def add_legend(ax: Axes, columns: int, *others: Axes) -> None:
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


def plain_ticks(axis: Axis, unit: str) -> None:
    """Decades as plain numbers, without the small ticks between them."""
    from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}{unit}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_minor_locator(NullLocator())


def belongs(span: Mapping[str, Any], operation: Mapping[str, Any]) -> bool:
    """A span names its operation by id or, with the repeat beside it, by name; the time tells two of a name apart."""
    stop = operation["start_s"] + operation["seconds"] + operation["gate_s"]
    named = span["operation"] in (operation["id"], operation["name"])
    return named and operation["start_s"] - 0.001 <= span["start_s"] <= stop + 0.001


Draw = Callable[[Shape], str]


def both(draw: Draw) -> tuple[str, str] | None:
    """The picture for a wide page and for a phone, or None when there is nothing to draw."""
    wide = draw(WIDE)
    return (wide, draw(NARROW)) if wide else None
