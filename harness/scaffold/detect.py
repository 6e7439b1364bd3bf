"""What a directory shows of the system in it: how it starts, where it answers, what it keeps, which scripts it has."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.config.toml.shapes import Argv
from harness.scaffold.detect_operations import Command, named_for, operations, runner_of, subcommands

MOST_FILES = 400
MOST_BYTES = 256 * 1024
_DEPTH = 3
_SKIPPED = {"node_modules", "venv", "env", "dist", "build", "target", "vendor", "__pycache__", "tests", "test", "docs"}
_SOURCES = {".py", ".js", ".mjs", ".ts", ".go", ".rb", ".php", ".rs", ".java", ".sh"}
_DATABASES = {".db", ".sqlite", ".sqlite3"}
# The usual names of a program's own entry, the first that exists.
_ENTRIES = ("server.py", "app.py", "main.py", "wsgi.py", "manage.py", "server.js", "index.js", "app.js", "main.js")
_SHELL = re.compile(r"[|&;<>`$*?(){}]")
_PORT = re.compile(
    r"""(?:listen\(\s*|[^a-z]port\s*[=:]\s*|--port[= ]|-p\s+|PORT\W{1,9}|bind[^\n]{0,20}:)["']?(\d{4,5})\b""",
    re.IGNORECASE,
)
_POSTGRES = re.compile(r"""postgres(?:ql)?://[^\s"'`<>\\)]+""")
_PASSWORD = re.compile(r"://([^:/@\s]*):[^@\s]*@")
_ROUTE = re.compile(r"""["'](/(?:api/)?(?:health|healthz|ready|readyz|readiness|livez|status|ping|version))["'/?]""")


@dataclass(frozen=True, slots=True)
class Found:
    """``said``: each thing found, in words. ``start`` and ``operations`` are argument lists with {system} and {port}
    where they belong; empty when nothing was found. ``port`` is a fixed one, 0 when the program asks for $PORT.
    ``postgres``: the URL of a PostgreSQL database, its password left out. ``where``: key of the system.toml -> the file
    that the guess was made from."""

    said: tuple[str, ...] = ()
    start: Argv = ()
    port: int = 0
    reads_port: bool = False
    routes: tuple[str, ...] = ()
    database: str = ""
    postgres: str = ""
    operations: Mapping[str, Command] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)


def look(folder: Path) -> Found:
    """Reads at most MOST_FILES files, and of each at most MOST_BYTES; follows no links, runs nothing."""
    files = list(_files(folder))
    texts = {path: _text(folder / path) for path in files if path.suffix in _SOURCES or len(path.parts) == 1}
    said: list[str] = []
    where: dict[str, str] = {}
    start, where["start"] = _start(folder, files, texts, said)
    sources = {path: text for path, text in texts.items() if path.suffix in _SOURCES or path.name == "Procfile"}
    asks = next((path for path, text in sources.items() if re.search(r"\bPORT\b", text)), None)
    ports = _ports(texts)
    where["port"] = str(asks) if asks else next(iter(ports.values()), "")
    if ports:
        said.append(f"ports: {', '.join(f'{port} ({where})' for port, where in ports.items())}")
    routes: dict[str, str] = {}
    for path, text in sources.items():
        for route in _ROUTE.findall(text):
            routes.setdefault(route, str(path))
    if routes:
        said.append(f"routes: {', '.join(f'{route} ({file})' for route, file in routes.items())}")
    databases = sorted((p for p in files if _is_sqlite(folder, p)), key=lambda p: _written_to(folder / p))
    if databases:
        said.append(f"SQLite: {', '.join(map(str, databases))}")
        where["database"] = str(databases[0])
    postgres, where["postgres"] = _postgres(texts)
    if postgres:
        said.append(f"PostgreSQL: {postgres} ({where['postgres']})")
    kit = operations(folder, files, texts)
    said += [f"{name}: {' '.join(command.argv)} ({command.where})" for name, command in kit.items()]
    said += _containers(texts)
    images = tuple(image for name in _compose(texts) for image in re.findall(r"^\s+image:\s*(\S+)", texts[name], re.M))
    if images:
        said.append(f"images of compose: {', '.join(images)}")
    return Found(
        said=tuple(said),
        start=start,
        port=0 if asks else next(iter(ports), 0),
        reads_port=asks is not None,
        routes=tuple(routes),
        database=databases[0].name if databases else "",
        postgres=postgres,
        operations=kit,
        images=images,
        where={**where, **routes},
    )


def _files(folder: Path) -> Iterator[Path]:
    """Relative paths, sorted, top-level ones first."""
    count = 0
    for place, directories, names in os.walk(folder):
        here = Path(place).relative_to(folder)
        directories[:] = sorted(d for d in directories if d not in _SKIPPED and not d.startswith("."))
        if len(here.parts) + 1 >= _DEPTH:
            directories.clear()
        for name in sorted(names):
            path = here / name
            if (folder / path).is_file() and not (folder / path).is_symlink():
                count += 1
                if count > MOST_FILES:
                    return
                yield path


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""  # what cannot be read shows nothing


def _is_sqlite(folder: Path, path: Path) -> bool:
    if path.suffix not in _DATABASES:
        return False
    try:
        with (folder / path).open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return False


def _written_to(database: Path) -> tuple[bool, float]:
    """By which the one that is written to comes first: one that is open has its log beside it; else the last."""
    open_ = any(database.with_name(f"{database.name}{suffix}").exists() for suffix in ("-wal", "-journal"))
    return not open_, -database.stat().st_mtime


