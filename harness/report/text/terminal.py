"""What a person reads on stdout: a summary of a run or a campaign in 80 columns, and the closing line."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.model import Outcome, Result
from harness.report.documents import discrimination, order, review, sentences
from harness.report.documents.campaign import of_cells, warnings
from harness.report.documents.clean import one_line
from harness.report.documents.derived import run_seconds
from harness.report.documents.numbers import NONE, plain, quantity
from harness.report.documents.result import to_document

Document = Mapping[str, Any]
COLUMNS = 80
_SHORT_UNIT = 2
_STYLE = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow", "note": "bold"}
_INDENT = 4
# Of findings that differ in their numbers alone; the page has all.
_MOST_SENTENCES = 4


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Nobody reads any more. rich would end the program with 1, which says that something failed."""
        raise


def console(file: IO[str] | None = None) -> Console:
    """As wide as the terminal, at most 100; 80 columns into a file or pipe. rich obeys NO_COLOR itself."""
    file = file or sys.stdout
    made = _Console(file=file, highlight=False, markup=False, emoji=False)
    made.width = min(made.width, 100) if file.isatty() else COLUMNS
    return made


def _outcome(outcome: str) -> Text:
    return Text(f"{sentences.SIGN[outcome]} {outcome}", style=_STYLE[outcome], no_wrap=True)


def _text(value: object, limit: int = 600) -> Text:
    return Text(one_line("" if value is None else str(value), limit))


def _number(value: float | None, unit: str = "") -> Text:
    return Text(plain(quantity(value, unit)), no_wrap=True)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", expand=False)
    for name in columns:
        table.add_column(name.lstrip(">"), justify="right" if name.startswith(">") else "left", overflow="fold")
    return table


def render_run(result: Result) -> RenderableType:
    """A passing check is counted, not listed: what needs reading is what did not pass."""
    d = to_document(result)
    title = one_line(f"{d['scenario']} {d['cell']} on {d['system']}, seed {d['seed']}")
    parts: list[RenderableType] = [
        Text.assemble(_outcome(d["outcome"]), f"  {title}"),
        _text(sentences.said(sentences.headline(d), d)),
        Text(sentences.said(sentences.downtime(d), d) + "."),
    ]
    parts += _notes(d["waived"], [str(w) for w in d["warnings"]])
    parts += _findings(d)
    if d["claims"]:
        parts += [Text(), _claims(d["claims"], d)]
    if d["faults"]:
        parts += [Text(), _faults(d["faults"])]
    if d["reproduce"] and d["outcome"] != "pass":
        parts += [Text(), Text("again: " + one_line(d["reproduce"]))]
    return Group(*parts)


def _notes(waived: Sequence[Mapping[str, Any]], warnings: Sequence[str]) -> list[RenderableType]:
    lines = [
        f"waived, not a pass: {w.get('name')}: {w.get('reason')} "
        f"({'expired' if w.get('expired') else 'until'} {w.get('until')})"
        for w in waived
    ]
    lines += [f"warning: {w}" for w in warnings]
    return [Text(one_line(line, 600), style="yellow") for line in lines]


def _findings(d: Document) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for group in order.groups(d):
        parts += [Text(), *([Text(group.heading, style="bold")] if group.heading else [])]
        parts += _blocks(d, group.blocks, set())
    bad = sum(1 for f in d["findings"] if f["outcome"] != "pass")
    if passed := len(order.passed(d)):
        counted = f"{passed} {'other ' if bad else ''}check{'s' if passed > 1 else ''}"
        parts += [Text(), Text.assemble(_outcome("pass"), f"  {counted}")]
    return parts


def _blocks(d: Document, blocks: Sequence[order.Block], hinted: set[str]) -> list[RenderableType]:
    """Title and code, each sentence, and what to try; ``hinted`` are the hints that were given before."""
    parts: list[RenderableType] = []
    for block in blocks:
        left = _INDENT * block.depth
        if block.fault is not None:
            fault = d["faults"][block.fault]
            parts.append(Text(one_line(f"due to {fault['name']} at {fault['at']} ({fault['id']}):")))
            continue
        findings = [d["findings"][i] for i in block.indices]
        head = findings[0]
        title = Text.assemble(_outcome(head["outcome"]), f"  {one_line(head['title'])}", (_in_brackets(head, d), "dim"))
        parts.append(Padding(title, (0, 0, 0, left)))
        said = list(dict.fromkeys(one_line(f["sentence"], 600) for f in findings))
        lines = [line for line in said[:_MOST_SENTENCES] if line != one_line(head["title"])]
        lines += [f"and {len(said) - _MOST_SENTENCES} more like it"] if len(said) > _MOST_SENTENCES else []
        if head["hint"] and head["hint"] not in hinted:
            hinted.add(head["hint"])
            lines.append(f"try: {one_line(head['hint'])}")
        parts += [Padding(Text(line), (0, 0, 0, left + _INDENT)) for line in lines]
    return parts


