"""Lines of a first system.toml, made from the declarations of its keys."""

from __future__ import annotations

from harness.config.claims import CLAIMS
from harness.config.keys import Declared, keys_of, table_of
from harness.config.operations import KNOWN_OPERATIONS
from harness.config.schema import EDGES, OperationConfig, SystemConfig
from harness.config.toml.shapes import ByName, One, Several, written

_COMMENT_AT = 38
_WIDTH = 130
# Keys of an operation that say more of it.
_MORE = {
    "backup": ("needs_links", "checks_space"),
    "deploy": ("asks_monitors",),
    "rollback": ("restores",),
    "restore": ("to", "version"),
}
# A line with more blanks after its # stands instead of another one, or is for another case than the usual one.
_MARKS = {"default": "# ", "instead": "#   ", "another": "#     "}


def commented(line: str, *comments: str) -> str:
    """``line`` with its comments at its end; the first stands above it where there is no room."""
    text = "  ".join(c for c in comments if c)
    if not text:
        return line
    whole = f"{line:{_COMMENT_AT - 2}}  # {text}"
    if len(whole) <= _WIDTH:
        return whole
    return f"# {comments[0]}\n{commented(line, *comments[1:])}"


def keys(path: str, *only: str, guesses: dict[str, str] | None = None, all_another: bool = False, **values: str) -> str:
    """The keys of a table, one a line (``only`` these). Those in ``values`` are set: to their value, or where that is
    empty to the example; the others are comments. ``guesses``: what marks a value as a guess, by its dotted key.
    ``all_another``: the whole table is for another case than the usual one."""
    names = only or [d.name for d in keys_of(table_of(SystemConfig, path)) if _is_value(d)]
    declared = {d.name: d for d in keys_of(table_of(SystemConfig, path))}
    return "\n".join(
        _line(declared[name], values.get(name), (guesses or {}).get(f"{path}.{name}", ""), all_another)
        for name in names
    )


def _is_value(declared: Declared) -> bool:
    return not isinstance(declared.key.shape, One | ByName | Several)


def _line(declared: Declared, value: str | None, guess: str, another: bool = False) -> str:
    mark = _MARKS["another" if another else declared.key.init] if value is None else ""
    text = value or declared.key.example or declared.shown_default
    return commented(f"{mark}{declared.name} = {text}", declared.key.says, guess)


def table(path: str, name: str = "", off: bool = False, another: bool = False) -> str:
    """The heading of a table, with what it is about; ``off``: as a comment, ``another``: as one for another case."""
    parent, _, last = path.rpartition(".")
    declared = next(d for d in keys_of(table_of(SystemConfig, parent)) if d.name == last)
    shape = declared.key.shape
    heading = shape.heading(path) if isinstance(shape, One | ByName | Several) else f"[{path}]"
    mark = _MARKS["another"] if another else "# " * off
    return commented(f"{mark}{heading.replace('NAME', name)}", declared.key.says)


def says(key: str) -> str:
    return next(d.key.says for d in keys_of(SystemConfig) if d.name == key)


def edge(form: str, *names: str) -> str:
    """An edge of a phase as an inline table: ``{ log = '^copying' }``."""
    declared = {d.name: d for d in keys_of(EDGES[form])}
    return "{ " + ", ".join(f"{n} = {declared[n].key.example or declared[n].shown_default}" for n in names) + " }"


def claims() -> str:
    """Every claim there is; only the one that goes without saying is made."""
    return "\n".join(
        commented(f"{'' if key == 'bad_requests' else '# '}{key} = {known.example}", known.says)
        for key, known in CLAIMS.items()
    )


def operation(name: str, command: tuple[str, ...], guess: str) -> str:
    """``[operations.NAME]`` with its ``command``; as a comment where that is empty."""
    known = KNOWN_OPERATIONS[name]
    declared = {d.name: d for d in keys_of(OperationConfig)}
    mark = "" if command else "# "
    example = ("PROGRAM", name, *([known.argument] if known.argument else []))
    lines = [
        commented(f"{mark}[operations.{name}]", known.promise),
        commented(f"{mark}command = {written(command or example)}", guess),
        f"{mark}deadline_s = {declared['deadline_s'].shown_default}",
    ]
    lines += [_line(declared[key], None, "") for key in _MORE.get(name, ())]
    return "\n".join(lines)
