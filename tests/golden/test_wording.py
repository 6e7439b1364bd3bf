"""The words of each code, held by one file a checker: the only tests that know how a finding reads.

``python -m tests.golden.test_wording`` writes the files anew.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

import harness.checkers
from harness.checkers.core import codes
from harness.checkers.core.codes import Code, Details, finding
from harness.checkers.core.protocol import Checker
from harness.checkers.core.sentences import with_sentence
from harness.judge import codes as of_the_run
from harness.model import Subject

FOLDER = Path(__file__).with_name("wording")


def sample(kind: Any, name: str, full: bool) -> Any:
    """A plain value of the type: of some size, or as empty as the type allows."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return sample(inner[0], name, full) if full or type(None) not in inner else None
    if origin is typing.Literal:
        return inner[0] if full else inner[-1]
    if origin in (list, tuple):
        return [sample(inner[0], name, True), sample(inner[0], name, False)] if full else []
    if origin is not None and issubclass(origin, typing.cast(Any, dict)):
        return {f"a {name}": sample(inner[1], name, True)} if full else {}
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return filled(kind, full)
    return {
        Any: f"<{name}>",
        str: f"<{name}>" if full else "",
        int: 3 if full else 0,
        float: 1.25 if full else 0.0,
        bool: full,
    }[kind]


def filled(kind: type[msgspec.Struct], full: bool) -> Any:
    hints = typing.get_type_hints(kind)
    return kind(**{f: sample(hints[f], f, full) for f in kind.__struct_fields__})


def told(code: Code) -> Iterator[str]:
    """Its words over details of some size, and over empty ones where that reads otherwise."""
    yield f"{code.name} ({code.outcome}, {code.matter})"
    full, bare = (
        with_sentence(finding("a.question", Subject("run", "subject"), filled(code.details, full)))
        for full in (True, False)
    )
    for part in ("title", "sentence", "hint"):
        for text in dict.fromkeys(getattr(found, part) for found in (full, bare)):
            yield f"  {part}: {text}"
    yield f"  meaning: {code.meaning}"
    for cause in code.causes:
        yield f"  cause: {cause}"
    yield f"  look: {code.look}"


def speakers() -> dict[str, tuple[type[Details], ...]]:
    """The codes by who declares them: each checker, and the judge itself."""
    for module in pkgutil.walk_packages(harness.checkers.__path__, "harness.checkers."):
        importlib.import_module(module.name)
    return {"run": of_the_run.CODES, **{c.name: c.codes for c in Checker.__subclasses__() if "harness" in c.__module__}}


def wording(details: tuple[type[Details], ...]) -> str:
    return "\n\n".join("\n".join(told(codes.code_of(d))) for d in details) + "\n"


@pytest.mark.parametrize("name", speakers())
def test_the_words_of_its_codes_are_those_that_were_accepted(name: str) -> None:
    path = FOLDER / f"{name}.txt"
    again = "python -m tests.golden.test_wording writes it anew"
    assert wording(speakers()[name]) == (path.read_text() if path.exists() else ""), again


def test_no_file_is_of_a_checker_that_is_gone() -> None:
    assert sorted(p.stem for p in FOLDER.glob("*.txt")) == sorted(speakers())


def test_a_headline_is_short_and_every_code_says_what_it_means() -> None:
    for code in (codes.code_of(d) for of_one in speakers().values() for d in of_one):
        assert len(code.title.split()) <= 9 and len(code.title) <= 60, code.name
        assert code.meaning and code.sentence, code.name
        assert code.hint or code.outcome in ("pass", "note"), f"{code.name} does not say what to try"


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, details in speakers().items():
        (FOLDER / f"{name}.txt").write_text(wording(details))
    return 0


if __name__ == "__main__":
    sys.exit(main())