def _in_brackets(finding: Mapping[str, Any], d: Document) -> str:
    rows = ", ".join(review.rows_of(finding, d))
    return f"  [{finding['code']}]" * bool(finding["code"]) + f" ({rows})" * bool(rows)


def _claims(claims: Sequence[Mapping[str, Any]], d: Document) -> Table:
    table = _table("", "claim", "limit", ">median", ">least", ">most", ">n")
    for i in order.by_severity(claims):
        c = claims[i]
        # 80 columns are too few for "1 297 requests" three times over; the limit beside it says of what.
        unit = c["unit"] if len(c["unit"]) <= _SHORT_UNIT else ""
        table.add_row(
            _outcome(c["outcome"]),
            Text(sentences.what(c)),
            Text(sentences.said(sentences.limit(f"claims.{i}", c), d)),
            *(_number(c[k], unit) for k in ("median", "min", "max")),
            _number(c["n"]),
        )
    return table


def _faults(faults: Sequence[Mapping[str, Any]]) -> Table:
    table = _table("fault", "at", ">confirmed", ">healed", "did it bite")
    for f in faults:
        table.add_row(
            _text(f["name"]),
            _text(f["at"]),
            _number(f["confirmed_s"], "s"),
            _number(f["healed_s"], "s"),
            _text(sentences.fault_state(f)),
        )
    return table


def render_campaign(results: Sequence[Result], folder: Path | None = None) -> RenderableType:
    """One line a run, failing first; each warning; then what did not pass, once for all the cells that say the same,
    the system's own first. ``folder``: where the report is."""
    documents = [to_document(r) for r in results]
    parts: list[RenderableType] = [_runs(documents)]
    warned = [f"{w['text']} ({of_cells(w['cells'], len(documents))})" for w in warnings(documents)]
    parts += [Text(), *_notes((), warned)] if warned else []
    said: dict[str, list[dict[str, Any]]] = {}
    for d in documents:
        if d["outcome"] != "pass":
            said.setdefault(_told(_complaints(d, set())), []).append(d)
    hinted: set[str] = set()
    alike = list(said.values())
    for place in order.by_severity([_foremost(same[0]) for same in alike]):
        d, cells = alike[place][0], [_cell(d) for d in alike[place]]
        parts += [Text(), Text.assemble(_outcome(d["outcome"]), f"  {', '.join(cells)}")]
        parts.append(Padding(Group(*_complaints(d, hinted)), (0, 0, 0, _INDENT)))
    if said and folder:
        parts += [Text(), Text(f"again, what did not pass: deploydrill run --failed {folder}")]
    return Group(*parts)


def _runs(documents: Sequence[Document]) -> Table:
    table = _table("", "cell", ">took", ">checks", ">bad requests")
    for i in order.by_severity(documents):
        d = documents[i]
        passed = len(order.passed(d))
        counted = d["load"].get("counted") or {}
        table.add_row(
            _outcome(d["outcome"]),
            _text(_cell(d)),
            _number(run_seconds(d), "s"),
            Text(f"{passed}/{len(d['findings'])}", no_wrap=True),
            Text(plain(f"{quantity(counted['bad'])}/{quantity(counted['n'])}") if counted else NONE, no_wrap=True),
        )
    return table


def _foremost(d: Document) -> Mapping[str, Any]:
    """Outcome and matter of a run, by which it is sorted."""
    place = order.first(d)
    return {"outcome": d["outcome"], "matter": "system" if place is None else d["findings"][place]["matter"]}


def _complaints(d: Document, hinted: set[str]) -> list[RenderableType]:
    """What did not pass; the headline where no finding says why."""
    parts: list[RenderableType] = []
    for group in order.groups(d):
        parts += [Text(group.heading, style="bold")] if group.heading else []
        parts += _blocks(d, group.blocks, hinted)
    return parts or [Text(sentences.said(sentences.headline(d), d))]


