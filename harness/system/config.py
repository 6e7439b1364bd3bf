"""The reader of system.toml: one file describes the system under test."""

from __future__ import annotations

import json
import os
import re
import shutil
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.host import clock
from harness.model import NS
from harness.system.claims import read_claims
from harness.system.placeholders import COMMAND, LINK, PLACES, REQUEST, fill
from harness.system.schema import (
    OPERATIONS,
    Argv,
    DataConfig,
    DependencyConfig,
    DisksConfig,
    LimitsConfig,
    LinkConfig,
    MonitorConfig,
    OperationConfig,
    ReadBackConfig,
    RequestTemplate,
    ServiceConfig,
    SystemConfig,
    SystemLoadConfig,
    VariantConfig,
    VersionsConfig,
    Waive,
)
from harness.system.suggest import did_you_mean
from harness.system.table import Table

FILE = "system.toml"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# Nothing but this host is ever loaded: another address in the file is refused, not resolved.
_URL = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\]|\{host\})(:(\d{1,5}|\{port\}))?(/[^\s]*)?")
_HEALTH = re.compile(r"(http|tcp)://(127\.0\.0\.1|localhost|\[::1\]|\{host\}):(\d{1,5}|\{port\})(/[^\s]*)?")
_SAMPLE = {"token": "t-0000000", "payload": "0" * 32, "known": "t-0000001", "n": "7"}


def load_system(name_or_path: str | Path, bundled_dir: Path, *, variants: Sequence[str] = ()) -> SystemConfig:
    """The system named (a bundled one) or described (a TOML file, or the folder that holds a system.toml)."""
    return read_system(find_system(name_or_path, bundled_dir), variants=variants)


def find_system(name_or_path: str | Path, bundled_dir: Path) -> Path:
    """The TOML file meant. A bundled name wins over a folder of that name; ``./name`` is always the folder."""
    text = str(name_or_path)
    bundled = {file.parent.name: file for file in sorted(bundled_dir.glob(f"*/{FILE}"))}
    by_name = {_name_in(file) or folder: file for folder, file in bundled.items()} | bundled
    if "/" not in text and text in by_name:
        return by_name[text]
    try:
        path = Path(text).expanduser()
        if path.is_dir():
            path /= FILE
        if path.is_file():
            return path.absolute()
    except (OSError, ValueError, RuntimeError):  # RuntimeError: ~user without such a user
        pass  # not a possible path: reported below as not found
    known = f"bundled systems: {', '.join(sorted(by_name))}" if by_name else "no bundled systems were found"
    raise HarnessError(
        f"find the system {text!r}",
        "no bundled system and no file has that name",
        "; ".join(part for part in (did_you_mean(text, by_name), known, f"or the path of a {FILE}") if part),
    )


def _name_in(file: Path) -> str:
    """The ``name`` a file gives itself; empty when it cannot be read (whoever asks for it by folder is told why)."""
    try:
        return str(tomllib.loads(file.read_text(encoding="utf-8")).get("name", ""))
    except (OSError, ValueError, RecursionError):
        return ""


def parse(file: Path) -> dict[str, Any]:
    """The TOML of a file."""
    what = f"read {file}"
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise HarnessError(what, error.strerror or str(error), "is the path right, and readable for you?") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise HarnessError(what, f"line {line} is not UTF-8", "save it as UTF-8") from error
    except (ValueError, RecursionError) as error:  # tomllib's own error is a ValueError that names line and column
        why = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise HarnessError(what, f"not TOML: {why}", "texts need quotes; tables look like [service]") from error


