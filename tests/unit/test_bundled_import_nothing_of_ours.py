"""Bundled systems are separate programs: they import nothing of the harness."""

from __future__ import annotations

import ast
from pathlib import Path

import harness

BUNDLED = Path(harness.__file__).parent / "bundled"


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def test_an_import_is_seen_wherever_it_stands() -> None:
    assert imported("def f():\n    from harness.host import clock\n") == {"harness"}
    assert imported("import os, scenarios.x\nfrom . import y") == {"os", "scenarios"}


def test_bundled_systems_import_nothing_of_the_harness() -> None:
    programs = sorted(BUNDLED.rglob("*.py"))
    assert programs, f"no programs below {BUNDLED}"
    guilty = [p.relative_to(BUNDLED) for p in programs if imported(p.read_text()) & {"harness", "scenarios"}]
    assert guilty == []
