"""A first system.toml for a directory: what was found is filled in, the rest stands there as a comment to uncomment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from string import Template

from harness.errors import HarnessError
from harness.system.config import FILE
from harness.system.found import Found, look
from harness.system.placeholders import COMMAND, unknown
from harness.system.schema import Argv

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
        start=_start(found.start),
        url=_text(f"http://127.0.0.1:{found.port or '{port}'}"),
        health=_key("health", health, "/health", "200 while it lives"),
        ready=_key("ready", ready, "/ready", "200 once it can serve"),
        version=_key("version", version, "/version", "the version that runs now, as JSON or plain text"),
        port='PORT = "{port}"' if found.reads_port else '# PORT = "{port}"',
        kind="sqlite" if found.database else "opaque",
        database=f"{'' if found.database else '# '}database = {_text('{dir}/data/' + (found.database or 'app.db'))}",
        operations="\n".join(_operations(found)),
        images="\n".join(f"# {_printable(i)} of compose: name a program of this host instead" for i in found.images),
    )


def _start(start: Argv) -> str:
    about = "# may stay in the foreground, or exit 0 with the service up; {version}: which one to start"
    if _usable(start):
        return f"{about}\nstart = {_argv(start)}"
    # An empty name is refused by the reader, with the key in its message.
    return f'{about}\nstart = [""]                          # FILL IN, such as ["node", "{{system}}/server.js"]'


def _operations(found: Found) -> list[str]:
    lines: list[str] = []
    for name, (argument, about) in _OPERATIONS.items():
        argv = found.operations.get(name, ())
        mark = "" if _usable(argv) else "# "
        words = argv if _usable(argv) else ("PROGRAM", name, *([argument] if argument else []))
        lines += [f"{mark}[operations.{name}]  # {about}", f"{mark}command = {_argv(words)}", f"{mark}deadline_s = 60"]
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
