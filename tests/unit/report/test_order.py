"""Findings in the order in which a person reads them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.model import Finding, Matter, Subject
from harness.report.documents.order import Block, first, groups
from harness.report.documents.result import to_document
from tests.unit.report import build

FAULT = {**build.failing().faults[0], "id": "fault-1"}


def found(
    code: str, outcome: Any, matter: Matter = "system", subject: str = "", because: tuple[str, ...] = ()
) -> Finding:
    kind: Any = "fault" if subject.startswith("fault") else "run"
    return Finding("a.question", code, outcome, Subject(kind, subject), because=because, matter=matter, title=code)


def document(*findings: Finding) -> dict[str, Any]:
    return to_document(replace(build.failing(), findings=findings, faults=(FAULT,)))


def read(*findings: Finding) -> list[tuple[str, list[tuple[int, ...]], list[int]]]:
    return [
        (g.heading, [b.indices for b in g.blocks], [b.depth for b in g.blocks]) for g in groups(document(*findings))
    ]


def test_the_systems_own_comes_first_and_what_failed_before_what_is_unknown() -> None:
    order = read(
        found("harness.late", "unknown", "harness"),
        found("data.not_read", "unknown"),
        found("data.lost", "fail"),
        found("host.clock", "unknown", "host"),
        found("data.kept", "pass"),
    )
    assert order == [("", [(2,), (1,)], [0, 0]), ("Not the system: the machine, the harness", [(0,), (3,)], [0, 0])]


def test_what_follows_from_a_finding_stands_below_it_and_is_its_matter() -> None:
    order = read(
        found("data.not_read", "unknown", because=("harness.late",)),
        found("harness.late", "unknown", "harness"),
    )
    assert order == [("Not the system: the harness", [(1,), (0,)], [0, 1])]


def test_a_failure_stays_the_systems_whatever_it_followed() -> None:
    order = read(found("data.lost", "fail", because=("harness.late",)), found("harness.late", "unknown", "harness"))
    assert order == [("", [(0,)], [0]), ("Not the system: the harness", [(1,)], [0])]


def test_a_cause_stands_where_the_worst_of_what_it_caused_would_stand() -> None:
    order = read(
        found("a.note", "unknown"),
        found("b.alone", "fail"),
        found("c.cause", "unknown"),
        found("d.effect", "fail", because=("c.cause",)),
    )
    assert order == [("", [(1,), (2,), (3,), (0,)], [0, 0, 1, 0])]


def test_findings_due_to_one_fault_stand_below_it_unless_it_has_a_finding_of_its_own() -> None:
    two = [found(code, "fail", because=("fault-1",)) for code in ("a.one", "b.two")]
    (group,) = groups(document(two[0], found("c.other", "fail"), two[1]))
    assert group.blocks == (Block((), 0, 0), Block((0,), 1), Block((2,), 1), Block((1,), 0))
    own = found("fault.not_felt", "unknown", "plan", "fault-1", because=("fault-1",))
    unknown = found("data.undecided", "unknown", because=("fault-1",))
    assert read(unknown, own) == [("Not the system: the plan", [(1,), (0,)], [0, 1])]


def test_findings_of_one_code_stand_together() -> None:
    order = read(found("a.lost", "fail", subject="x"), found("b.torn", "fail"), found("a.lost", "fail", subject="y"))
    assert order == [("", [(0, 2), (1,)], [0, 0])]


def test_findings_that_name_each_other_are_shown_once_each() -> None:
    order = read(found("a.one", "fail", because=("b.two",)), found("b.two", "fail", because=("a.one",)))
    assert sorted(i for _, blocks, _ in order for block in blocks for i in block) == [0, 1]


def test_a_headline_names_what_is_read_first_of_the_outcome() -> None:
    findings = found("a.cause", "unknown", "plan"), found("b.bad", "fail", because=("a.cause",))
    assert first(document(*findings)) == 1
    assert first({**document(found("a.kept", "pass")), "outcome": "unknown"}) is None
