"""The checkers of a plan: made again from name and parameters; one that is not as it was is an unknown of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import registry
from harness.campaign.compile import planned_checkers
from harness.checkers import CHECKERS, standard
from harness.host.modules import digest_of
from harness.judge.named import named
from harness.model import Source
from harness.plan import PlannedChecker

OWN = """
from dataclasses import dataclass
from harness import Checker

@dataclass(frozen=True)
class Own(Checker):
    limits: tuple = (1, 2)
    name = "own"
    codes = ()

    def check(self, run):
        return []
"""


def planned(file: Path, text: str = OWN, **parameters: object) -> PlannedChecker:
    """A checker whose file was never loaded here."""
    file.write_text(text)
    return PlannedChecker("own", parameters, Source("Own", str(file), file.stem, str(file.parent), digest_of(file)))


def test_all_that_bundled_cells_are_judged_by_comes_back_as_it_was() -> None:
    for scenario in registry.scenarios().values():
        for cell in scenario.cells:
            listed = (*scenario.checkers, *cell.checkers)
            assert named(planned_checkers(listed)) == ([*listed], [])
    assert {c.name for c in standard()} < set(CHECKERS)


def test_a_checker_of_ones_own_is_imported_from_its_file(tmp_path: Path) -> None:
    (found,), missing = named([planned(tmp_path / "_own_1.py", limits=(3, 4))])
    assert missing == []
    assert (found.name, found.limits) == ("own", (3, 4))  # type: ignore[union-attr]  # its own


def test_one_in_a_package_is_imported_with_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "own_checks").mkdir()
    (tmp_path / "own_checks" / "__init__.py").touch()
    (tmp_path / "own_checks" / "more.py").write_text("LIMITS = (5,)\n")
    file = tmp_path / "own_checks" / "own.py"
    file.write_text(OWN.replace("(1, 2)", "LIMITS").replace("from harness", "from .more import LIMITS\nfrom harness"))
    source = Source("Own", str(file), "own_checks.own", str(tmp_path), digest_of(file))
    (found,), missing = named([PlannedChecker("own", {}, source)])
    assert (missing, found.limits) == ([], (5,))  # type: ignore[union-attr]  # its own


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda file: file.write_text("raise SystemExit(0)"), "has changed"),
        (lambda file: file.unlink(), "is not there any more"),
    ],
    ids=["edited", "deleted"],
)
def test_one_whose_file_is_not_as_it_was_is_an_unknown_and_is_not_executed(
    tmp_path: Path, change: object, why: str
) -> None:
    file = tmp_path / "_own_2.py"
    one = planned(file, OWN + f"# {why}")
    change(file)  # type: ignore[operator]  # one of the two above
    found, (missing,) = named([one])
    assert found == []
    assert (missing.code, missing.outcome, missing.details["checker"]) == ("checker.missing", "unknown", "own")
    assert f"{file} {why}" in missing.details["why"]


def test_one_that_lies_in_another_place_now_is_found_there(tmp_path: Path) -> None:
    file = tmp_path / "then" / "_own_3.py"
    file.parent.mkdir()
    one = planned(file, OWN + "# moved")
    (tmp_path / "now").mkdir()
    file.rename(tmp_path / "now" / file.name)
    assert [c.name for c in named([one], [tmp_path / "now"])[0]] == ["own"]


@pytest.mark.parametrize(
    ("text", "why"),
    [("raise SystemExit(0)", "0"), (OWN.replace("class Own", "class Other"), "has no such class")],
)
def test_a_file_that_does_not_give_the_checker_is_an_unknown(tmp_path: Path, text: str, why: str) -> None:
    found, (missing,) = named([planned(tmp_path / "_own_4.py", text)])
    assert (found, missing.code) == ([], "checker.missing")
    assert why in missing.details["why"]


def test_a_name_that_this_version_does_not_have_is_an_unknown() -> None:
    found, (missing,) = named([PlannedChecker("clairvoyance")])
    assert (found, missing.details["checker"]) == ([], "clairvoyance")