def read_system(file: Path, *, variants: Sequence[str] = ()) -> SystemConfig:
    """One file, every key checked; the variants named are switched on."""
    top = Table(parse(file), "", file.absolute())
    name = top.text("name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        top.fail("name", f"{name!r} is not a name", "letters, digits, . _ and -, at most 64")
    known = _variants(top)
    config = SystemConfig(
        name=name,
        file=file.absolute(),
        service=_service(top.table("service")),
        data=_data(top.table("data")),
        disks=_disks(top.table("disks", {})),
        versions=_versions(top.table("versions")),
        load=_load(top.table("load")),
        limits=_limits(top.table("limits", {})),
        env=top.environment("env", fills=PLACES) | _switched_on(top, known, variants),
        operations={n: _operation(n, t) for n, t in top.tables("operations", OPERATIONS).items()},
        dependencies=(dependencies := {n: _dependency(n, t) for n, t in top.tables("dependencies").items()}),
        links={n: _link(n, t, dependencies) for n, t in top.tables("links").items()},
        monitors={n: _monitor(n, t) for n, t in top.tables("monitors").items()},
        variants=known,
        claims=read_claims(top.table("claims", {})),
        waives=tuple(_waive(n, t) for n, t in top.tables("waive").items()),
        active=tuple(variants),
    )
    top.end()
    return config


# -- sections ------------------------------------------------------------------------------------------------------
def _service(table: Table) -> ServiceConfig:
    service = ServiceConfig(
        start=_program(table, "start"),
        stop=_program(table, "stop", ()),
        url=_address(table, "url", _URL, "http://127.0.0.1:{port}").rstrip("/"),
        health=_path(table, "health", "/health"),
        ready=_path(table, "ready", "/ready"),
        version=_path(table, "version", "/version"),
        version_pointer=_pointer(table, "version_pointer", "/version"),
        deadline_ms=table.number("deadline_ms", 1000.0, least=1, most=600_000),
        start_deadline_s=table.number("start_deadline_s", 20.0, least=0.1, most=3600),
        access_log=table.text("access_log", "", fills=PLACES),
        logs=table.texts("logs", (), fills=PLACES),
    )
    table.end()
    return service


def _data(table: Table) -> DataConfig:
    data = DataConfig(
        kind=table.choice("kind", ("sqlite", "postgres", "opaque")),
        dir=table.text("dir", fills=PLACES),
        backup_dir=table.text("backup_dir", fills=PLACES),
        database=table.text("database", "", fills=PLACES),
    )
    table.end()
    return data


def _disks(table: Table) -> DisksConfig:
    disks = DisksConfig(data_bytes=table.size("data", "512m"), backup_bytes=table.size("backup", "512m"))
    for key, size in (("data", disks.data_bytes), ("backup", disks.backup_bytes)):
        if size < 2**20:
            table.fail(key, f"{size} bytes is too small for a file system", "at least 1m")
    table.end()
    return disks


def _versions(table: Table) -> VersionsConfig:
    schemas = table.table("schemas", {})
    versions = VersionsConfig(
        table.text("old"),
        table.text("new"),
        table.text("broken", ""),
        {version: schemas.texts(version) for version in schemas},
    )
    schemas.end()
    table.end()
    return versions


def _operation(name: str, table: Table) -> OperationConfig:
    operation = OperationConfig(
        name=name,
        command=_program(table, "command"),
        deadline_s=table.number("deadline_s", 60.0, least=0.1, most=86_400),
        restores=table.flag("restores", False) if name == "rollback" else False,
    )
    table.end()
    return operation


def _dependency(name: str, table: Table) -> DependencyConfig:
    dependency = DependencyConfig(
        name=name,
        start=_program(table, "start"),
        health=_address(table, "health", _HEALTH, "tcp://127.0.0.1:{port}"),
        port=table.whole("port", least=1, most=65_535),
        store=table.text("store", "", fills=PLACES),
    )
    table.end()
    return dependency


def _link(name: str, table: Table, dependencies: Mapping[str, DependencyConfig]) -> LinkConfig:
    link = LinkConfig(
        name,
        table.text("upstream", ""),
        table.environment("env", fills=LINK),
        near_port=table.whole("near_port", 0, least=0, most=65_535),
        serves=table.flag("serves", False),
    )
    table.end()
    if bool(link.upstream) == bool(link.near_port):
        both = "both are there" if link.upstream else "neither is there"
        hint = "upstream = a dependency at the far side, near_port = a port of the system itself"
        table.fail("upstream", f"a link has either upstream or near_port, and {both}", hint)
    if link.upstream and link.upstream not in dependencies:
        hint = did_you_mean(link.upstream, dependencies) or f"dependencies: {', '.join(dependencies) or 'none'}"
        table.fail("upstream", f"no [dependencies.{link.upstream}]", hint)
    return link


def _monitor(name: str, table: Table) -> MonitorConfig:
    monitor = MonitorConfig(
        name=name,
        start=_program(table, "start"),
        health=_address(table, "health", _HEALTH, "http://127.0.0.1:9101/status"),
        stale_after_s=table.number("stale_after_s", 3.0, least=0.1, most=3600),
    )
    table.end()
    return monitor


def _load(table: Table) -> SystemLoadConfig:
    think = table.numbers("think_s", (0.05, 0.3), 2)
    if think[0] > think[1]:
        table.fail("think_s", f"runs from {think[0]:g} down to {think[1]:g}", "the shorter time first")
    load = SystemLoadConfig(
        requests=tuple(_request(inner) for inner in table.array("requests")),
        read_back=_read_back(table.table("read_back")) if table.value("read_back", None) is not None else None,
        users=table.whole("users", 12, least=1, most=100_000),
        think_s=(think[0], think[1]),
        write_rate=table.number("write_rate", 20.0, most=1e6),
        arrival_rate=table.number("arrival_rate", 0.0, most=1e6),
    )
    names = [request.name for request in load.requests]
    for twice in sorted({name for name in names if names.count(name) > 1}):
        table.fail("requests", f"two requests have the name {twice!r}", "samples are told apart by it")
    if not any(request.weight for request in load.requests):
        table.fail("requests", "no request has a weight above 0, so nothing would be sent")
    if load.write_rate and not any(request.kind == "write" for request in load.requests):
        table.fail("write_rate", "needs a request of kind write, and there is none", "add one, or write_rate = 0")
    table.end()
    return load


def _request(table: Table) -> RequestTemplate:
    request = RequestTemplate(
        name=table.text("name"),
        kind=table.choice("kind", ("read", "write", "slow")),
        method=table.choice("method", _METHODS, "GET"),
        weight=table.number("weight", 1.0, most=1e6),
        path=table.text("path", fills=REQUEST),
        body=table.text("body", "", fills=REQUEST),
        headers=table.environment("headers", fills=REQUEST),
    )
    _starts_with_slash(table, "path", request.path)
    for name, value in request.headers.items():
        if not (name + value).isascii() or not (name + value).isprintable():
            table.fail(f"headers.{name}", f"{value!r} cannot be sent in a header", "ASCII, in one line")
    if request.body:
        try:
            json.loads(fill(request.body, _SAMPLE))
        except (ValueError, RecursionError) as error:
            table.fail("body", f"is not JSON once filled in: {error}", 'quote text placeholders: {"token": "{token}"}')
    table.end()
    return request


def _read_back(table: Table) -> ReadBackConfig:
    totals = table.table("totals", {})
    read_back = ReadBackConfig(
        path=table.text("path", fills=frozenset({"after"})),
        items=_pointer(table, "items", "/items"),
        token=_pointer(table, "token", "/token"),
        payload=_pointer(table, "payload", "/payload"),
        next=_pointer(table, "next", "/next"),
        totals={_is_pointer(totals, key, key): totals.number(key, least=-1e15) for key in totals},
    )
    _starts_with_slash(table, "path", read_back.path)
    if "{after}" not in read_back.path:
        table.fail("path", "has no {after}, so the second page would be the first again", "/readback?after={after}")
    totals.end()
    table.end()
    return read_back


def _variants(top: Table) -> dict[str, VariantConfig]:
    found: dict[str, VariantConfig] = {}
    for name, table in top.tables("variants").items():
        found[name] = VariantConfig(name, table.environment("env", fills=PLACES), table.text("about", ""))
        table.end()
    return found


def _switched_on(top: Table, known: Mapping[str, VariantConfig], names: Sequence[str]) -> dict[str, str]:
    """The environment of the variants named. Two that set one variable differently would hide each other."""
    env: dict[str, str] = {}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"variants of this system: {', '.join(known) or 'none'}"
            raise HarnessError(f"switch on the variant {name!r}", f"{top.file} has no [variants.{name}]", hint)
        for key, value in known[name].env.items():
            if env.setdefault(key, value) != value:
                why = f"another variant already sets {key} to {env[key]!r}"
                raise HarnessError(f"switch on the variant {name!r}", why, "one of them, or a variant that is both")
    return env


def _limits(table: Table) -> LimitsConfig:
    limits = LimitsConfig(max_run_s=table.number("max_run_s", 300.0, least=1, most=604_800))
    table.end()
    return limits


def _waive(name: str, table: Table) -> Waive:
    waive = Waive(name, table.text("reason"), table.day("until"))
    if not waive.reason.strip():
        table.fail("reason", "is blank", "say why this unknown is acceptable, for whoever reads the report")
    table.end()
    return waive


# -- kinds of text -------------------------------------------------------------------------------------------------
def _program(table: Table, key: str, *default: Argv) -> Argv:
    argv = table.texts(key, *default, fills=COMMAND)
    if argv and not argv[0].strip():
        table.fail(f"{key}[0]", "must name a program")
    return argv


def _address(table: Table, key: str, form: re.Pattern[str], example: str) -> str:
    text = table.text(key, fills=PLACES)
    if not form.fullmatch(text):
        table.fail(key, f"{text!r} is not an address of this host", f"write it like {example}")
    return text


def _path(table: Table, key: str, default: str) -> str:
    return _starts_with_slash(table, key, table.text(key, default))


def _starts_with_slash(table: Table, key: str, text: str) -> str:
    if not text.startswith("/") or any(c.isspace() for c in text) or not (text.isascii() and text.isprintable()):
        table.fail(key, f"{text!r} is not the path of a request", "starts with / and has no spaces; ü is %C3%BC")
    return text


def _pointer(table: Table, key: str, default: str) -> str:
    return _is_pointer(table, key, table.text(key, default))


def _is_pointer(table: Table, key: str, text: str) -> str:
    if not text.startswith("/"):
        table.fail(key, f"{text!r} is not a JSON pointer", f"write /{text}")
    return text


# -- checks that need the host -------------------------------------------------------------------------------------
def commands(config: SystemConfig) -> dict[str, Argv]:
    """Every command of the system by its dotted key."""
    found = {"service.start": config.service.start, "service.stop": config.service.stop}
    found |= {f"operations.{n}.command": o.command for n, o in config.operations.items()}
    found |= {f"dependencies.{n}.start": d.start for n, d in config.dependencies.items()}
    found |= {f"monitors.{n}.start": m.start for n, m in config.monitors.items()}
    return {key: argv for key, argv in found.items() if argv}


def check_commands(config: SystemConfig, values: Mapping[str, str]) -> None:
    """Every program exists and may be run, and so does every file of the system's folder that a command names.

    What lies under ``{dir}`` is not looked for: that directory is made by the run.
    """
    path = config.env.get("PATH", os.environ.get("PATH", os.defpath))
    here = {"python": values["python"], "system": str(config.folder)}
    for key, argv in commands(config).items():
        what = f"use {config.file}: {key}"
        if "{dir}" not in argv[0]:
            program = fill(argv[0], {**values, **here})
            if shutil.which(program, path=path) is None:
                raise HarnessError(what, f"there is no program {program!r}", "install it, or name it by its full path")
        for item in argv[1:]:
            if item.startswith("{system}/") and not Path(file := fill(item, {**values, **here})).exists():
                raise HarnessError(what, f"there is no {file}", "{system} is the folder of the system.toml")


def expired_waives(config: SystemConfig, today: date | None = None) -> tuple[Waive, ...]:
    """Waives whose last day has passed (UTC); they no longer accept anything, and the report says so."""
    day = today or datetime.fromtimestamp(clock.now().wall_ns / NS, UTC).date()
    return tuple(waive for waive in config.waives if waive.expired(day))
