"""reports/README.md names every kind of event that is written, with its fields, and no other."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator

from harness.faults.disk_full import DiskFull
from harness.host.checkout import CHECKOUT
from harness.model import Edge
from harness.plan import described_faults
from harness.scenario import Trigger

_WORD = re.compile(r"`([a-z_.]+)`")


def calls() -> Iterator[tuple[str, set[str]]]:
    """Every kind that a recorder is given, and the fields named in that call."""
    for path in (CHECKOUT / "harness").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "event"):
                continue
            of = ast.unparse(node.func.value).lower()
            if of == "self" or of.endswith("recorder"):
                kind = node.args[0]
                assert isinstance(kind, ast.Constant), f"{path}:{node.lineno}: a kind that nobody can look up"
                yield str(kind.value), {k.arg for k in node.keywords if k.arg and k.arg != "when"}


def written() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for kind, fields in calls():
        found[kind] |= fields
    return found


def documented() -> dict[str, set[str]]:
    """Kind -> the words in back quotes of its row; a row that says "also" goes on from the one above."""
    text = (CHECKOUT / "reports" / "README.md").read_text()
    rows = text.partition("| kind | fields |\n|---|---|\n")[2].partition("\n\n")[0].splitlines()
    found: dict[str, set[str]] = {}
    above: set[str] = set()
    for row in rows:
        _, kinds, says, *_ = (cell.strip() for cell in row.split("|"))
        words = set(_WORD.findall(says))
        above = words | above if says.startswith("also") else words
        found |= dict.fromkeys(_WORD.findall(kinds), above)
    return found


def test_the_table_has_the_kinds_that_are_written_and_no_other() -> None:
    assert sorted(documented()) == sorted(written())


def test_the_table_has_the_fields_that_are_written() -> None:
    table = documented()
    missing = {kind: fields - table.get(kind, set()) for kind, fields in written().items()}
    assert {kind: sorted(fields) for kind, fields in missing.items() if fields} == {}


def test_the_table_has_the_fields_of_a_planned_fault() -> None:
    (planned,) = described_faults((Trigger(DiskFull("data"), Edge("deploy", "start")),))
    assert set(planned) <= documented()["fault.planned"]
