"""The HTML page of a run and of a campaign: one file, readable from disk, without scripts and without network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import median
from typing import Any

import jinja2
from markupsafe import Markup

from harness.report.documents import discrimination, order, review, sentences
from harness.report.documents.clean import Tail, clean
from harness.report.documents.derived import derive
from harness.report.documents.numbers import NONE, quantity
from harness.report.documents.paths import lookup

Document = Mapping[str, Any]
Picture = tuple[str, str] | None
MOST_MEDIANS = 6


@dataclass(frozen=True, slots=True)
class Extras:
    """What a run page shows that is not in result.json: pictures, ends of files, resource peaks."""

    timeline: Picture = None
    strip: Picture = None
    waterfall: Picture = None
    resources: Picture = None
    peaks: Sequence[tuple[str, float, str]] = ()
    outputs: Sequence[Tail] = ()
    logs: Sequence[Tail] = ()
    more_logs: int = 0


class _Writer:
    """Puts values of one document into a page, each marked with where it came from."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def num(self, path: str, unit: str = "") -> Markup:
        text = quantity(lookup(self._document, path), unit)
        return Markup('<span class="n" data-path="{}">{}</span>').format(clean(path), text)

    def derived(self, name: str, unit: str = "") -> Markup:
        text = quantity(derive(self._document, name), unit)
        return Markup('<span class="n" data-derived="{}">{}</span>').format(name, text)

    def text(self, path: str) -> Markup:
        value = lookup(self._document, path)
        shown = NONE if value is None or value == "" else clean(_word(value))
        return Markup('<span data-path="{}">{}</span>').format(clean(path), shown)

    def value(self, path: str, unit: str = "") -> Markup:
        """A number as a number, anything else as text."""
        value = lookup(self._document, path)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return self.num(path, unit) if is_number else self.text(path)

    def say(self, sentence: sentences.Sentence) -> Markup:
        return Markup("").join(self._part(part) for part in sentence)

    def _part(self, part: str | sentences.Number | sentences.Text) -> Markup:
        if isinstance(part, str):
            return Markup("<span data-static>{}</span>").format(part)
        if isinstance(part, sentences.Text):
            return self.text(part.path)
        return self.derived(part.derived, part.unit) if part.derived else self.num(part.path, part.unit)


def _cleaned(value: Any) -> Any:
    """Whatever a template prints, names of fields included, has no control characters; escaping comes after this."""
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("harness.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_cleaned,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        sign=sentences.SIGN,
        what=sentences.what,
        outcomes=sentences.outcomes,
        fault_state=sentences.fault_state,
        rows_of=review.rows_of,
        not_the_system=order.not_the_system,
        matters=order.MATTERS,
    )
    environment.globals.update(figure=_figure, peak=quantity)
    return environment


def compile_templates() -> None:
    """Those of a run and of its campaign, of which each is compiled when it is first asked for otherwise."""
    for name in ("run.html", "campaign.html"):
        _environment().get_template(name)


def _figure(picture: Picture, caption: str) -> Markup:
    """Both drawings of a picture; the style sheet shows the one that fits the page."""
    if picture is None:
        return Markup("")
    wide, narrow = (Markup(svg) for svg in picture)  # drawn by us: the texts in it went through matplotlib's escaping
    return Markup(
        '<figure role="img" aria-label="{}"><div class="wide">{}</div><div class="narrow">{}</div>'
        "<figcaption>{}</figcaption></figure>"
    ).format(caption, wide, narrow, caption)


def run_page(document: Document, extras: Extras) -> str:
    writer = _Writer(document)
    return (
        _environment()
        .get_template("run.html")
        .render(
            d=document,
            w=writer,
            x=extras,
            headline=sentences.headline(document),
            downtime=sentences.downtime(document),
            groups=order.groups(document),
            passed=order.passed(document),
            first=order.first(document) if document["outcome"] != "pass" else None,
            claims=_claims(document),
            review=review.of(document),
        )
    )


