"""The code of a finding: its name, what it means, how it reads, and the shape of its details."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from harness.errors import Matter
from harness.host.outputs import telling_line
from harness.model import Finding, FindingOutcome, Operation, Outcome, Subject, merged

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
MOST_EXAMPLES = 20
# Of what an operation printed: where a finding looks for the line it holds, and how much of that it holds.
END_CHARS = 4096
LINE_CHARS = 200


class Details(msgspec.Struct):
    """What a finding of one code holds: a subclass a code, made known by ``@code``. Fields are plain values, lists of
    them, and structs of such (``msgspec.Struct``), so that they are JSON as they stand."""


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding. ``title`` is a headline of some six words. ``sentence`` is a Jinja template over the fields of
    ``details`` (filters: harness/checkers/core/sentences.py). ``meaning``, ``causes`` (the likely ones), ``look``
    (where to look) and ``hint`` (what to try) are what ``deploydrill explain CODE`` prints. ``absent``: it only says
    that what it asks about never came; in a run that was broken off that is why."""

    name: str
    outcome: FindingOutcome
    title: str
    sentence: str
    meaning: str
    causes: tuple[str, ...]
    look: str
    hint: str
    matter: Matter
    details: type[Details]
    absent: bool = False


CODES: dict[str, Code] = {}
_BY_DETAILS: dict[type[Details], Code] = {}
D = TypeVar("D", bound=Details)


def code(
    name: str,
    outcome: FindingOutcome,
    *,
    title: str,
    sentence: str,
    meaning: str,
    causes: Sequence[str] = (),
    look: str = "",
    hint: str = "",
    matter: Matter = "system",
    absent: bool = False,
) -> Callable[[type[D]], type[D]]:
    """Declare the code ``name`` whose details the decorated class holds. Raises ValueError for a name that is not
    dotted lower case, or that another class has."""

    def declare(details: type[D]) -> type[D]:
        known = CODES.get(name)
        if not _NAME.fullmatch(name):
            raise ValueError(f"the code {name!r} is not dotted lower case, such as backup.partial_is_latest")
        if known is not None and (known.details.__module__, known.details.__qualname__) != (
            details.__module__,
            details.__qualname__,
        ):
            raise ValueError(f"the code {name} is declared by {known.details.__qualname__} already")
        CODES[name] = _BY_DETAILS[details] = Code(
            name, outcome, title, sentence, meaning, tuple(causes), look, hint, matter, details, absent
        )
        return details

    return declare


def code_of(details: type[Details]) -> Code:
    """The code that a class of details was declared for."""
    return _BY_DETAILS[details]


def finding(
    check: str,
    subject: Subject,
    details: Details,
    *,
    because: Sequence[str] = (),
    count: int = 1,
    examples: Sequence[Any] = (),
) -> Finding:
    """The finding that ``details`` are of, about ``subject``; its code, outcome and matter follow from their class."""
    declared = code_of(type(details))
    plain: Mapping[str, Any] = msgspec.to_builtins(details)
    return Finding(
        check=check,
        code=declared.name,
        outcome=declared.outcome,
        subject=subject,
        details=plain,
        because=tuple(dict.fromkeys(because)),
        count=count,
        examples=tuple(msgspec.to_builtins(list(examples[:MOST_EXAMPLES]))),
        matter=declared.matter,
    )


class Answer(msgspec.Struct):
    """What a finding holds of another answer: its code and its details."""

    code: str
    details: dict[str, Any]


def answer(details: Details) -> Answer:
    """The answer that ``details`` are of, for the details of another finding."""
    return Answer(code_of(type(details)).name, msgspec.to_builtins(details))


def outcome_of(answers: Sequence[Details]) -> Outcome:
    """fail > unknown > pass over the codes of all of them."""
    return merged([code_of(type(details)).outcome for details in answers])


class OperationEnd(msgspec.Struct):
    """How an operation ended: ``exit`` is None when it was still running at its deadline; ``seconds`` are the kit's
    own; ``line`` of its output tells its error, or is the last; ``blocked_on`` is where it hung; each may be empty."""

    id: str
    exit: int | None
    seconds: float
    line: str = ""
    blocked_on: str = ""


def end_of(operation: Operation) -> OperationEnd:
    """What a finding says of how an operation ended."""
    output = operation.output.rstrip()[-END_CHARS:]
    if operation.exit == 0:
        output = output[output.rfind("\n") + 1 :]  # one that succeeded may well have told of errors it dealt with
    said = telling_line(output, LINE_CHARS)
    return OperationEnd(operation.id, operation.exit, round(operation.seconds, 6), said, operation.blocked_on)
