"""The documents: links resolve, commands and options exist, generated parts are fresh, the README is short."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.cli import reference
from harness.host.checkout import ROOT
from tests import shown
from tests.documents import code, pages, prose

README = ROOT / "README.md"
MOST_LINES = 150
# Options of other programs, which the pages name.
OTHERS = {"--deploydrill-system", "--junit-xml"}
USERS_PAGES = [p for p in pages() if "tests" not in p.parts and "bundled" not in p.parts]


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """What a link into the page may end in, as forges make it from headings."""
    heads = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: Path) -> list[str]:
    return [to for to in re.findall(r"\]\(([^)\s]+)\)", prose(page)) if not re.match(r"[a-z]+:", to)]


def broken(page: Path, to: str) -> bool:
    """Whether the link leads nowhere."""
    path, _, anchor = to.partition("#")
    target = (page.parent / path).resolve() if path else page
    return not target.exists() or (bool(anchor) and anchor not in anchors(target))


def said_wrongly(text: str) -> list[str]:
    """Of each `deploydrill VERB --option` in some code: the verbs and options that the command does not have."""
    verbs, wrong = reference.verbs(), []
    for verb, rest in re.findall(r"(?:^|[\s/])deploydrill ([a-z]+)\b([^\n]*)", text):
        if verb not in verbs:
            wrong.append(verb)
            continue
        options = re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest.partition("#")[0])
        wrong += [f"{verb} {o}" for o in options if o not in reference.options(verbs[verb])]
    return wrong


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_link_resolves(page: Path) -> None:
    assert [to for to in links(page) if broken(page, to)] == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, new = set[Path](), {README}
    while new:
        reached |= new
        ends = {(p.parent / to.partition("#")[0]).resolve() for p in new for to in links(p)}
        new = {p for p in ends if p.suffix == ".md"} - reached
    assert sorted(named(p) for p in set(pages()) - reached) == []


@pytest.mark.parametrize("page", USERS_PAGES, ids=named)
def test_every_command_has_the_verb_and_the_options_that_a_page_names(page: Path) -> None:
    assert [wrong for text in code(page) for wrong in said_wrongly(text)] == []


@pytest.mark.parametrize("page", USERS_PAGES, ids=named)
def test_every_option_that_a_page_names_is_one_of_some_verb(page: Path) -> None:
    known = {o for verb in reference.verbs().values() for o in reference.options(verb)} | OTHERS
    spans = re.findall(r"`(--[a-z-]+)", prose(page))
    assert [o for o in spans if o not in known] == []


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    asked = {t for text in code(page) for t in re.findall(r"(?:^|\s)make (?:-C \w+ )?([a-z-]+)\b", text)}
    assert sorted(asked - targets) == []


@pytest.mark.parametrize("page", [ROOT / "harness" / "ARCHITECTURE.md", ROOT / "harness/docs/decisions.md"])
def test_every_module_that_the_builders_pages_name_exists(page: Path) -> None:
    roots = (ROOT / "harness", ROOT, ROOT / "harness" / "bundled" / "reference")
    named_so = r"`([a-z_]+(?:/[a-z_]+)*(?:\.py|/[a-z_]+\.md|/)|[a-z_]+/[a-z_/]+)`"
    paths = set(re.findall(named_so, page.read_text()))
    assert len(paths) > 2
    assert sorted(p for p in paths if not any((root / p).exists() for root in roots)) == []


def test_every_guard_that_the_page_of_sabotage_names_is_a_module() -> None:
    rows = re.findall(r"^\| `[a-z0-9-]+` \|[^|]+\|([^|]+)\|", (ROOT / "tests/sabotage/README.md").read_text(), re.M)
    guards = {name for row in rows for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)`", row)}
    assert len(guards) > 10
    missing = [g for g in sorted(guards) if not (ROOT / "harness" / f"{g.replace('.', '/')}.py").exists()]
    assert missing == []


def test_the_packages_of_architecture_are_those_that_there_are() -> None:
    text = (ROOT / "harness" / "ARCHITECTURE.md").read_text()
    table = text.partition("## Where things are")[2].partition("## Words")[0]
    told = {
        name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w.]+)`", row)
    }
    there = {p.name for p in (ROOT / "harness").iterdir() if p.is_dir() and p.name != "__pycache__"}
    modules = {p.name for p in (ROOT / "harness").glob("*.py")} - {"__init__.py", "errors.py", "model.py"}
    assert told == there | modules


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= MOST_LINES


def test_the_readme_shows_what_a_failing_run_prints_today() -> None:
    assert README.read_text() == shown.page(README.read_text()), "run: make docs"


def test_the_picture_of_the_report_is_small() -> None:
    assert shown.PICTURE.read_bytes().startswith(b"\x89PNG")
    assert shown.PICTURE.stat().st_size < shown.MOST_BYTES


def test_the_command_reference_is_as_fresh_as_the_command() -> None:
    text = reference.PAGE.read_text()
    assert text == reference.page(text), "run: make docs"
    assert all(f"### `deploydrill {verb}" in text for verb in reference.verbs())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("deploydrill run disk_full --seed 1", []),
        (".venv/bin/deploydrill judge x --seed 1", ["judge --seed"]),
        ("deploydrill rehearse", ["rehearse"]),
        ("deploydrill run  # deploydrill-like --words", []),
    ],
)
def test_wrong_commands_are_seen(text: str, wrong: list[str]) -> None:
    assert said_wrongly(text) == wrong
