"""What `verify` prints: the contract line by line, and for each scenario whether it can be rehearsed; 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.model import Finding, Outcome
from harness.report.documents.clean import one_line
from harness.report.text.terminal import COLUMNS

Document = Mapping[str, Any]
_MARK, _ABOUT = 14, 18
_MOST_NAMES = 3


# What a finding of the contract is marked as: what was not tried, or cannot be told, proves nothing.
_MARKS = {"pass": "ok", "fail": "wrong", "unknown": "not seen", "note": "note"}
_NOT_PROVIDED = "contract.not_provided"


def document(
    system: str, outcome: Outcome, findings: Sequence[Finding], cells: Sequence[Mapping[str, Any]]
) -> Document:
    """``findings``: those of the contract. ``cells``: scenario, cell, tier, needs of each."""
    scenarios: dict[str, list[Mapping[str, Any]]] = {}
    for cell in cells:
        scenarios.setdefault(cell["scenario"], []).append(cell)
    return {
        "schema": 2,
        "system": system,
        "outcome": outcome,
        "contract": [
            {
                "mark": "not provided" if f.code == _NOT_PROVIDED else _MARKS[f.outcome],
                "about": f.subject.id,
                "code": f.code,
                "details": dict(f.details),
                "said": f.sentence,
                "hint": f.hint,
            }
            for f in findings
        ],
        "scenarios": [
            {
                "name": name,
                "can_run": _can(those),
                "cells": [{"name": c["cell"], "tier": c["tier"], "needs": list(c["needs"])} for c in those],
            }
            for name, those in scenarios.items()
        ],
    }


def _can(cells: Sequence[Mapping[str, Any]]) -> str:
    feasible = sum(not c["needs"] for c in cells)
    return "yes" if feasible == len(cells) else "in part" if feasible else "no"


def render(told: Document) -> Iterator[str]:
    yield f"The contract of {told['system']}, each operation once, without faults"
    for line in told["contract"]:
        yield from _row(line["mark"], line["about"], line["said"])
        if line["hint"]:
            yield from _row("", "", f"try: {line['hint']}")
    yield ""
    yield f"What can be rehearsed on {told['system']}, as far as that shows"
    for scenario in told["scenarios"]:
        feasible = [c for c in scenario["cells"] if not c["needs"]]
        quick = [c for c in scenario["cells"] if c["tier"] == "quick"]
        counted = f"{len(feasible)} of {len(scenario['cells'])} cells"
        if quick:
            counted += f" ({sum(not c['needs'] for c in quick)} of the {len(quick)} quick ones)"
        yield from _row(scenario["can_run"], scenario["name"], counted, width=26)
        wanted: dict[str, list[str]] = {}
        for cell in scenario["cells"]:
            for need in cell["needs"]:
                wanted.setdefault(need, []).append(cell["name"])
        for need, names in wanted.items():
            yield from _row("", "", f"needs {need}: {_names(names, len(scenario['cells']))}", width=2)


def _names(names: Sequence[str], total: int) -> str:
    if len(names) == total:
        return "every cell" if total > 1 else names[0]
    left = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {left} more" if left > 0 else "")


def _row(mark: str, about: str, said: str, width: int = _ABOUT) -> Iterator[str]:
    """Three columns; what is said goes on below itself."""
    head = f"{mark:<{_MARK}}{about:<{width}}"
    if about and len(about) >= width:  # a long name has a line of its own
        yield head.rstrip()
        head = " " * (_MARK + width)
    lines = textwrap.wrap(one_line(said, 600), COLUMNS - _MARK - width, break_on_hyphens=False) or [""]
    yield (head + lines[0]).rstrip()
    yield from (" " * (_MARK + width) + line for line in lines[1:])