# -- how it starts -------------------------------------------------------------------------------------------------
def _start(folder: Path, files: Sequence[Path], texts: Mapping[Path, str], said: list[str]) -> tuple[Argv, str]:
    """The first that says how, and where: Procfile, package.json, a script or make target that is called start, a
    subcommand of a script, a file of a usual name. What a container runs is no command of this host."""
    top = {str(path) for path in files if len(path.parts) == 1}
    found: list[tuple[str, Argv]] = []
    if web := re.search(r"^web:\s*(.+)$", texts.get(Path("Procfile"), ""), re.M):
        found.append(("Procfile", _argv(web[1].strip(), top)))
    if script := _npm_start(texts.get(Path("package.json"), "")):
        found.append(("package.json", _argv(script, top)))
    others = re.findall(r"^(\w+):", texts.get(Path("Procfile"), ""), re.M)
    if left := [name for name in others if name != "web"]:
        said.append(f"Procfile: {', '.join(left)} besides web: not started here")
    for script in ("start.sh", "run.sh", "serve.sh"):
        if script in top:
            runner = runner_of(folder, Path(script), texts.get(Path(script), "")) or ()
            found.append((script, (*runner, f"{{system}}/{script}")))
    for target in re.findall(r"^(start|run|serve)\s*:(?!=)", texts.get(Path("Makefile"), ""), re.M)[:1]:
        found.append((f"Makefile, target {target}", ("make", "-C", "{system}", target)))
    branches = [*subcommands(folder, texts)]
    for wanted in ("start", "serve", "run", "server", "up"):
        found += [(command.where, command.argv) for name, command in branches if name == wanted]
    found += [(entry, _argv(f"{_interpreter(folder, entry)} {entry}", top)) for entry in _ENTRIES if entry in top][:1]
    said += [f"{where}: {' '.join(argv) or 'nothing that starts it'}" for where, argv in found]
    said += [
        f"{name}: its services are not started here, containers have no way onto an island" for name in _compose(texts)
    ]
    return next(((argv, where) for where, argv in found if argv), ((), ""))


def _compose(texts: Mapping[Path, str]) -> list[Path]:
    return [p for p in texts if re.fullmatch(r"(docker-)?compose[\w.-]*\.ya?ml", p.name)]


def _npm_start(text: str) -> str:
    try:
        package = json.loads(text) if text else {}
        script = package.get("scripts", {}).get("start", "")
        return str(script or (f"node {package['main']}" if package.get("main") else ""))
    except (ValueError, AttributeError, TypeError):
        return ""


def _containers(texts: Mapping[Path, str]) -> Iterator[str]:
    """What runs in containers, in words: their paths and commands are none of this host."""
    for path, text in texts.items():
        if path.name.startswith("Dockerfile") and len(path.parts) == 1:
            for command in re.findall(r"^(?:CMD|ENTRYPOINT)\s+(.+)$", text, re.M):
                yield f"{path}: {command.strip()} is what a container runs: name a program of this host"
    for path in _compose(texts):
        for service in re.findall(r"^  ([\w.-]+):\s*$", texts[path], re.M):
            if operation := named_for(service):
                yield f"{path}: the service {service} may be the {operation} of this kit, in a container"


def _interpreter(folder: Path, entry: str) -> str:
    if entry.endswith(".js"):
        return "node"
    return ".venv/bin/python" if (folder / ".venv/bin/python").exists() else "python3"


def _argv(command: str, top: set[str]) -> Argv:
    """A command of a shell as an argument list; commands start in the run's own directory, so files of the folder get
    {system} before them."""
    command = re.sub(r"\$\{?PORT\}?(:-\d+\})?", "{port}", command)
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words or _SHELL.search(command.replace("{port}", "")) or "=" in words[0]:
        return ("sh", "-c", f"cd {{system}} && exec {command}".replace("{port}", "$PORT"))
    return tuple(f"{{system}}/{w.removeprefix('./')}" if _is_ours(w, top) else w for w in words)


def _is_ours(word: str, top: set[str]) -> bool:
    plain = word.removeprefix("./")
    return plain in top or plain.startswith(".venv/") or (word.startswith("./") and "/" in word)


def _postgres(texts: Mapping[Path, str]) -> tuple[str, str]:
    """The first URL of a PostgreSQL database and its file; a password never goes into a file that is committed."""
    for path, text in texts.items():
        if url := _POSTGRES.search(text):
            return _PASSWORD.sub(r"://\1:PASSWORD@", url[0]), str(path)
    return "", ""


# -- where it answers ----------------------------------------------------------------------------------------------
def _ports(texts: Mapping[Path, str]) -> dict[int, str]:
    """Port -> the file that names it; what a Dockerfile or compose says comes first."""
    found: dict[int, str] = {}
    for path, text in texts.items():
        if path.name.startswith("Dockerfile"):
            found |= {int(p): str(path) for p in re.findall(r"^EXPOSE\s+(\d+)", text, re.M)}
    for path in _compose(texts):
        # Of "8080:80" the second is the one inside.
        for port in re.findall(r"""^\s*-\s*["']?(?:[\d.]+:)*(\d{2,5})(?:/tcp)?["']?\s*$""", texts[path], re.M):
            found.setdefault(int(port), str(path))
    for path, text in texts.items():
        if path.suffix in _SOURCES or path.name == "Procfile":
            for port in _PORT.findall(text):
                found.setdefault(int(port), str(path))
    return {port: where for port, where in found.items() if 0 < port < 65536}
