"""Whatever becomes of a system.toml, it is read or refused: no traceback, no hang, no control character said."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness.campaign import selection
from harness.cli.main import deploydrill, main
from harness.errors import ExitCode
from harness.host.checkout import ROOT

FILES = {
    "reference": ROOT / "harness" / "bundled" / "reference" / "system.toml",
    "tiny": ROOT / "tests" / "e2e" / "tiny" / "system.toml",
}
TEXTS = {name: file.read_text() for name, file in FILES.items()}
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")

NASTY_TEXTS = st.text(max_size=20) | st.sampled_from(
    [
        *(
            "",
            " ",
            "{prot}",
            "{",
            "}",
            "{}",
            "{dir}{dir}",
            "${dir}",
            "{size",
            "../..",
            "/",
            "%zz",
            "1e999",
            "nan",
            "-1",
        ),
        *("\x1b[2J", "\0", "ü\u202e\u2028", "a" * 70_000, "http://[", "http://127.0.0.1:99999", "http://example.org"),
    ]
)
NASTY: st.SearchStrategy[Any] = (
    NASTY_TEXTS
    | st.sampled_from([0, -1, 2**63, 10**30, 10**400, 1e308, float("inf"), float("nan"), True, [], {}, [[]], [{}]])
    | st.sampled_from(
        [date(1, 1, 1), ["a", 1], [""], ["\0"], {"x": {}}, {"": ""}, {"a=b": "c"}, [0.0, -1.0], [None][:0]]
    )
    | st.lists(NASTY_TEXTS, max_size=3)
    | st.dictionaries(st.text(max_size=5), NASTY_TEXTS, max_size=2)
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (table or list, key) below."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from places(value[key])


def toml(value: Any) -> str:
    """A value as TOML writes it; tables inline."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, str):
        return (
            json.dumps(value, ensure_ascii=True).replace("\\ud", "\\ue") if CONTROL.search(value) else json.dumps(value)
        )
    if isinstance(value, bool | int):
        return json.dumps(value)
    return str(value)  # inf, nan, 1e308 and dates are written alike


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """One of the files with a few keys or values changed; or with its text cut or patched."""
    text = TEXTS[draw(st.sampled_from(sorted(TEXTS)))]
    if draw(st.integers(0, 3)) == 0:
        return torn(draw, text)
    whole = tomllib.loads(text)
    for _ in range(draw(st.integers(1, 3))):
        parent, key = draw(st.sampled_from(list(places(whole))))
        change = draw(st.sampled_from(["drop", "value", "value", "value", "name", "twice"]))
        if isinstance(parent, list):
            parent[key] = deepcopy(draw(NASTY))  # a sample is one object each time, and would hold itself
        elif change == "drop":
            del parent[key]
        elif change == "value":
            parent[key] = deepcopy(draw(NASTY))
        else:
            name = draw(st.text(max_size=6) | st.sampled_from([f"{key}s", str(key)[1:], str(key).upper(), "a" * 300]))
            parent[name] = parent[key] if change == "twice" else parent.pop(key)
    return "\n".join(f"{toml(str(k))} = {toml(v)}" for k, v in whole.items()).encode(errors="replace")


def torn(draw: st.DrawFn, text: str) -> bytes:
    raw = text.encode()
    at = draw(st.integers(0, len(raw)))
    more = draw(
        st.binary(max_size=8)
        | st.sampled_from([b"[[[[", b'"""', b"\xff", b"\x00", b"[service]\n", b"= " * 9, b"a." * 3000, b"[" * 9000])
    )
    return raw[:at] + more + raw[draw(st.sampled_from([at, at + 3, len(raw)])) :]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the mutant lies. What this host can do is looked up once: it is not what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        kind = selection.best_kind()
        patch.setattr(selection, "best_kind", lambda: kind)
        can = selection.capabilities(kind)
        patch.setattr(selection, "capabilities", lambda _: can)
        yield tmp_path_factory.mktemp("mutated") / "system.toml"


def planned(file: Path, content: bytes) -> tuple[int, str]:
    """The exit code of --dry-run, and all that was said."""
    file.write_bytes(content)
    said = CliRunner().invoke(_Main(), ["run", "--system", str(file), "--dry-run", "--no-live"])
    return said.exit_code, said.output


class _Main(type(deploydrill)):  # type: ignore[misc]  # click's group, with our way out of it
    def __init__(self) -> None:
        super().__init__(name="deploydrill")

    def main(self, args: Any = None, **_: Any) -> None:
        main(args)


def check(code: int, said: str) -> None:
    assert code in (ExitCode.PASS, ExitCode.USAGE), said[-2000:]
    assert not CONTROL.search(said), repr(said)
    if code == ExitCode.USAGE:
        assert said.startswith("deploydrill: ") and len(said) < 3000, said[:3000]
    else:
        assert "cells, " in said


@settings(max_examples=150, derandomize=True, deadline=20_000, suppress_health_check=list(HealthCheck), database=None)
@given(content=documents())
@example(content=b"name = " + b"[" * 9000)
@example(content=b"a" + b".a" * 9000 + b" = 1")
@example(content=b"name = " + b"9" * 9000)
@example(content=b"")
def test_a_mutated_file_is_a_plan_or_one_clear_usage_error(file: Path, content: bytes) -> None:
    check(*planned(file, content))


def test_the_files_themselves_are_plans_also_in_the_form_the_mutants_have(file: Path) -> None:
    for text in TEXTS.values():
        whole = "\n".join(f"{toml(k)} = {toml(v)}" for k, v in tomllib.loads(text).items())
        for content in (text, whole):
            code, said = planned(file, content.encode())
            assert code == ExitCode.PASS, said
