"""The reader of system.toml: one file describes the system under test."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.config.attached import refuse_held_calls, refuse_of_an_island, refuse_places
from harness.config.claims import read_claims
from harness.config.fields import HEALTH, URL, address, address_of, path, pattern, pointer, program
from harness.config.load import read_load
from harness.config.phases import read_phases
from harness.config.placeholders import LINK, PLACES
from harness.config.schema import (
    OPERATIONS,
    DataConfig,
    DependencyConfig,
    DisksConfig,
    LimitsConfig,
    LinkConfig,
    MonitorConfig,
    OperationConfig,
    ServiceConfig,
    SystemConfig,
    VariantConfig,
    VersionsConfig,
    Waive,
)
from harness.config.suggest import did_you_mean
from harness.config.table import REQUIRED, Table
from harness.errors import HarnessError

FILE = "system.toml"
_URL = "http://127.0.0.1:{port}"


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
            return path.resolve()
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
    top = Table(parse(file), "", file.resolve())
    name = top.text("name")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        top.fail("name", f"{name!r} is not a name", "letters, digits, . _ and -, at most 64")
    known = _variants(top)
    limits = _limits(top.table("limits", {}))
    service = _service(top.table("service"), limits)
    if service.attach:
        refuse_of_an_island(top)
    elif limits.allow_hosts:
        top.fail("limits.allow_hosts", "is for a system that runs already", "from an island no other host is reached")
    config = SystemConfig(
        name=name,
        file=file.resolve(),
        service=service,
        data=_data(top.table("data", {} if service.attach else REQUIRED), service.attach),
        disks=_disks(top.table("disks", {})),
        versions=_versions(top.table("versions")),
        load=read_load(top.table("load")),
        limits=limits,
        env=top.environment("env", fills=PLACES) | _switched_on(top, known, variants),
        operations=(operations := {n: _operation(n, t) for n, t in top.tables("operations", OPERATIONS).items()}),
        dependencies=(dependencies := {n: _dependency(n, t) for n, t in top.tables("dependencies").items()}),
        links={n: _link(n, t, dependencies) for n, t in top.tables("links").items()},
        monitors={n: _monitor(n, t) for n, t in top.tables("monitors").items()},
        variants=known,
        claims=read_claims(top.table("claims", {})),
        waives=tuple(_waive(n, t) for n, t in top.tables("waive").items()),
        active=tuple(variants),
        phases=read_phases(top.table("phases", {}), operations),
        user=top.text("user", ""),
    )
    top.end()
    if service.attach:
        refuse_places(top)
        refuse_held_calls(top, config.phases)
    return config


# -- sections ------------------------------------------------------------------------------------------------------
def _service(table: Table, limits: LimitsConfig) -> ServiceConfig:
    attach = table.flag("attach", False)
    url = address_of(table, "url", limits.allow_hosts) if attach else address(table, "url", URL, _URL)
    service = ServiceConfig(
        start=program(table, "start", () if attach else REQUIRED),
        stop=program(table, "stop", ()),
        attach=attach,
        url=url.rstrip("/"),
        health=path(table, "health", "/health"),
        ready=path(table, "ready", "/ready"),
        version=path(table, "version", "/version"),
        version_pointer=pointer(table, "version_pointer", "/version"),
        version_pattern=pattern(table, "version_pattern", ""),
        deadline_ms=table.number("deadline_ms", 1000.0, least=1, most=600_000),
        start_deadline_s=table.number("start_deadline_s", 20.0, least=0.1, most=3600),
        access_log=table.text("access_log", "", fills=PLACES),
        logs=table.texts("logs", (), fills=PLACES),
    )
    table.end()
    return service


def _data(table: Table, attached: bool) -> DataConfig:
    place = "" if attached else REQUIRED
    data = DataConfig(
        kind=table.choice("kind", ("sqlite", "postgres", "opaque"), "opaque" if attached else REQUIRED),
        dir=table.text("dir", place, fills=PLACES),
        backup_dir=table.text("backup_dir", place, fills=PLACES),
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
        command=program(table, "command"),
        deadline_s=table.number("deadline_s", 60.0, least=0.1, most=86_400),
        restores=table.flag("restores", False) if name == "rollback" else False,
    )
    table.end()
    return operation


def _dependency(name: str, table: Table) -> DependencyConfig:
    dependency = DependencyConfig(
        name=name,
        start=program(table, "start"),
        health=address(table, "health", HEALTH, "tcp://127.0.0.1:{port}"),
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
        start=program(table, "start"),
        health=address(table, "health", HEALTH, "http://127.0.0.1:9101/status"),
        stale_after_s=table.number("stale_after_s", 3.0, least=0.1, most=3600),
    )
    table.end()
    return monitor


def _variants(top: Table) -> dict[str, VariantConfig]:
    found: dict[str, VariantConfig] = {}
    for name, table in top.tables("variants").items():
        found[name] = variant = VariantConfig(
            name,
            table.environment("env", fills=PLACES),
            table.text("about", ""),
            table.texts("shown_by", ()),
            table.text("observation", ""),
        )
        if bool(variant.shown_by) != bool(variant.observation):
            lacks = "observation" if variant.shown_by else "shown_by"
            hint = "a flaw has both: the cells that show it, and a regular expression for what they say then"
            table.fail(lacks, "is missing beside the other one", hint)
        table.end()
    return found


def _switched_on(top: Table, known: Mapping[str, VariantConfig], names: Sequence[str]) -> dict[str, str]:
    """The environment of the variants named. Two that set one variable differently would hide each other, unless the
    file says by what their values are joined."""
    joined = top.environment("joined", fills=frozenset())
    for key in (key for key, between in joined.items() if not between):
        top.fail(f"joined.{key}", "is empty", 'what stands between two values, such as ","')
    env: dict[str, str] = {}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"variants of this system: {', '.join(known) or 'none'}"
            raise HarnessError(f"switch on the variant {name!r}", f"{top.file} has no [variants.{name}]", hint)
        for key, value in known[name].env.items():
            if key in env and key in joined:
                env[key] = joined[key].join(dict.fromkeys((*env[key].split(joined[key]), value)))
            elif env.setdefault(key, value) != value:
                why = f"another variant already sets {key} to {env[key]!r}"
                hint = f'one of them, or joined = {{ {key} = "," }} if it takes several words'
                raise HarnessError(f"switch on the variant {name!r}", why, hint)
    return env


def _limits(table: Table) -> LimitsConfig:
    limits = LimitsConfig(
        max_run_s=table.number("max_run_s", 300.0, least=1, most=604_800),
        allow_hosts=table.texts("allow_hosts", ()),
    )
    table.end()
    return limits


def _waive(name: str, table: Table) -> Waive:
    waive = Waive(name, table.text("reason"), table.day("until"))
    if not waive.reason.strip():
        table.fail("reason", "is blank", "say why this unknown is acceptable, for whoever reads the report")
    table.end()
    return waive
