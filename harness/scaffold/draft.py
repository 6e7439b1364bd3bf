"""A first system.toml for a directory: what was found is filled in, the rest stands there as a comment to uncomment."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from string import Template

from harness.config.placeholders import COMMAND, unknown
from harness.config.programs import check_commands
from harness.config.reader import FILE, read_system
from harness.config.shapes import Argv
from harness.errors import HarnessError
from harness.scaffold.detect import Found, look

_TEMPLATE = Path(__file__).with_name("draft.template")
# The arguments an operation is given, and what it promises.
_OPERATIONS = {
    "seed": ("{size}", "fill the data with {size} bytes to begin with, the service being down"),
    "backup": ("", "exit 0 only with a backup that is complete, durable and good"),
    "validate": ("{backup}", "exit 0 when the backup {backup} is whole and can be restored, else not"),
    "deploy": ("{version}", "bring the running service to {version}; exit 0 only when that version answers"),
    "rollback": ("", "back to the old version, with every acknowledged write; restores = true if it restores a backup"),
    "restore": ("{backup}", "replace the data by the backup {backup}; the service answers when it exits"),
    "status": ("", 'last line: {"latest": PATH or null, "backups": [{"name", "path", "size", "eligible"}]}'),
}


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
    lacking = [name for name in _OPERATIONS if name not in config.operations]
    if lacking:
        todo.append(f"operations that were not found: {', '.join(lacking)}")
    if not any(r.kind == "write" for r in config.load.requests):
        todo.append("[[load.requests]]: what your users ask for, and a write, for without one no loss can be seen")
    if config.load.read_back is None:
        todo.append("[load.read_back]: how every write is read again")
    return todo


def _name(folder: Path) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", folder.resolve().name).lstrip("_.-")[:64]
    return name or "my-system"


def draft(name: str, found: Found) -> str:
    """The text of the file. It is TOML in any case, and a system.toml once service.start names a program."""
    said = [f"# Found here: {_printable(line)}" for line in found.said] or ["# Nothing here says how it starts."]
    routes = [r for r in found.routes if "version" not in r]
    health = next((r for r in routes if "health" in r or "live" in r), next(iter(routes), ""))
    ready = next((r for r in routes if "ready" in r), health)
    version = next((r for r in found.routes if "version" in r), "")
    return Template(_TEMPLATE.read_text()).substitute(
        found="\n".join(said),
        name=_text(name),
        start=_start(found),
        url=_text(f"http://127.0.0.1:{found.port or '{port}'}"),
        url_guess=_guessed(found, "port") if found.port else "",
        health=_key("health", health, "/health", f"200 while it lives{_guessed(found, health)}"),
        ready=_key("ready", ready, "/ready", f"200 once it can serve{_guessed(found, ready)}"),
        version=_key("version", version, "/version", f"what runs now, as JSON or plain text{_guessed(found, version)}"),
        port=f'PORT = "{{port}}"  # {_guessed(found, "port").strip()}' if found.reads_port else '# PORT = "{port}"',
        postgres=_postgres(found),
        kind="sqlite" if found.database else "postgres" if found.postgres else "opaque",
        kind_guess=_guessed(found, "database") or _guessed(found, "postgres"),
        database=_database(found),
        operations="\n".join(_operations(found)),
        images="\n".join(f"# {_printable(i)} of compose: name a program of this host instead" for i in found.images),
    )


def _guessed(found: Found, key: str) -> str:
    """What marks a value as a guess, and the file it comes from; empty where it was not one."""
    where = found.where.get(key, "")
    return f"  GUESS, from {_printable(where)}" if where else ""


def _database(found: Found) -> str:
    if found.database:
        return f"database = {_text('{dir}/data/' + found.database)}  # {_guessed(found, 'database').strip()}"
    return '# database = "{dir}/data/app.db"'


def _postgres(found: Found) -> str:
    if not found.postgres:
        return ""
    guess = f"{_guessed(found, 'postgres').strip()}: the run needs a server of its own"
    return f"# DATABASE_URL = {_text(found.postgres)}  # {guess}"


def _start(found: Found) -> str:
    about = "# may stay in the foreground, or exit 0 with the service up; {version}: which one to start"
    if _usable(found.start):
        return f"{about}\nstart = {_argv(found.start)}  # {_guessed(found, 'start').strip()}"
    # An empty name is refused by the reader, with the key in its message.
    return f'{about}\nstart = [""]                          # FILL IN, such as ["node", "{{system}}/server.js"]'


def _operations(found: Found) -> list[str]:
    lines: list[str] = []
    for name, (argument, about) in _OPERATIONS.items():
        command = found.operations.get(name)
        if command and _usable(command.argv):
            mark, words, guess = "", command.argv, f"  # GUESS, from {_printable(command.where)}"
            guess += f"; does it need {argument}?" if argument else ""
        else:
            mark, words, guess = "# ", ("PROGRAM", name, *([argument] if argument else [])), ""
        lines += [f"{mark}[operations.{name}]  # {about}", f"{mark}command = {_argv(words)}{guess}"]
        lines += [f"{mark}deadline_s = 60"]
    return lines


def _usable(argv: Argv) -> bool:
    """Something was found, and no brace in it would be taken for a placeholder."""
    return bool(argv) and not unknown(" ".join(argv), COMMAND)


def _key(name: str, value: str, default: str, about: str) -> str:
    line = f"{'' if value else '# '}{name} = {_text(value or default)}"
    return f"{line:38}# {about}"


def _argv(words: Iterable[str]) -> str:
    return f"[{', '.join(_text(word) for word in words)}]"


def _text(value: str) -> str:
    """A TOML string: JSON's, but for one character TOML wants escaped and JSON does not."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _printable(line: str) -> str:
    """A TOML comment must not hold control characters."""
    return "".join(c if c.isprintable() else " " for c in line)[:300]
