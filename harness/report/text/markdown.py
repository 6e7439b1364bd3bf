"""Markdown of a run, of a campaign and of a comparison, short enough for a step summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from harness.report.documents import order, review, sentences
from harness.report.documents.campaign import of_cells
from harness.report.documents.clean import one_line
from harness.report.documents.derived import derive
from harness.report.documents.numbers import plain, quantity
from harness.report.text import comparison

Document = Mapping[str, Any]
# Of findings that differ in their numbers alone.
_MOST_SENTENCES = 10
_ACTIVE = re.compile(r"([\\`*_{}\[\]<>|#~!&@])")


def _text(value: object, limit: int = 400) -> str:
    """Text of the system as text: what Markdown would act on is escaped."""
    return _ACTIVE.sub(r"\\\1", one_line("" if value is None else str(value), limit))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *(f"| {' | '.join(row)} |" for row in rows), ""]


def _number(value: float | None, unit: str = "") -> str:
    return plain(quantity(value, unit))


def _outcome(outcome: str) -> str:
    return f"{sentences.SIGN[outcome]} {outcome}"


def run_markdown(document: Document) -> str:
    d = document
    lines = [f"## {_outcome(d['outcome'])}: {_text(d['scenario'])} {_text(d['cell'])} on {_text(d['system'])}", ""]
    lines += [
        f"**{_text(sentences.said(sentences.headline(d), d))}**",
        "",
        f"{_text(sentences.said(sentences.downtime(d), d))}.",
        "",
    ]
    lines += _waived_and_warnings(d["waived"], d["warnings"])
    lines += _findings(d)
    if d["claims"]:
        lines += [_claims_heading(d), ""]
        lines += _table(
            ("outcome", "what", "claimed", *_realistic_head(d), "median", "range", "n", "supports"),
            (
                (
                    _outcome(c["outcome"]),
                    _text(sentences.what(c)),
                    _text(sentences.said(sentences.limit(f"claims.{i}", c), d)),
                    *_realistic(c, d),
                    _number(c["median"], c["unit"]),
                    f"{_number(c['min'], c['unit'])} to {_number(c['max'], c['unit'])}",
                    _number(c["n"]),
                    _text(c["supports"]),
                )
                for i, c in ((i, d["claims"][i]) for i in order.by_severity(d["claims"]))
            ),
        )
    if d["faults"]:
        lines += ["### Faults", ""]
        lines += _table(
            ("fault", "at", "confirmed", "healed", "did it bite"),
            (
                (
                    _text(f["name"]),
                    _text(f["at"]),
                    _number(f["confirmed_s"], "s"),
                    _number(f["healed_s"], "s"),
                    _text(sentences.fault_state(f)),
                )
                for f in d["faults"]
            ),
        )
    if d["reproduce"]:
        lines += ["Do it again:", "", _fenced(d["reproduce"]), ""]
    return "\n".join(lines)


def campaign_markdown(document: Document) -> str:
    d = document
    lines = [f"## {_outcome(d['outcome'])}: {_text(d['system'])}", ""]
    lines += [f"**{_text(sentences.said(sentences.campaign_headline(d), d))}**", ""]
    lines += _waived_and_warnings(
        d["waived"],
        [f"{w['text']} ({of_cells(w['cells'], len(d['runs']))})" for w in d["warnings"]],
    )
    lines += _table(("outcome", "scenario", "cell", "why", "took"), (_run_row(r) for r in _in_order(d["runs"])))
    for run in (r for r in _in_order(d["runs"]) if r["attempts"]):
        tried = " → ".join(f"{a['outcome']} ({_text(a['why'])})" for a in run["attempts"])
        lines += [
            f"- {_text(run['scenario'])} {_text(run['cell'])} was run again, the last attempt decides: {tried}",
            "",
        ]
    if d["claims"]:
        lines += [_claims_heading(d), ""]
        lines += _table(
            ("outcome", "what", "claimed", *_realistic_head(d), "range", "n", "runs that refute it"),
            (
                (
                    _outcome(c["outcome"]),
                    _text(sentences.what(c)),
                    _text(sentences.said(sentences.limit(f"claims.{i}", c), d)),
                    *_realistic(c, d),
                    f"{_number(c['min'], c['unit'])} to {_number(c['max'], c['unit'])}",
                    _number(c["n"]),
                    _text(", ".join(c["refuted_by"])) or "none",
                )
                for i, c in ((i, d["claims"][i]) for i in order.by_severity(d["claims"]))
            ),
        )
    if d.get("not_run"):
        lines += [f"Never begun, and so not a pass: {_text(', '.join(d['not_run']), 4000)}.", ""]
    lines += [f"{derive(d, 'runs')} runs, seed {d['seed']}.", ""]
    if d["reproduce"]:
        lines += ["Do it again:", "", _fenced(d["reproduce"]), ""]
    return "\n".join(lines)


def _in_order(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [rows[i] for i in order.by_severity(rows)]


def _run_row(run: Mapping[str, Any]) -> tuple[str, ...]:
    """The short reason, whose matter it is, and the sentence behind it."""
    whose = order.not_the_system([run["matter"]] if run["matter"] in order.MATTERS else [])
    why = ". ".join(_text(part) for part in (run["why"], whose, run["sentence"]) if part)
    return _outcome(run["outcome"]), _text(run["scenario"]), _text(run["cell"]), why, _number(run["seconds"], "s")


def _findings(d: Document) -> list[str]:
    """What did not pass as nested lists, the system's own first; then a table of what passed."""
    lines: list[str] = []
    for group in order.groups(d):
        lines += [f"### {group.heading or 'The system'}", ""]
        for block in group.blocks:
            lines += _block(d, block)
        lines.append("")
    if passed := order.passed(d):
        lines += ["### Passed", ""]
        lines += _table(
            ("finding", "sentence", "code"),
            ((_text(f["title"]), _text(f["sentence"]), _code(f, d)) for f in (d["findings"][i] for i in passed)),
        )
    return lines


