"""What a directory shows of a deployment kit: scripts, their subcommands, make targets, npm scripts and lines of a
Procfile that are named for an operation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.config.operations import KNOWN_OPERATIONS
from harness.config.toml.shapes import Argv

# The names kits use, the likeliest first. A word may stand among others: db-backup, backup_database.
_NAMES: Mapping[str, tuple[str, ...]] = {
    "seed": ("seed", "populate", "fixtures"),
    "backup": ("backup", "dump"),
    "validate": ("validate", "verify-backup", "check-backup", "validate-backup", "test-backup"),
    "deploy": ("deploy", "release", "upgrade"),
    "rollback": ("rollback", "roll-back", "revert", "undeploy", "downgrade"),
    "restore": ("restore",),
    "status": ("status", "list-backups", "backups"),
}
_SCRIPTS: Mapping[str, Argv] = {".sh": ("sh",), ".bash": ("bash",), ".py": ("python3",), ".js": ("node",), "": ("sh",)}
# Where scripts lie; one below anything else is a part of the program.
_PLACES = {"bin", "scripts", "script", "ops", "deploy", "deployment", "kit", "tools", "ci"}


# How a shell script asks for its subcommand, and the labels of the branches it has for them.
_CASE = re.compile(
    r"""^[ \t]*case[ \t]+["']?\$\{?(?:1|cmd|command|action|op|operation|verb|mode|task)\b[^\n]*\bin\b""", re.M | re.I
)
_LABEL = re.compile(r"""^[ \t]*\(?((?:["']?[\w-]+["']?[ \t]*\|[ \t]*)*["']?[\w-]+["']?)\)""", re.M)
_FIRST_LABEL = re.compile(r"""\bin[ \t]+\(?((?:["']?[\w-]+["']?[ \t]*\|[ \t]*)*["']?[\w-]+["']?)\)""")
_SHEBANG = re.compile(r"#![ \t]*(?:\S*/)?(?:env[ \t]+(?:-S[ \t]+)?)?([\w.-]+)")
_SUBPARSER = re.compile(r"""add_parser\(\s*["']([\w-]+)["']""")
# What shows that a subcommand is given more words.
_MORE_WORDS = re.compile(r"""\$\{?2\b|\$@|\$\*|\bshift\b""")


@dataclass(frozen=True, slots=True)
class Command:
    """A command that was found, and the file it was found in or as. ``more``: it is given the argument of its operation
    as a further word."""

    argv: Argv
    where: str
    more: bool = False

    def of(self, operation: str) -> Command:
        """As the command of that operation, with the argument it needs."""
        argument = KNOWN_OPERATIONS[operation].argument
        return Command((*self.argv, argument), self.where) if self.more and argument else self


def operations(folder: Path, files: Sequence[Path], texts: Mapping[Path, str]) -> dict[str, Command]:
    """The likeliest command of each operation; exact names before those with more words, scripts before their
    subcommands, and those before targets."""
    candidates = [*_scripts(folder, files, texts), *subcommands(folder, texts), *_targets(texts), *_npm(texts)]
    candidates += _procfile(texts)
    found: dict[str, Command] = {}
    for operation, names in _NAMES.items():
        ranked = [(_rank(name, names), n, command) for n, (name, command) in enumerate(candidates)]
        likely = sorted(((rank, n, command) for rank, n, command in ranked if rank is not None), key=lambda r: r[:2])
        if likely:
            found[operation] = likely[0][2].of(operation)
    return found


def named_for(name: str) -> str:
    """The operation that something of this name may be; empty for none."""
    return next((operation for operation, names in _NAMES.items() if _rank(name, names) is not None), "")


def _rank(name: str, names: Sequence[str]) -> int | None:
    """How well a name fits: its place among the names, after all exact ones when it has other words besides."""
    plain = re.sub(r"[_.:\s]+", "-", name.lower())
    if plain in names:
        return names.index(plain)
    if name.lower().rpartition(":")[2] in names:  # deploy:rollback
        return len(names)
    words = plain.split("-")
    # A word of another operation makes it doubtful: backup-restore, validate-backup.
    others = {other for those in _NAMES.values() if those != names for other in those}
    return len(names) if names[0] in words and not others & set(words) and len(words) <= 3 else None


def runner_of(folder: Path, path: Path, text: str) -> Argv | None:
    """What a script is run by: nothing where it can be executed; else what its first line names, or what its suffix
    says. None: it is no script."""
    by_suffix = _SCRIPTS.get(path.suffix)
    if by_suffix is None:
        return None
    if os.access(folder / path, os.X_OK):
        return ()
    named = _SHEBANG.match(text)
    return (named[1],) if named else by_suffix


def _scripts(folder: Path, files: Sequence[Path], texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    for path in files:
        runner = runner_of(folder, path, texts.get(path, ""))
        if runner is None or (path.suffix == "" and runner):
            continue
        if path.suffix in (".py", ".js") and not set(path.parent.parts) <= _PLACES:
            continue  # a module of the program, which only has such a name
        yield path.stem, Command((*runner, f"{{system}}/{path}"), str(path))


def subcommands(folder: Path, texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    """Name and command of each branch of a shell script's `case`, and of each subparser of a Python program."""
    for path, text in texts.items():
        runner = runner_of(folder, path, text)
        if runner is None or (path.suffix == "" and not text.startswith("#!")):
            continue
        names = _SUBPARSER.findall(text) if path.suffix == ".py" else _labels(text)
        argv = (*runner, f"{{system}}/{path}")
        more = path.suffix != ".py" and bool(_MORE_WORDS.search(text))
        for name in dict.fromkeys(names):
            yield name, Command((*argv, name), f"{path}, {name}", more)


def _labels(text: str) -> Iterator[str]:
    for start in _CASE.finditer(text):
        body = text[start.start() :].partition("\nesac")[0].partition("; esac")[0]
        for labels in (*_FIRST_LABEL.findall(body[:200]), *_LABEL.findall(body)):
            yield from (label.strip(" \t\"'") for label in labels.split("|"))


def _procfile(texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    for name, line in re.findall(r"^([\w-]+):[ \t]*(.+)$", texts.get(Path("Procfile"), ""), re.M):
        if name not in ("web", "release"):  # that one is the migration of a platform, and no whole deployment
            yield name, Command(("sh", "-c", f"cd {{system}} && exec {line.strip()}"), f"Procfile, {name}")


def _targets(texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    for file in ("Makefile", "makefile", "GNUmakefile"):
        for target in re.findall(r"^([a-zA-Z][\w.-]*)\s*:(?!=)", texts.get(Path(file), ""), re.M):
            yield target, Command(("make", "-C", "{system}", target), f"{file}, target {target}")


def _npm(texts: Mapping[Path, str]) -> Iterator[tuple[str, Command]]:
    try:
        package = json.loads(texts.get(Path("package.json"), "") or "{}")
        scripts = [str(name) for name in package.get("scripts", {})]
    except (ValueError, AttributeError, TypeError):
        return
    for name in scripts:
        yield name, Command(("npm", "--prefix", "{system}", "run", "--silent", name), f"package.json, script {name}")
