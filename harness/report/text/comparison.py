"""The words of a comparison, and the comparison in 80 columns of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.documents import sentences
from harness.report.documents.clean import one_line
from harness.report.documents.numbers import NONE, number, plain, quantity

Document = Mapping[str, Any]
SIGN = {"worse": "✕", "unknown": "?", "better": "✓", "same": "="}
_STYLE = {"worse": "bold red", "unknown": "bold yellow", "better": "bold green", "same": "dim"}
_ORDER = tuple(SIGN)
NOTE = (
    "differs: by more than the values of each scatter, at 95 % for all timings together. Rounds of one run share its "
    "hour and its host: only several runs of each tell one version from another for good."
)


def headline(d: Document) -> str:
    lead = {"fail": "Worse", "unknown": "Cannot be told", "pass": "Nothing is worse"}[d["outcome"]]
    counted = ", ".join(f"{d[change]} {change}" for change in _ORDER if d[change])
    alone = len(d["only_in_a"]) + len(d["only_in_b"])
    cells = f"{len(d['cells'])} cell{'' if len(d['cells']) == 1 else 's'}"
    return f"{lead}: of {cells} in both, {counted}{f'; {alone} in only one of them' if alone else ''}"


def unlike(d: Document) -> Iterator[str]:
    """Each condition that was not the same, in a sentence."""
    for u in d["unlike"]:
        where = "" if len(u["cells"]) == len(d["cells"]) else f" (in {', '.join(u['cells'][:3])}"
        where += f" and {len(u['cells']) - 3} more" if where and len(u["cells"]) > 3 else ""
        said = f"{u['a']} in A, {u['b']} in B" if u["a"] else u["b"]
        yield one_line(f"{u['what']}: {said}{where}{')' if where else ''}", 400)


def by_change(d: Document) -> list[Mapping[str, Any]]:
    return sorted(d["cells"], key=lambda c: _ORDER.index(c["change"]))


def passed(side: Mapping[str, Any]) -> str:
    return f"{sentences.SIGN[side['outcome']]} {side['outcome']} {side['checks_passed']}/{side['checks']}"


def measured(side: Mapping[str, Any], unit: str) -> tuple[str, str]:
    """``1.23 s`` and ``1.1 to 1.4, n = 10``."""
    if not side["n"]:
        return NONE, "not measured"
    between = f"{number(side['min'])} to {number(side['max'])}, " if side["n"] > 1 and side["min"] is not None else ""
    return plain(quantity(side["median"], unit)), plain(f"{between}n = {side['n']}")


def limits(claim: Mapping[str, Any]) -> str:
    limits = [plain(quantity(claim[side]["limit"], claim[side]["unit"])) for side in ("a", "b")]
    return f"<= {limits[0] if limits[0] == limits[1] else f'{limits[0]}, now {limits[1]}'}"


def alone(d: Document) -> Iterator[str]:
    for side in ("a", "b"):
        for c in d[f"only_in_{side}"]:
            yield one_line(f"only in {side.upper()}: {c['cell']} ({c['outcome']})")


# -- terminal ------------------------------------------------------------------------------------------------------
def render_comparison(d: Document) -> RenderableType:
    parts: list[RenderableType] = [Text(headline(d), style="bold")]
    parts += [
        Text(one_line(f"{s.upper()}  {d[s]['folder']}  ({d[s]['outcome']}, {d[s]['started_utc'] or 'no date'})"))
        for s in ("a", "b")
    ]
    parts += [Text(f"not like for like: {said}", style="yellow") for said in unlike(d)]
    parts += [Text(said, style="yellow") for said in alone(d)]
    cells = _grid("", "cell", "A", "B")
    for c in by_change(d):
        change = Text(f"{SIGN[c['change']]} {c['change']}", style=_STYLE[c["change"]], no_wrap=True)
        cells.add_row(change, Text(one_line(c["cell"])), Text(passed(c["a"])), Text(passed(c["b"])))
    parts += [Text(), cells]
    for c in by_change(d):
        for check in c["checks"]:
            lead = f"{one_line(c['cell'])}: {check['a'] or 'not judged'} -> {check['b']}: {one_line(check['about'])}"
            parts += [Text(), Text(lead), Padding(Text(one_line(check["why"], 400)), (0, 0, 0, 4))]
        parts += _tables(c)
    if any(c["timings"] for c in d["cells"]):
        parts += [Text(), Text(NOTE, style="dim")]
    return Group(*parts)


def _tables(c: Mapping[str, Any]) -> list[RenderableType]:
    parts: list[RenderableType] = []
    if c["claims"]:
        claims = _grid(f"claims of {one_line(c['cell'])}", "limit", "A", "B", "")
        for k in c["claims"]:
            a, b = ("\n".join(measured(k[side], k[side]["unit"])) for side in ("a", "b"))
            said = f"{k['a']['outcome']} -> {k['b']['outcome']}"
            claims.add_row(Text(sentences.what(k)), Text(limits(k)), Text(a), Text(b), Text(said))
        parts += [Text(), claims]
    if c["timings"]:
        timings = _grid(f"timings of {one_line(c['cell'])}", "A", "B", ">B/A", "")
        for t in c["timings"]:
            a, b = ("\n".join(measured(t[side], t["unit"])) for side in ("a", "b"))
            timings.add_row(Text(one_line(t["name"])), Text(a), Text(b), Text(number(t["ratio"])), Text(t["says"]))
        parts += [Text(), timings]
    return parts


def _grid(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in columns:
        made.add_column(Text(name.lstrip(">")), justify="right" if name.startswith(">") else "left", overflow="fold")
    return made
