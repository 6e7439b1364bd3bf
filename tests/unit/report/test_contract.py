"""What verify prints fits 80 columns, and holds what its JSON holds."""

from __future__ import annotations

from harness.model import Finding, FindingOutcome, Subject
from harness.report.text.contract import document, render


def line(code: str, outcome: FindingOutcome, about: str, said: str, hint: str = "") -> Finding:
    return Finding("contract.kept", code, outcome, Subject("operation", about), sentence=said, hint=hint)


LINES = [
    line("contract.service_started", "pass", "service.start", "ready 0.50 s after it was started"),
    line(
        "contract.version_late",
        "fail",
        "deploy",
        "deploy-1 exited with 0 while /version said '1' " * 4,
        "exit 0 only when it answers",
    ),
    line("contract.not_provided", "unknown", "operation.of-a-long-name", "what needs it is unknown\x1b[31m"),
]
CELLS = [
    {"scenario": "power_loss", "cell": "in-backup", "tier": "quick", "needs": ()},
    *({"scenario": "disk_full", "cell": f"c{n}", "tier": "full", "needs": ("phase a.b",)} for n in range(5)),
    {"scenario": "disk_full", "cell": "fine", "tier": "quick", "needs": ()},
    {"scenario": "links", "cell": "cut", "tier": "full", "needs": ("[links.offsite]",)},
]


def test_it_fits_eighty_columns_and_shows_no_foreign_escapes() -> None:
    text = "\n".join(render(document("x", "fail", LINES, CELLS)))
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "try: exit 0 only when it answers" in text


def test_each_scenario_says_whether_and_for_which_cells_what_is_missing() -> None:
    told = document("x", "fail", LINES, CELLS)
    assert [(s["name"], s["can_run"]) for s in told["scenarios"]] == [
        ("power_loss", "yes"),
        ("disk_full", "in part"),
        ("links", "no"),
    ]
    lines = [" ".join(line.split()) for line in render(told)]
    assert "in part disk_full 1 of 6 cells (1 of the 1 quick ones)" in lines
    assert "needs phase a.b: c0, c1, c2 and 2 more" in lines
    assert "needs [links.offsite]: cut" in lines


def test_each_line_has_its_mark_and_its_code() -> None:
    told = document("x", "fail", LINES, CELLS)["contract"]
    assert [(c["mark"], c["code"]) for c in told] == [
        ("ok", "contract.service_started"),
        ("wrong", "contract.version_late"),
        ("not provided", "contract.not_provided"),
    ]
