"""The one place where findings become sentences: templates of their codes, filled with their details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from harness.checkers.core import phrases
from harness.checkers.core.codes import CODES, Code, Details, code_of
from harness.host.host_needs import explained, in_words
from harness.host.sizes import size
from harness.model import Finding

if TYPE_CHECKING:
    import jinja2


def with_sentence(finding: Finding) -> Finding:
    """The same finding with its title, sentence and hint. Of a code that is not known here they stay as they are."""
    declared = CODES.get(finding.code)
    if declared is None:
        return finding
    known = {**finding.details, "subject": str(finding.subject), "count_": finding.count, "examples": finding.examples}
    return replace(
        finding,
        title=_filled(declared.title, known),
        sentence=_filled(declared.sentence, known),
        hint=_filled(declared.hint, known),
    )


def told(details: Details) -> str:
    """What ``details`` say, and what to try: one line, for a finding that there is not yet."""
    declared, known = code_of(type(details)), msgspec.to_builtins(details)
    return f"{_filled(declared.sentence, known)} ({_filled(declared.hint, known)})"


def _filled(template: str, details: Mapping[str, Any]) -> str:
    import jinja2

    try:
        return _template(template).render(details).strip()
    except jinja2.TemplateError as error:  # of a code of the user's own; what was found is in its details
        return f"{template} ({type(error).__name__}: {error})"


def unknown_names(code: Code) -> tuple[str, ...]:
    """Names in the templates of a code that are none of its details', or why a template is none."""
    import jinja2
    from jinja2 import meta

    found: list[str] = []
    for template in (code.title, code.sentence, code.hint):
        try:
            named = meta.find_undeclared_variables(_environment().parse(template))
        except jinja2.TemplateError as error:
            return (f"{error}",)
        found += sorted(named - {*code.details.__struct_fields__, "subject", "count_", "examples"})
    return tuple(dict.fromkeys(found))


@cache
def _template(text: str) -> jinja2.Template:
    return _environment().from_string(text)


@cache
def _environment() -> jinja2.Environment:
    import jinja2  # a tenth of a second, which a command that judges nothing does not pay

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= {
        "count": phrases.count,
        "grouped": phrases.grouped,
        "size": size,
        "figure": phrases.figure,
        "claimed": phrases.claimed,
        "measured": phrases.measured,
        "s": _seconds,
        "some": _some,
        "ended": _ended,
        "said": _said,
        "told": _told,
        "host_need": in_words,
        "host_need_why": explained,
    }
    return environment


def _seconds(value: float, digits: int = 2) -> str:
    """``0.21 s``."""
    return f"{value:.{digits}f} s"


def _some(items: Sequence[Any], most: int = 3, between: str = ", ") -> str:
    """The first ``most`` of them, and how many more there are: ``a, b, c and 4 more``."""
    shown = between.join(str(item) for item in items[:most])
    return f"{shown} and {len(items) - most} more" if len(items) > most else shown


def _ended(end: Mapping[str, Any]) -> str:
    """An ``OperationEnd``: ``backup-2 exited with 1 after 0.21 s``."""
    if end["exit"] is None:
        return f"{end['id']} had not ended after {end['seconds']:.2f} s"
    return f"{end['id']} exited with {end['exit']} after {end['seconds']:.2f} s"


def _said(end: Mapping[str, Any]) -> str:
    """An ``OperationEnd``: what the operation said."""
    said = end.get("line") or end.get("last_line")  # the second: in results of before
    return f"it said: {said}" if said else "it said nothing"


def _told(answers: Sequence[Mapping[str, Any]]) -> str:
    """The sentences of some ``Answer``: ``a; b``. Of a code that is not known here it is the code."""
    known = ((a, CODES.get(a["code"])) for a in answers)
    return "; ".join(_filled(code.sentence, a["details"]) if code else a["code"] for a, code in known)
