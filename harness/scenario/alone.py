"""Whether the faults of a scenario can be imported alone: the inside half of a run holds no scenario and no checker."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from harness import faults
from harness.errors import HarnessError
from harness.host.modules import BY_PATH, source_of
from harness.scenario import Scenario

# What stands above both halves of a run, or judges.
_NOT_INSIDE = (
    *("campaign", "checkers", "cli", "doctor", "judge", "judged", "pytest_plugin", "registry", "report", "scenario"),
    # As `from harness import ...` has them.
    *("Cell", "Checker", "Details", "JudgedRun", "Scenario", "Trigger", "code", "finding"),
)


def refuse_mixed(path: Path, scenario: Scenario) -> None:
    """HarnessError for a fault of the user's own whose module is, or imports, a scenario or a checker."""
    for cls in dict.fromkeys(type(t.fault) for cell in scenario.cells for t in cell.triggers):
        if faults.named(cls.name) is cls:
            continue
        what = f"load the scenario in {path}"
        source = source_of(cls)
        if source is None:
            hint = "define it at the top level of a module of its own"
            raise HarnessError(what, f"the fault {cls.__qualname__} is no name of its module", hint)
        if source.module.startswith(BY_PATH):
            why = f"the fault {source.name} is in the file of a scenario, which is not loaded where faults are injected"
            raise HarnessError(what, why, f"put the fault in a module of its own: {_own(path)} beside it")
        if reason := _mixed(Path(source.file), Path(source.folder) if source.folder else None, set()):
            why = f"the fault {source.name} cannot be imported without judging: {reason}"
            raise HarnessError(what, why, "put the fault in a module of its own")


def _own(path: Path) -> str:
    return f"_{path.stem}.py"


def _mixed(file: Path, folder: Path | None, seen: set[Path]) -> str:
    """What of the other half a file imports, also through what lies beside it; empty when nothing."""
    seen.add(file)
    for name in _imported(ast.parse(file.read_text(encoding="utf-8"))):
        top, _, rest = name.partition(".")
        if top == "harness" and rest.partition(".")[0] in _NOT_INSIDE:
            return f"{file.name} imports {name}"
        for beside in _files(name, file, folder):
            if beside not in seen and (reason := _mixed(beside, folder, seen)):
                return reason
    return ""


def _files(name: str, file: Path, folder: Path | None) -> Iterator[Path]:
    """The files beside a module that a name it imports may stand for."""
    places = [folder] if folder else []
    if name.startswith("."):
        up = len(name) - len(name.lstrip("."))
        places = [file.parents[up - 1]] if up <= len(file.parents) else []
    parts = [p for p in name.strip(".").split(".") if p]
    for place in places:
        for length in range(1, len(parts) + 1):
            whole = place.joinpath(*parts[:length])
            yield from (p for p in (whole.with_suffix(".py"), whole / "__init__.py") if p.is_file())


def _imported(tree: ast.Module) -> Iterator[str]:
    """Every name that is imported, or taken as an attribute of ``harness``; but for what only types are checked by."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                waiting += node.orelse
                continue
            case ast.Import():
                yield from (a.name for a in node.names)
            case ast.ImportFrom():
                module = "." * node.level + (node.module or "")
                yield module
                yield from (f"{module}{'' if module.endswith('.') else '.'}{a.name}" for a in node.names)
            case ast.Attribute(value=ast.Name(id="harness"), attr=attr):
                yield f"harness.{attr}"
        waiting += ast.iter_child_nodes(node)
