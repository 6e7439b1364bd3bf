"""By which findings a run shows a flaw: all of its codes, each with the details that the flaw asks of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from harness import registry
from harness.campaign.flaws.flaw_signs import check_signs, matches, shown_by
from harness.checkers.concurrency.exclusive import Overlap, Overlapped
from harness.checkers.core.codes import Details, OperationEnd, finding
from harness.checkers.core.sentences import with_sentence
from harness.checkers.data.data_codes import TotalWrong
from harness.checkers.operations.operation_codes import OperationFailed, OperationHung, OperationsEnded
from harness.config.reader import load_system
from harness.config.schema import VariantConfig
from harness.model import Finding, Subject

END = OperationEnd("rollback-1", 1, 0.5, "no such column: kind")


def found(details: Details) -> Finding:
    return with_sentence(finding("a.question", Subject("run", ""), details))


FAILED = found(OperationFailed("rollback", END))
HUNG = found(OperationHung("backup", OperationEnd("backup-1", None, 30.0), None))
ENDED = found(OperationsEnded(1, END))
WRONG = found(TotalWrong("/totals/x", 3, 0))


def flaw(*codes: str, observation: str = "", **where: Any) -> VariantConfig:
    return VariantConfig("f", {}, "", ("s:c",), codes, where, observation)


@pytest.mark.parametrize(
    ("wanted", "signs"),
    [
        (flaw("operation.failed"), (FAILED,)),
        (flaw("operation.failed", "operation.hung"), (FAILED, HUNG)),
        (flaw("operation.failed", "restore.mixed"), ()),
        (flaw("restore.mixed | operation.hung"), (HUNG,)),
        (flaw("restore.mixed|data.lost"), ()),
        (flaw("operations.ended"), ()),  # it is there, and did not fail
        (flaw("operation.failed", name="rollback"), (FAILED,)),
        (flaw("operation.failed", name="deploy"), ()),
        (flaw("operation.failed", name=["deploy", "rollback"], end={"exit": 1}), (FAILED,)),
        (flaw("operation.failed", end={"exit": 2}), ()),
        (flaw("operation.failed", "data.total_wrong", name="rollback", expected=0), (FAILED, WRONG)),
        (flaw("operation.failed", "data.total_wrong", name="rollback", expected=1), ()),
        (flaw(observation=rf"^{re.escape(WRONG.sentence)}$"), (WRONG,)),
        (flaw(observation=rf"^{re.escape(ENDED.sentence)}$"), ()),  # no fail says it
        (flaw(observation="said by nobody"), ()),
    ],
)
def test_all_codes_are_there_with_what_each_of_them_must_hold(
    wanted: VariantConfig, signs: tuple[Finding, ...]
) -> None:
    assert shown_by(wanted, (ENDED, FAILED, HUNG, WRONG)) == signs


def overlapped(**details: Any) -> Finding:
    one = {"first": "a", "first_phase": "p", "second": "b", "second_phase": "q", "seconds": 1.0}
    return found(Overlapped([Overlap(**{**one, "both_succeeded": False, "given_up": [], **details})], 2, ["a", "b"]))


def test_a_flaw_of_the_reference_system_is_told_from_its_neighbour_by_details() -> None:
    flaws = load_system("hardened", registry.BUNDLED).variants
    both, late = overlapped(both_succeeded=True), overlapped(given_up=["deploy-2"])
    assert [bool(shown_by(flaws["no_lock"], (f,))) for f in (both, late)] == [True, False]
    assert [bool(shown_by(flaws["loser_unlocks"], (f,))) for f in (both, late)] == [False, True]


@pytest.mark.parametrize("name", sorted(load_system("hardened", registry.BUNDLED).variants))
def test_every_flaw_of_the_reference_system_names_codes_that_there_are(name: str) -> None:
    one = load_system("hardened", registry.BUNDLED).variants[name]
    assert one.codes
    assert not one.observation
    check_signs(one, name)  # raises otherwise


@pytest.mark.parametrize(
    ("value", "wanted", "same"),
    [
        (1, 1, True),
        (1, True, False),
        (True, True, True),
        (0, False, False),
        (None, 1, False),
        ([1, 2], 2, True),
        ([], 2, False),
        (2, [1, 2], True),
        ([{"a": 1, "b": 1}, {"a": 2, "b": 2}], {"a": 1, "b": 2}, False),  # one element must match in all
        ([{"a": 1, "b": [3]}, {"a": 2}], {"a": [1, 9], "b": 3}, True),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, False),
        ("a", {"b": 1}, False),
    ],
)
def test_details_match_by_value_inside_lists_and_tables(value: object, wanted: Any, same: bool) -> None:
    assert matches(value, wanted) is same