def _told(parts: Sequence[RenderableType]) -> str:
    """The words of a part of the summary, to tell equal ones."""
    file = io.StringIO()
    console(file).print(Group(*parts))
    return file.getvalue()


def attempts(document: Document) -> list[str]:
    """What of a campaign was run again because the harness was late, and which attempt decides; a line a cell."""
    lines = [
        f"run again: {_cell(run)}: {run['attempts'][0]['outcome']} at first ({run['attempts'][0]['why']}); "
        f"attempt {len(run['attempts'])} decides: {run['outcome']}"
        for run in document["runs"]
        if run["attempts"]
    ]
    return [one_line(line, 600) for line in lines]


def _cell(d: Document) -> str:
    """As on the command line."""
    return one_line(":".join(part for part in (d["scenario"], d["cell"]) if part))


def closing_line(outcome: Outcome, results: Sequence[Result], folder: Path) -> str:
    """The last line of stdout, for a script: make hides exit codes."""
    counts = {o: sum(1 for r in results if r.outcome == o) for o in ("fail", "unknown")}
    counted = f"runs={len(results)} failed={counts['fail']} unknown={counts['unknown']}"
    return f"outcome={outcome} {counted} report={folder / 'report.html'}"


_MARK_STYLE = {"": "dim", **_STYLE}


def render_discrimination(d: Document) -> RenderableType:
    """Each flaw with the sentence of the run that decides about it, escaped ones first; clean runs that were red; and
    how often each scenario was right."""
    parts: list[RenderableType] = [
        Text.assemble(_outcome(d["outcome"]), f"  {sentences.said(discrimination.headline(d), d)} on {d['system']}")
    ]
    for i in discrimination.by_mark(d["flaws"]):
        flaw = d["flaws"][i]
        own = [r for r in d["runs"] if r["kind"] == "flaw" and r["flaws"] == [flaw["name"]] and r["expected"]]
        cells = ", ".join(f"{r['scenario']}:{r['cell']}" for r in own)
        codes = f": {one_line(', '.join(flaw['found']))}" if flaw.get("found") else ""
        parts.append(Text.assemble(_mark(flaw["mark"]), f"  {one_line(flaw['name'])} in {one_line(cells)}{codes}"))
        if flaw["sentence"]:
            parts.append(Padding(_text(flaw["sentence"], 240), (0, 0, 0, 4)))
    for run in d["runs"]:
        if run["kind"] != "flaw" and discrimination.MARKS[run["mark"]] == "fail":
            seed = f", seed {run['seed']}" if run["kind"] == "clean" else ", all flaws on"
            parts.append(Text.assemble(_mark(run["mark"]), f"  {run['scenario']}:{run['cell']}{seed}"))
            parts.append(Padding(_text(run["sentence"], 240), (0, 0, 0, 4)))
    table = _table("runs, 95 % interval", "flaw caught", "false alarm")
    scenarios = dict.fromkeys(t["scenario"] for name in ("detection", "false_alarms") for t in d[name])
    for scenario in (*(s for s in scenarios if s), ""):
        row = [_tally(d, name, scenario) for name in ("detection", "false_alarms")]
        table.add_row(Text(scenario or "all", style="" if scenario else "bold"), *row)
    parts += [Text(), table]
    if d["counts"]["all_on"]:
        parts.append(Text(f"all flaws at once: {d['counts']['all_on_red']} of {d['counts']['all_on']} cells red"))
    parts += [Text(one_line(f"left out: {left}", 600), style="yellow") for left in d["left_out"]]
    parts += [Text(one_line(f"warning: {warning}", 600), style="yellow") for warning in d["warnings"]]
    return Group(*parts)


def _mark(mark: str) -> Text:
    outcome = discrimination.MARKS[mark]
    return Text(f"{sentences.SIGN.get(outcome, ' ')} {mark}", style=_MARK_STYLE[outcome], no_wrap=True)


def _tally(d: Document, name: str, scenario: str) -> Text:
    found = [i for i, t in enumerate(d[name]) if t["scenario"] == scenario]
    return Text("".join(sentences.said(discrimination.tally(f"{name}.{i}", d[name][i]), d) for i in found) or NONE)


def discrimination_line(d: Document, page: Path) -> str:
    """The last line of stdout."""
    c = d["counts"]
    counted = f"flaws={c['flaws']} caught={c['caught']} escaped={c['escaped']} undecided={c['undecided']}"
    return f"outcome={d['outcome']} {counted} clean={c['clean']} false_alarms={c['false_alarms']} report={page}"
