"""No code of the harness compares, searches or splits a sentence that the harness itself made (DESIGN: sentences are
output only). What is decided by is a code, a field or a type."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HARNESS = Path(__file__).parents[2] / "harness"
# Programs of their own, and what lays out the pages and the terminal: it wraps, cuts and escapes, and decides nothing.
NOT_OURS = ("bundled", "report/html", "report/text")
# What sentences are called: as attributes and keys, and those that are so called as variables, too.
FIELDS = {"sentence", "title", "headline", "why", "what", "hint", "said", "text", "measured", "meaning", "look"}
VARIABLES = {"sentence", "headline", "why", "hint"}
METHODS = {"startswith", "endswith", "split", "rsplit", "partition", "rpartition", "replace", "removeprefix"}
METHODS |= {"removesuffix", "find", "rfind", "index", "rindex", "count", "splitlines"}
PATTERNS = {"search", "match", "fullmatch", "findall", "finditer", "sub", "split"}
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")

# (file, the use) -> why it is none of ours.
ALLOWED = {
    ("campaign/flaws/flaw_signs.py", "re.search(flaw.observation, f.sentence)"): "an expression of the user's own",
    ("checkers/concurrency/end_state.py", "key not in read_back.said"): "keys of the kit's status, not words",
    ("checkers/concurrency/winners.py", "'Traceback (most recent call last)' in loser.output"): "words of the kit",
    ("judge/named.py", "str(error).replace('\\n', '; ')"): "words of a user's own file, put on one line",
    ("rehearsal/triggers.py", "str(error).replace('\\n', '; ')"): "words of a user's own fault, put on one line",
}


def uses(source: str, known: frozenset[str] = frozenset()) -> Iterator[str]:
    """Each use of a sentence in a decision, as Python writes it. ``known``: values that only look like sentences."""
    tree = ast.parse(source)
    caught = {handler.name for handler in ast.walk(tree) if isinstance(handler, ast.ExceptHandler)}

    def is_sentence(node: ast.expr) -> bool:
        match node:
            case ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
                return name in FIELDS
            case ast.Name(id=name):
                return name in VARIABLES
            case ast.Call(func=ast.Name(id="str" | "repr"), args=[ast.Name(id=name)]):
                return name in caught
            case ast.Call(func=ast.Attribute(value=inner, attr="lower" | "strip" | "casefold" | "get")):
                return is_sentence(inner)
            case ast.Constant(value=str(text)):
                return bool(_WORDS.search(text)) and text not in known
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return any(is_sentence(item) for item in items)
            case ast.JoinedStr(values=parts):
                return any(is_sentence(part) for part in parts)
        return False

    for node in ast.walk(tree):
        match node:
            case ast.Compare(left=left, comparators=[*others]):
                empty = any(isinstance(o, ast.Constant) and o.value in ("", None) for o in others)
                if not empty and any(is_sentence(side) for side in (left, *others)):
                    yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments):
                asked = [value] if method in METHODS else []
                asked += arguments if method in METHODS | PATTERNS else []
                if any(is_sentence(a) for a in asked):
                    yield ast.unparse(node)
            case ast.Match(subject=subject) if is_sentence(subject):
                yield ast.unparse(subject)
            case ast.MatchValue(value=value) if is_sentence(value):
                yield ast.unparse(value)


def literals(source: str) -> Iterator[str]:
    """The members of every ``Literal[...]``: values of a type, such as a mark that is ``not run``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal":
            yield from (
                c.value for c in ast.walk(node.slice) if isinstance(c, ast.Constant) and isinstance(c.value, str)
            )


def sources() -> dict[str, str]:
    files = {str(file.relative_to(HARNESS)): file for file in sorted(HARNESS.rglob("*.py"))}
    return {name: file.read_text() for name, file in files.items() if not name.startswith(NOT_OURS)}


def test_nothing_is_decided_by_a_sentence_of_our_own() -> None:
    texts = sources()
    known = frozenset(value for text in texts.values() for value in literals(text))
    found = {(name, use) for name, text in texts.items() for use in uses(text, known)}
    assert sorted(found - set(ALLOWED)) == []
    assert sorted(set(ALLOWED) - found) == []  # an exception that nothing needs any more
    assert len(texts) > 200


@pytest.mark.parametrize(
    "planted",
    [
        'finding.sentence == "all is well"',
        '"lost" in finding.sentence',
        'f["sentence"].startswith("load ")',
        're.search(r"lost", verdict.why)',
        '_LOST.search(document["title"].lower())',
        'warning.text.split("; ")',
        'error.what.startswith("read")',
        'why.partition(":")',
        'answer == "timed out"',
        'answer.startswith("system call")',
        'answer in ("not there", "no such file")',
        'hint.replace("did", "do")',
    ],
)
def test_a_planted_use_is_found(planted: str) -> None:
    assert list(uses(planted)) == [planted.replace('"', "'").replace("r'", "'")]


def test_a_planted_use_of_an_error_and_of_a_match_is_found() -> None:
    caught = "try:\n    go()\nexcept OSError as error:\n    again = 'busy' in str(error)"
    assert list(uses(caught)) == ["'busy' in str(error)"]
    assert list(uses("match finding.sentence:\n    case 'x':\n        go()")) == ["finding.sentence"]


@pytest.mark.parametrize(
    "allowed",
    [
        'finding.code == "restore.mixed"',
        'finding.why == ""',
        'mark == "not run"',
        'print(f"{finding.sentence}; it failed")',
        'output.split(" ")',
    ],
)
def test_what_decides_by_a_code_or_only_shows_a_sentence_is_fine(allowed: str) -> None:
    assert list(uses(allowed, frozenset({"not run"}))) == []
