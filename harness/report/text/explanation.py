"""What a code means, for ``deploydrill explain CODE``, and the page of all codes: ``python -m
harness.report.text.explanation``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any, get_args, get_type_hints

import msgspec

from harness.checkers.core.codes import Code, Details
from harness.host.checkout import DOCS
from harness.judge.declared import bundled
from harness.model import FindingOutcome
from harness.recording.reference import words

PAGE = DOCS / "findings.md"
OUTCOMES: dict[FindingOutcome, str] = {
    "pass": "pass",
    "fail": "fail",
    "unknown": "unknown: it could not be checked, which is no pass",
    "note": "note: it is shown, and changes no outcome",
}
MATTERS = {
    "system": "the system's: what was rehearsed shows it",
    "load": "the load's: the requests that were to show it were not as they should be",
    "host": "the machine's: this host could not do what was asked, or did something else besides",
    "harness": "the harness's: it was late, broken off or could not record",
    "plan": "the plan's: the scenario or the system.toml does not provide what the question needs",
}
_INTRODUCTION = """\
<!-- Made from the codes beside their checkers by `make docs`. -->
# Findings

Every answer of a run is a finding with a code. Decide by `code` and `details`: the words may change.
`deploydrill explain CODE` prints what stands here, also for the codes of a checker of your own (`--scenarios DIR`).
[result.schema.json](result.schema.json) has the shape of each code's details.

An outcome is pass, fail, unknown (it could not be checked, which is no pass) or note (it is shown, and changes no
outcome). A code says whose matter a finding is. Look for a fault of the system only in a finding that is the system's.

| whose matter | is |
|---|---|
"""


def explain(code: Code) -> Iterator[str]:
    """The explanation, a line a thing; the caller breaks them."""
    yield f"{code.name}: {_spoken(code.title)}"
    yield f"outcome: {OUTCOMES[code.outcome]}"
    yield f"whose matter: {MATTERS[code.matter]}"
    yield f"\n{_spoken(code.meaning)}"
    if code.causes:
        yield "\nlikely causes:"
        yield from (f"  - {_spoken(cause)}" for cause in code.causes)
    if code.look:
        yield f"\nwhere to look: {_spoken(code.look)}"
    if code.hint:
        yield f"\nwhat to try: {_spoken(code.hint)}"
    yield "\ndetails in result.json:" if code.details.__struct_fields__ else "\nit has no details"
    yield from (f"  {'  ' * depth}{name}: {kind}" for name, kind, depth in fields(code.details))


def fields(struct: type[msgspec.Struct], depth: int = 0) -> Iterator[tuple[str, str, int]]:
    """Name and type of each field, and how deep it stands: below a field those of the objects in it."""
    for name, hint in get_type_hints(struct).items():
        if name in struct.__struct_fields__:
            yield name, words(hint), depth
            for inner in _structs(hint):
                yield from fields(inner, depth + 1)


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint
    for argument in get_args(hint):
        yield from _structs(argument)


def _spoken(template: str) -> str:
    """A title or a hint that has details in it: their names stand for them."""
    text = re.sub(r"{%.*?%}", "", template.replace("{% else %}", " / "))
    return " ".join(re.sub(r"{{\s*(\w+).*?}}", lambda found: found[1].upper(), text).split())


def page() -> str:
    """The page of all codes that come with the harness, by the first word of their names."""
    parts = [_INTRODUCTION + "".join(f"| {matter} | {text} |\n" for matter, text in MATTERS.items())]
    by_subject = [
        (s, list(codes)) for s, codes in groupby(bundled().values(), lambda code: code.name.partition(".")[0])
    ]
    parts.append("\n" + ", ".join(f"[{subject}](#{subject})" for subject, _ in by_subject) + "\n")
    for subject, codes in by_subject:
        parts.append(f"\n## {subject}\n")
        parts += [_section(code) for code in codes]
    return "".join(parts)


def _section(code: Code) -> str:
    lines = [f'\n### <a id="{code.name}"></a>`{code.name}`', ""]
    lines.append(f"**{_spoken(code.title)}** ({code.outcome}, {code.matter}). {_spoken(code.meaning)}")
    rows = [f"likely cause: {_spoken(cause)}" for cause in code.causes]
    rows += [f"where to look: {_spoken(code.look)}"] if code.look else []
    rows += [f"what to try: {_spoken(code.hint)}"] if code.hint else []
    rows += [f"details: {_inline(code.details)}"] if code.details.__struct_fields__ else []
    return "\n".join([*lines, "", *(f"- {row}" for row in rows), ""])


def _inline(details: type[Details]) -> str:
    return ", ".join(f"`{name}` ({kind})" for name, kind, depth in fields(details) if depth == 0)


if __name__ == "__main__":
    PAGE.write_text(page())
