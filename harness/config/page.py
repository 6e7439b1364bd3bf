"""The reference page of system.toml, made from the declarations of its keys: ``python -m harness.config.page``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import jinja2

from harness.config.claims import CLAIMS, ClaimLimit
from harness.config.keys import UNSET, Declared, keys_of
from harness.config.operations import KNOWN_OPERATIONS
from harness.config.placeholders import COMMAND, LINK, MEANINGS, PLACES, REQUEST
from harness.config.rules import RULES
from harness.config.schema import EDGES, PhaseConfig, SystemConfig
from harness.config.toml.shapes import PAGES, ByName, Flag, One, Several
from harness.config.toml.value import REQUIRED
from harness.host.checkout import DOCS

PAGE = DOCS / "system-toml.md"
_TEMPLATE = Path(__file__).with_name("page.md.jinja")


def page() -> str:
    """The text of the page."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    return environment.from_string(_TEMPLATE.read_text()).render(
        placeholders=_placeholders(), operations=_operations(), claims=_claims(), keys="\n\n".join(_tables())
    )


def _rows(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    """A table of Markdown; a bar would end its cell."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _placeholders() -> str:
    where = {"commands": COMMAND, "places": PLACES, "links": LINK, "requests": REQUEST, "the read-back": PAGES}
    return _rows(
        ("placeholder", "is", "in"),
        (
            (f"`{{{name}}}`", meaning, ", ".join(place for place, names in where.items() if name in names))
            for name, meaning in MEANINGS.items()
        ),
    )


def _operations() -> str:
    return _rows(
        ("operation", "is told", "exits 0 only if"),
        (
            (f"`{name}`", f"`{known.argument}`" if known.argument else "", _code(known.promise))
            for name, known in KNOWN_OPERATIONS.items()
        ),
    )


def _claims() -> str:
    return _rows(("claim", "limits"), ((f"`{name}`", known.says) for name, known in CLAIMS.items()))


def _tables() -> Iterable[str]:
    """A section for the keys at the top and for each table; those of no keys of their own stand at the top."""
    yield _section("At the top of the file", "", SystemConfig)
    yield from _below(SystemConfig, "")


def _below(of: type, path: str) -> Iterable[str]:
    for declared in keys_of(of):
        shape = declared.key.shape
        if not isinstance(shape, One | ByName | Several):
            continue
        inner = f"{path}.{declared.name}" if path else declared.name
        heading = f"`{shape.heading(inner)}`"
        if shape.of is PhaseConfig:
            yield _phases(declared)
        elif shape.of is ClaimLimit:
            says = f"{_sentences(declared)} Each is a number, or a table of these keys."
            yield _section(f"{heading} `claim = {{ ... }}`", says, ClaimLimit)
        else:
            yield _section(heading, _sentences(declared), shape.of)
        yield from _below(shape.of, inner)


def _section(heading: str, says: str, of: type) -> str:
    parts = [f"### {heading}", says, _keys(of), "\n".join(f"- {rule.says}" for rule in RULES.get(of, ()))]
    return "\n\n".join(part for part in parts if part)


def _phases(declared: Declared) -> str:
    operation = ("`operation`", "text", "the first part of its name", "The phase belongs to this operation.")
    edges = [(f"`{k}`", "an edge", "the operation's own", f"The phase has its {k} there.") for k in ("start", "stop")]
    same = ("`same_as`", "text", "none", "Instead of both: the phase is whenever this other one is.")
    parts = [
        '### `[phases."NAME"]`',
        f"{_sentences(declared)} Its name holds a dot, so it stands in quotes. It has a `start`, a `stop`, or both.",
        _rows(("key", "value", "default", "meaning"), [operation, *edges, same]),
        "An edge is a table of one of these three forms.",
        *(f"**`{form}`**\n\n{_keys(of)}" for form, of in EDGES.items()),
    ]
    return "\n\n".join(parts)


def _keys(of: type) -> str:
    rows = (
        (f"`{d.name}`", d.key.shape.describe(), _default(d), _sentences(d) + _where(d))
        for d in keys_of(of)
        if not isinstance(d.key.shape, One | ByName | Several)
    )
    return _rows(("key", "value", "default", "meaning"), rows)


def _default(declared: Declared) -> str:
    if declared.default is REQUIRED:
        return "required" if declared.key.attached is UNSET or declared.key.where else "required on an island"
    return f"`{declared.shown_default}`" if declared.shown_default else "none"


def _where(declared: Declared) -> str:
    places = {
        "": "",
        "island": " Not for a system that runs already.",
        "attached": " Only for a system that runs already.",
    }
    return places[declared.key.where]


def _sentences(declared: Declared) -> str:
    text = f"{_code(declared.key.says)} {declared.key.more}".strip()
    example = declared.key.example
    shown = example and example not in ('""', declared.shown_default) and not isinstance(declared.key.shape, Flag)
    return f"{text} Example: `{example}`." if shown else text


def _code(text: str) -> str:
    """A placeholder in a sentence, set as code."""
    for name in MEANINGS:
        text = text.replace(f"`{{{name}}}`", f"{{{name}}}").replace(f"{{{name}}}", f"`{{{name}}}`")
    return text


if __name__ == "__main__":
    PAGE.write_text(page())