def campaign_page(document: Document, picture: Picture) -> str:
    writer = _Writer(document)
    return (
        _environment()
        .get_template("campaign.html")
        .render(
            d=document,
            w=writer,
            picture=picture,
            headline=sentences.campaign_headline(document),
            claims=_claims(document),
            review=review.of(document),
            order=order.by_severity(document["runs"]),
            matrix=_matrix(document),
            extremes=_extremes,
        )
    )


def discrimination_page(document: Document) -> str:
    return (
        _environment()
        .get_template("discriminate.html")
        .render(
            d=document,
            w=_Writer(document),
            headline=discrimination.headline(document),
            tally=discrimination.tally,
            signs=discrimination.signs,
            marks=discrimination.MARKS,
            grid=discrimination.grid(document),
            order=discrimination.by_mark(document["flaws"]),
            odd=_odd(document),
        )
    )


def _odd(document: Document) -> list[int]:
    """Runs that are not as expected and stand below no flaw of their own: without a flaw, and with all of them."""
    runs = document["runs"]
    return [
        i
        for i in discrimination.by_mark(runs)
        if runs[i]["kind"] != "flaw" and runs[i]["expected"] and runs[i]["mark"] not in ("caught", "quiet", "not run")
    ]


def _claims(document: Document) -> list[tuple[int, Mapping[str, Any], Mapping[str, Any] | None]]:
    """(index, claim, the review's row), failing first."""
    claims = document["claims"]
    return [(i, claims[i], review.row_for(claims[i], document)) for i in order.by_severity(claims)]


@dataclass(frozen=True, slots=True)
class Tried:
    """A fault of a run in the matrix: where they stand in campaign.json, and what sets the moment apart."""

    run: int
    fault: int
    when: str
    state: str


def _matrix(document: Document) -> tuple[list[str], list[tuple[str, dict[str, list[Tried]]]]]:
    """Fault x phase: the phases, and for each fault what was tried in each of them."""
    cells: dict[str, dict[str, list[Tried]]] = {}
    for r, run in enumerate(document["runs"]):
        for f, fault in enumerate(run["faults"]):
            edge, *when = fault["at"].split()
            phase, _, event = edge.rpartition(".")
            detail = [word for word in (event, *when) if word not in ("start", "#1")]
            tried = Tried(r, f, " ".join(detail), "" if fault["state"] == "bit" else fault["state"])
            cells.setdefault(fault["name"], {}).setdefault(phase or edge, []).append(tried)
    return sorted({phase for row in cells.values() for phase in row}), sorted(cells.items())


def _extremes(values: Sequence[float]) -> tuple[int, int] | None:
    """Where the least and the most of many values stand; None when there are few enough to show all."""
    if len(values) <= MOST_MEDIANS:
        return None
    order = sorted(range(len(values)), key=values.__getitem__)
    return order[0], order[-1]


def peaks(resources: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, str]]:
    """(what, how much, unit): the extremes of resources.jsonl a reader asks for first."""
    found: list[tuple[str, float, str]] = []

    def column(key: str) -> list[float]:
        return [row[key] for row in resources if row.get(key) is not None]

    for key, label, unit in (
        ("cpu_percent", "host CPU, median", "%"),
        ("load_cpu_percent", "load generator CPU, median", "%"),
        ("prober_cpu_percent", "prober CPU, median", "%"),
    ):
        if values := column(key):
            found.append((label, median(values), unit))
    if values := column("mem_available"):
        found.append(("memory available, least", min(values), "bytes"))
    if values := column("sut_rss"):
        found.append(("memory of the system, most", max(values), "bytes"))
    for name in sorted({name for row in resources for name in row.get("disk_used") or ()}):
        used = [row["disk_used"][name] for row in resources if name in (row.get("disk_used") or {})]
        found.append((f"{name} disk used, most", max(used), "bytes"))
    return found