def _block(d: Document, block: order.Block) -> list[str]:
    left = "  " * block.depth
    if block.fault is not None:
        fault = d["faults"][block.fault]
        return [f"{left}- due to {_text(fault['name'])} at {_text(fault['at'])} ({_text(fault['id'])}):"]
    findings = [d["findings"][i] for i in block.indices]
    head = findings[0]
    code = f", {_code(head, d)}" if head["code"] else ""
    lines = [f"{left}- {_outcome(head['outcome'])}: **{_text(head['title'])}**{code}"]
    said = list(dict.fromkeys(_text(f["sentence"]) for f in findings))
    lines += [f"{left}  - {line}" for line in said[:_MOST_SENTENCES]]
    lines += [f"{left}  - and {len(said) - _MOST_SENTENCES} more like it"] if len(said) > _MOST_SENTENCES else []
    return [*lines, *([f"{left}  - try: {_text(head['hint'])}"] if head["hint"] else [])]


def comparison_markdown(d: Document) -> str:
    lines = [f"## {sentences.SIGN[d['outcome']]} {_text(comparison.headline(d))}", ""]
    lines += [
        f"- {side.upper()}: {_text(d[side]['folder'])} ({d[side]['outcome']}, {_text(d[side]['started_utc'])})"
        for side in ("a", "b")
    ]
    lines += [f"- **not like for like**: {_text(said)}" for said in comparison.unlike(d)]
    lines += [*(f"- {_text(said)}" for said in comparison.alone(d)), ""]
    cells = comparison.by_change(d)
    lines += _table(
        ("", "cell", "A", "B"),
        (
            (
                f"{comparison.SIGN[c['change']]} {c['change']}",
                _text(c["cell"]),
                comparison.passed(c["a"]),
                comparison.passed(c["b"]),
            )
            for c in cells
        ),
    )
    lines += [
        f"- {_text(c['cell'])}: {k['a'] or 'not judged'} → {k['b']}: {_text(k['about'])}: {_text(k['why'])}"
        for c in cells
        for k in c["checks"]
    ]
    lines += ["", "### Claims", "", *_claims_markdown(cells)] if any(c["claims"] for c in cells) else []
    lines += (
        ["", "### Timings", "", *_timings_markdown(cells), comparison.NOTE] if any(c["timings"] for c in cells) else []
    )
    return "\n".join([*lines, ""])


def _claims_markdown(cells: list[Mapping[str, Any]]) -> list[str]:
    return _table(
        ("cell", "claim", "limit", "A", "B", "outcome"),
        (
            (
                _text(c["cell"]),
                _text(sentences.what(k)),
                _text(comparison.limits(k)),
                *(" ".join(comparison.measured(k[side], k[side]["unit"])) for side in ("a", "b")),
                f"{k['a']['outcome']} → {k['b']['outcome']}",
            )
            for c in cells
            for k in c["claims"]
        ),
    )


def _timings_markdown(cells: list[Mapping[str, Any]]) -> list[str]:
    return _table(
        ("cell", "timing", "A", "B", "B/A", "says"),
        (
            (
                _text(c["cell"]),
                _text(t["name"]),
                *(" ".join(comparison.measured(t[side], t["unit"])) for side in ("a", "b")),
                _number(t["ratio"]),
                t["says"],
            )
            for c in cells
            for t in c["timings"]
        ),
    )


def _waived_and_warnings(waived: Sequence[Mapping[str, Any]], warnings: Sequence[str]) -> list[str]:
    lines = [
        f"- waived: {_text(w.get('name'))}: {_text(w.get('reason'))} (until {_text(w.get('until'))}"
        f"{', expired' if w.get('expired') else ''}); not a pass"
        for w in waived
    ]
    lines += [f"- warning: {_text(w)}" for w in warnings]
    return [*lines, ""] if lines else []


def _code(finding: Mapping[str, Any], d: Document) -> str:
    rows = review.rows_of(finding, d)
    return _text(finding["code"]) + (f" ({', '.join(rows)})" if rows else "")


def _claims_heading(d: Document) -> str:
    return "### Claimed, the review's realistic, measured" if review.of(d) else "### Claimed and measured"


def _realistic_head(d: Document) -> Sequence[str]:
    return ("review: realistic",) if review.of(d) else ()


def _realistic(claim: Mapping[str, Any], d: Document) -> Sequence[str]:
    """The review's column; no column for a system that has none."""
    if not review.of(d):
        return ()
    row = review.row_for(claim, d)
    return (
        f"{_number(row['realistic_s'][0])} to {_number(row['realistic_s'][1], 's')} ({row['row']})" if row else "–",
    )


def _fenced(command: str) -> str:
    # Indented, not fenced: no run of backticks in the command can end it.
    return "    " + one_line(command)
