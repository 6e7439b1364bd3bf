"""harness/docs/recording.md has every kind of event with its fields, as they are, and no kind that nobody writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.campaign.compile import planned_faults
from harness.faults.disk_full import DiskFull
from harness.host.checkout import ROOT
from harness.model import Edge
from harness.recording.events import Custom, FaultPlanned, kinds
from harness.recording.reference import PAGE, page
from harness.scenario import Trigger

HARNESS = ROOT / "harness"


def made() -> Iterator[str]:
    """The names of whatever is called in what acts, to the events of which the recording belongs."""
    for path in HARNESS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node.func.id


def test_the_page_is_made_from_the_events_as_they_are() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), "run: python -m harness.recording.reference"


def test_the_page_is_read_from_where_the_readme_says() -> None:
    link = "../harness/docs/recording.md"
    readme = ROOT / "reports" / "README.md"
    assert f"]({link})" in readme.read_text()
    assert (readme.parent / link).resolve() == Path(PAGE).resolve()


def test_every_kind_is_written_by_somebody() -> None:
    names = set(made())
    assert [kind for kind, struct in kinds().items() if struct.__name__ not in names and struct is not Custom] == []


def test_every_kind_says_what_it_is() -> None:
    # msgspec gives a struct without a docstring none of its own.
    assert [kind for kind, struct in kinds().items() if not (struct.__doc__ or "").strip().endswith(".")] == []


def test_a_planned_fault_is_recorded_as_the_plan_describes_it() -> None:
    (planned,) = planned_faults((Trigger(DiskFull("data"), Edge("deploy", "start")),))
    event = FaultPlanned(**planned.described())
    assert (event.name, event.parameters["disk"], event.at) == ("disk_full", "data", planned.described()["at"])
