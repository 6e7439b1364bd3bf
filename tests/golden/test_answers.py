"""Answers that a finding holds of others: how they are merged, and told in its sentence."""

from __future__ import annotations

import pytest

from harness.checkers.core.codes import Answer, Details, answer, finding, outcome_of
from harness.checkers.core.sentences import with_sentence
from harness.checkers.data.data_codes import Kept, NotRead, Torn
from harness.checkers.data.restorable import CanBeRestored
from harness.checkers.data.restore_codes import Exact
from harness.model import Outcome, Subject

KEPT, UNREAD, TORN = Kept(5, 0), NotRead("no answer"), Torn(1, ["w-1"])
EXACT = Exact("restore-1", 3, 1.5, False, 0)


def told(answers: list[Answer]) -> str:
    return with_sentence(
        finding("backup.restorable", Subject("run", ""), CanBeRestored("restore-1", 1, answers))
    ).sentence


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [([KEPT], "pass"), ([KEPT, UNREAD], "unknown"), ([UNREAD, TORN, KEPT], "fail"), ([], "unknown")],
)
def test_several_answers_are_as_bad_as_the_worst_of_them(answers: list[Details], outcome: Outcome) -> None:
    assert outcome_of(answers) == outcome


def test_a_finding_tells_each_answer_it_holds_by_the_sentence_of_its_code() -> None:
    exact, torn = (with_sentence(finding("data.kept", Subject("run", ""), d)).sentence for d in (EXACT, TORN))
    both = told([answer(EXACT), answer(TORN)])
    assert exact in both and torn in both


def test_of_an_answer_whose_code_is_not_known_here_the_code_is_told() -> None:
    assert "mine.fine" in told([Answer("mine.fine", {"n": 1})])
