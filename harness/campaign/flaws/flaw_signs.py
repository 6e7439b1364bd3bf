"""The signs of a flaw: the findings by which a run shows it, and whether system.toml names such findings at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

import harness.checkers
import harness.judge.codes  # noqa: F401 - these two declare the codes
from harness.checkers.core.codes import CODES, Code
from harness.config.schema import VariantConfig
from harness.config.suggest import did_you_mean
from harness.errors import HarnessError
from harness.model import Finding


def shown_by(flaw: VariantConfig, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The failed findings by which a run shows the flaw, one for each of its ``codes``; empty where one is missing.
    Of a flaw with an ``observation``: the first failed finding whose sentence matches it."""
    failed = [f for f in findings if f.outcome == "fail"]
    if not flaw.codes:
        return tuple(f for f in failed if re.search(flaw.observation, f.sentence))[:1]
    signs = [next((f for f in failed if _is_sign(f, entry, flaw.where)), None) for entry in flaw.codes]
    found = tuple(sign for sign in signs if sign)
    return found if len(found) == len(flaw.codes) else ()


def _is_sign(finding: Finding, entry: str, where: Mapping[str, Any]) -> bool:
    if finding.code not in _alternatives(entry):
        return False
    return matches(finding.details, _asked_of(CODES[finding.code], where))


def _alternatives(entry: str) -> list[str]:
    return [name.strip() for name in entry.split("|")]


def _asked_of(code: Code, where: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``where`` is asked of a code: the details that it has."""
    known = {f.name for f in msgspec.structs.fields(code.details)}
    return {name: wanted for name, wanted in where.items() if name in known}


def matches(found: object, wanted: object) -> bool:
    """Whether a value of the details is as wanted: a table looks inside, a list wants one of its values; of a list in
    the details one element must match."""
    if isinstance(found, list | tuple):
        return any(matches(item, wanted) for item in found)
    if isinstance(wanted, Mapping):
        return isinstance(found, Mapping) and all(
            name in found and matches(found[name], inner) for name, inner in wanted.items()
        )
    if isinstance(wanted, list | tuple):
        return any(matches(found, one) for one in wanted)
    return found == wanted and isinstance(found, bool) == isinstance(wanted, bool)


def check_signs(flaw: VariantConfig, what: str) -> None:
    """HarnessError (64) for a code that no finding has or that never fails, a detail that none of them has, and an
    observation that is no regular expression. The scenarios, and with them checkers of the user's own, are loaded."""
    named = [_code(name, f"{what}.codes") for entry in flaw.codes for name in _alternatives(entry)]
    for path in _paths(flaw.where):
        _check_detail(path, named, f"{what}.where")
    try:
        re.compile(flaw.observation)
    except re.error as error:
        why = f"{flaw.observation!r} is no regular expression: {error}"
        hint = "a parenthesis or a dot that is meant itself needs a \\"
        raise HarnessError(f"{what}.observation", why, hint) from None


def _code(name: str, what: str) -> Code:
    failing = [c.name for c in CODES.values() if c.outcome == "fail"]
    if name not in CODES:
        hint = did_you_mean(name, failing) or "`deploydrill explain` lists the codes"
        raise HarnessError(what, f"there is no finding code {name!r}", hint)
    if name not in failing:
        why = f"{name} is the code of {_a(CODES[name].outcome)}: no cell fails by it"
        raise HarnessError(what, why, did_you_mean(name, failing) or "`deploydrill explain` lists the codes that fail")
    return CODES[name]


def _a(outcome: str) -> str:
    return f"an {outcome}" if outcome == "unknown" else f"a {outcome}"


def _paths(where: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, value in where.items():
        if isinstance(value, Mapping):
            yield from _paths(value, (*path, name))
        else:
            yield (*path, name)


def _check_detail(path: tuple[str, ...], named: Sequence[Code], what: str) -> None:
    """The detail must be one of at least one of the codes."""
    kinds: list[type] = [code.details for code in named]
    for depth, name in enumerate(path):
        known = {f: hint for kind in kinds for f, hint in _fields(kind).items()}
        if name not in known:
            hint = did_you_mean(name, known) or f"known here: {', '.join(sorted(known)) or 'nothing'}"
            of = ", ".join(c.name for c in named) if depth == 0 else ".".join(path[:depth])
            raise HarnessError(f"{what}.{'.'.join(path)}", f"the details of {of} have no {name!r}", hint)
        kinds = [s for kind in kinds if name in _fields(kind) for s in _structs(_fields(kind)[name])]


def _fields(kind: type) -> dict[str, Any]:
    """Detail -> its type."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in msgspec.structs.fields(kind)}


def _structs(hint: Any) -> list[type]:
    """The structs in a type such as ``list[Overlap]`` or ``OperationEnd | None``."""
    if get_origin(hint) is None:
        return [hint] if isinstance(hint, type) and issubclass(hint, msgspec.Struct) else []
    return [struct for inner in get_args(hint) for struct in _structs(inner)]
