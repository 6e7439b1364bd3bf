"""A first system.toml for a directory: what was found is filled in, the rest stands there as a comment to uncomment."""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

import jinja2

from harness.config.operations import KNOWN_OPERATIONS, OPERATIONS
from harness.config.placeholders import COMMAND, unknown
from harness.config.programs import check_commands
from harness.config.reader import FILE, read_system
from harness.config.toml.shapes import Argv, written
from harness.errors import HarnessError
from harness.scaffold import lines
from harness.scaffold.detect import Found, look

_TEMPLATE = Path(__file__).with_name("draft.toml.jinja")
_FILL_IN = 'FILL IN, such as ["node", "{system}/server.js"]'


def write_draft(folder: Path) -> tuple[Path, Found]:
    """Look at ``folder`` and write its system.toml; one that is there stays as it is, and is an error."""
    what = f"write a first {FILE} into {folder}"
    if not folder.is_dir():
        raise HarnessError(what, "there is no such directory", "name the directory your deployment kit lies in")
    found = look(folder)
    try:
        with (folder / FILE).open("x", encoding="utf-8") as file:
            file.write(draft(_name(folder), found))
    except FileExistsError:
        raise HarnessError(what, "it has one, which is left alone", "edit it, or move it away first") from None
    except OSError as error:
        raise HarnessError(what, error.strerror or str(error), "choose a directory you can write to") from error
    return folder / FILE, found


def left_to_do(file: Path) -> list[str]:
    """What a draft still lacks, the first without which it cannot be used at all."""
    try:
        config = read_system(file)
    except HarnessError as error:
        return [f"{error.what}: {error.why}" + (f" ({error.hint})" if error.hint else "")]
    todo: list[str] = []
    try:
        check_commands(config, {"python": sys.executable})
    except HarnessError as error:
        todo.append(f"{error.what}: {error.why}")
    lacking = [name for name in OPERATIONS if name not in config.operations]
    if lacking:
        todo.append(f"operations that were not found: {', '.join(lacking)}")
    if not any(r.kind == "write" for r in config.load.requests):
        todo.append(
            "[[load.requests]]: what your users ask for, and a write, with [load] write_rate (such as 20): without it"
            " no loss can be seen"
        )
    if not config.env:
        todo.append("[env]: what your programs read from their environment, such as a port or a folder")
    if config.load.read_back is None:
        todo.append("[load.read_back]: how every write is read again")
    return todo


def _name(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name).lstrip("_.-")[:64]
    return name or "my-system"


def draft(name: str, found: Found) -> str:
    """The text of the file. It is TOML in any case, and a system.toml once service.start names a program."""
    routes = [r for r in found.routes if "version" not in r]
    health = next((r for r in routes if "health" in r or "live" in r), next(iter(routes), ""))
    ready = next((r for r in routes if "ready" in r), health)
    version = next((r for r in found.routes if "version" in r), "")
    guesses = {
        "service.start": _guessed(found, "start")
        if _usable(found.start)
        else 'FILL IN, such as ["node", "{system}/server.js"]',
        "service.url": _guessed(found, "port") if found.port else "",
        "service.health": _guessed(found, health),
        "service.ready": _guessed(found, ready),
        "service.version": _guessed(found, version),
        "data.kind": _guessed(found, "database") or _guessed(found, "postgres"),
        "data.database": _guessed(found, "database"),
    }
    template = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True).from_string(
        _TEMPLATE.read_text()
    )
    return template.render(
        keys=partial(lines.keys, guesses=guesses),
        table=lines.table,
        says=lines.says,
        edge=lines.edge,
        claims=lines.claims(),
        found="\n".join(f"# Found here: {_printable(line)}" for line in found.said)
        or "# Nothing here says how it starts.",
        name=written(name),
        # An empty name is refused by the reader, with the key in its message.
        start=written(found.start if _usable(found.start) else [""]),
        url=written(f"http://127.0.0.1:{found.port or '{port}'}"),
        health=written(health) if health else None,
        ready=written(ready) if ready else None,
        version=written(version) if version else None,
        env=_environment(found),
        kind=written("sqlite" if found.database else "postgres" if found.postgres else "opaque"),
        database=written("{dir}/data/" + found.database) if found.database else None,
        operations="\n".join(_operation(found, name) for name in OPERATIONS),
        images="\n".join(f"# {_printable(i)} of compose: name a program of this host instead" for i in found.images),
    )


def _guessed(found: Found, key: str) -> str:
    """What marks a value as a guess, and the file it comes from; empty where it was not one."""
    where = found.where.get(key, "")
    return f"GUESS, from {_printable(where)}" if where else ""


def _environment(found: Found) -> str:
    port = lines.commented('PORT = "{port}"', _guessed(found, "port")) if found.reads_port else '# PORT = "{port}"'
    if not found.postgres:
        return port
    guess = f"{_guessed(found, 'postgres')}: the run needs a server of its own"
    return f"{port}\n# DATABASE_URL = {written(found.postgres)}  # {guess}"


def _operation(found: Found, name: str) -> str:
    command, argument = found.operations.get(name), KNOWN_OPERATIONS[name].argument
    if command is None or not _usable(command.argv):
        return lines.operation(name, (), "")
    guess = f"GUESS, from {_printable(command.where)}"
    doubt = f"; does it need {argument}?" if argument and argument not in command.argv else ""
    return lines.operation(name, command.argv, guess + doubt)


def _usable(argv: Argv) -> bool:
    """Something was found, and no brace in it would be taken for a placeholder."""
    return bool(argv) and not unknown(" ".join(argv), COMMAND)


def _printable(line: str) -> str:
    """A TOML comment must not hold control characters."""
    return "".join(c if c.isprintable() else " " for c in line)[:300]
