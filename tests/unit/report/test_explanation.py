"""What a code means, as printed and as a page."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.checkers.core.codes import Code, Details
from harness.cli.main import main
from harness.judge.declared import bundled
from harness.report.text.explanation import PAGE, explain, page


class Inner(msgspec.Struct):
    seconds: float | None


class Some(Details):
    writes: int
    inner: list[Inner]


CODE = Code(
    "test.lost", "fail", "{{ subject }} was lost", "no sentence", "It is gone.", ("a cause",), "there", "do {{ that }}",
    "load", Some,
)  # fmt: skip


def test_the_page_is_as_fresh_as_the_codes() -> None:
    assert PAGE.read_text() == page(), "run: make docs"


def test_the_anchors_of_the_page_are_the_codes() -> None:
    assert re.findall(r'<a id="(.+?)">', page()) == list(bundled())
    assert len(bundled()) > 100


def test_a_code_is_explained_with_all_that_is_declared_of_it() -> None:
    text = "\n".join(explain(CODE))
    assert text.startswith("test.lost: SUBJECT was lost\noutcome: fail\nwhose matter: the load's")
    for part in ("It is gone.", "  - a cause", "where to look: there", "what to try: do THAT"):
        assert part in text
    assert text.endswith("  writes: integer\n  inner: list of object\n    seconds: number or null")


def ended(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        main(["explain", *words])
    assert isinstance(left.value.code, int)
    said = capsys.readouterr()
    return left.value.code, said.out + said.err


def test_the_command_explains_a_code_within_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(capsys, "harness.late")
    assert (code, max(map(len, text.splitlines())) <= 80) == (0, True)
    assert text.startswith("harness.late: ") and "late_s: number" in text


@pytest.mark.parametrize(
    ("name", "meant"),
    [("data.acknowledged_los", "data.acknowledged_lost"), ("baselin", "baseline"), ("harness_late", "harness.late")],
)
def test_a_name_that_is_neither_is_told_what_was_probably_meant(
    name: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = ended(capsys, name)
    assert (code, f"did you mean {meant!r}?" in text) == (64, True)
