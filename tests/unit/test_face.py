"""What scenarios and documents import of the harness is the public face, and the face has what it promises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.host.checkout import ROOT
from tests.documents import pages

PROMISED = set(harness.__all__)


def imported(program: str) -> Iterator[str]:
    """Every name of the harness that a program imports; a module of it by its dotted name."""
    for node in ast.walk(ast.parse(program)):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] == "harness")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "harness":
            yield from (a.name if node.module == "harness" else f"{node.module}.{a.name}" for a in node.names)


def programs() -> dict[str, str]:
    found = {str(p.relative_to(ROOT)): p.read_text() for p in sorted((ROOT / "scenarios").glob("*.py"))}
    for page in pages():
        blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
        found |= {f"{page.relative_to(ROOT)} #{number}": block for number, block in enumerate(blocks, 1)}
    return found


@pytest.mark.parametrize("name", programs())
def test_nothing_but_the_face_is_imported(name: str) -> None:
    assert set(imported(programs()[name])) <= PROMISED


def test_scenarios_and_documents_import_it() -> None:
    examples = {
        f"{page} #1" for page in ("harness/faults/README.md", "harness/checkers/README.md", "scenarios/README.md")
    }
    assert {"scenarios/disk_full.py", *examples} <= {n for n, text in programs().items() if [*imported(text)]}


def test_what_goes_past_the_face_is_seen() -> None:
    assert set(imported("from harness import Cell\nfrom harness.model import Edge\nimport harness.plan")) == {
        "Cell",
        "harness.model.Edge",
        "harness.plan",
    }


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_each_name_of_the_face_is_there(name: str) -> None:
    assert getattr(harness, name)


def test_a_name_the_face_does_not_have_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Scenarioo"):
        _ = harness.Scenarioo


def test_every_fault_and_checker_has_the_name_it_is_registered_by() -> None:
    assert {harness.faults.named(name).name for name in harness.faults.FAULTS} == set(harness.faults.FAULTS)
    assert all(cls.name == name for name, cls in harness.checkers.CHECKERS.items())
    files = {p.stem for p in (Path(harness.faults.__file__).parent).glob("*.py")} - {"__init__", "fault"}
    assert {harness.faults.named(name).__module__.rpartition(".")[2] for name in harness.faults.FAULTS} == files
