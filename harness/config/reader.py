"""The reader of system.toml: one file describes the system under test."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.config.attached import refuse_held_calls, refuse_of_an_attached, refuse_of_an_island, refuse_places
from harness.config.claims import ClaimLimit, read_claims
from harness.config.keys import Declared, keys_of, read_keys
from harness.config.operations import DROPPED, HARNESS_STEPS, OPERATIONS, OWN_NAME
from harness.config.phases import read_phases
from harness.config.rules import RULES
from harness.config.schema import OperationConfig, PhaseConfig, ServiceConfig, SystemConfig, VariantConfig
from harness.config.suggest import did_you_mean
from harness.config.toml.shapes import ByName, One, Several
from harness.config.toml.table import Table
from harness.config.toml.value import REQUIRED
from harness.errors import HarnessError

FILE = "system.toml"


def load_system(name_or_path: str | Path, bundled_dir: Path, *, variants: Sequence[str] = ()) -> SystemConfig:
    """The system named (a bundled one) or described (a TOML file, or the folder that holds a system.toml)."""
    return read_system(find_system(name_or_path, bundled_dir), variants=variants)


def find_system(name_or_path: str | Path, bundled_dir: Path) -> Path:
    """The TOML file meant. A bundled name wins over a folder of that name; ``./name`` is always the folder."""
    text = str(name_or_path)
    named = bundled(bundled_dir)
    by_name = named | {file.parent.name: file for file in named.values()}
    if "/" not in text and text in by_name:
        return by_name[text]
    try:
        path = Path(text).expanduser()
        if path.is_dir():
            if not (path / FILE).is_file():
                raise HarnessError(f"find the system {text!r}", f"there is no {FILE} in it", f"deploydrill init {text}")
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


def bundled(bundled_dir: Path) -> dict[str, Path]:
    """The files of the systems below ``bundled_dir``, by the name that each gives itself."""
    return {_name_in(file) or file.parent.name: file for file in sorted(bundled_dir.glob(f"*/{FILE}"))}


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
    attached = _attached(top)
    (refuse_of_an_island if attached else refuse_of_an_attached)(top)
    config: SystemConfig = _read(SystemConfig, top, attached=attached, file=file.resolve(), active=tuple(variants))
    if attached:
        refuse_places(top)
        refuse_held_calls(top, config.phases)
    config = replace(config, service=_with_one_probe(config.service, top.raw["service"]))
    return replace(config, env=dict(config.env) | _switched_on(config, variants))


def _with_one_probe(service: ServiceConfig, said: Mapping[str, Any]) -> ServiceConfig:
    """Where only one of `health` and `ready` is said, the service has that one."""
    if "ready" in said and "health" not in said:
        return replace(service, health=service.ready)
    if "health" in said and "ready" not in said:
        return replace(service, ready=service.health)
    return service


def _attached(top: Table) -> bool:
    service = top.raw.get("service")
    return isinstance(service, Mapping) and Table(service, "service", top.file).at("attach", False).flag()


def _read(of: type[Any], table: Table, *, attached: bool = False, **given: Any) -> Any:
    """The table as an ``of``: every key as it is declared, no other key, and its rules kept."""
    values = given | read_keys(of, table, attached=attached)
    for declared in keys_of(of):
        if declared.field not in values:
            values[declared.field] = _table(declared, table, attached)
    table.end()
    value = of(**values)
    for rule in RULES.get(of, ()):
        rule.check(table, value)
    return value


def _table(declared: Declared, table: Table, attached: bool) -> Any:
    """A key that is a table, or tables, of declared keys itself."""
    name, shape, default = declared.name, declared.key.shape, declared.default_of(attached)
    if isinstance(shape, Several) and name not in table and default is not REQUIRED:
        return default
    if isinstance(shape, Several):
        return tuple(_read(shape.of, inner) for inner in table.array(name))
    if isinstance(shape, ByName):
        if shape.of is PhaseConfig:
            return read_phases(table.table(name, default))
        if shape.of is OperationConfig:
            return _operations(table.table(name, default))
        named = {n: _read(shape.of, inner, name=n) for n, inner in table.tables(name).items()}
        return tuple(named.values()) if name == "waive" else named
    assert isinstance(shape, One)
    if table.value(name, default) is None:
        return None
    inner = table.table(name, default)
    return read_claims(inner) if shape.of is ClaimLimit else _read(shape.of, inner, attached=attached)


def _operations(table: Table) -> dict[str, OperationConfig]:
    """Each by its name. A name close to one that the harness knows is a slip of the pen, unless it says ``own``."""
    found: dict[str, OperationConfig] = {}
    for name in table:
        inner, known = table.table(name), name in OPERATIONS
        if not known:
            _check_own(name, table, inner)
        there = {
            "own": not known,
            "restores": name == "rollback",
            "to": name in ("restore", "rollback"),
            "version": name in ("restore", "rollback"),
            "asks_monitors": name == "deploy",
        }
        leave = [key for key, may in there.items() if not may]
        values = read_keys(OperationConfig, inner, leave=leave)
        inner.end()
        found[name] = OperationConfig(name, **values | {"own": not known})
    return found


def _check_own(name: str, table: Table, inner: Table) -> None:
    """Refuse what is no name for an operation of the user's own."""
    if name in HARNESS_STEPS:
        table.fail(name, "is a step that the harness takes itself", "choose another name")
    meant = DROPPED.get(name) or did_you_mean(name, OPERATIONS)
    if not re.fullmatch(OWN_NAME, name):
        table.fail(
            repr(name), "is not the name of an operation", meant or "lower-case letters, digits and _, at most 64"
        )
    if not inner.at("own", False).flag() and (meant or "own" in inner):
        hint = meant or f"known here: {', '.join(OPERATIONS)}"
        table.fail(name, "unknown key", f"{hint} (an operation of your own by that name says own = true)")


def _switched_on(config: SystemConfig, names: Sequence[str]) -> dict[str, str]:
    """The environment of the variants named. Two that set one variable differently would hide each other, unless the
    file says by what their values are joined."""
    known: Mapping[str, VariantConfig] = config.variants
    joined, env = config.joined, dict[str, str]()
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or f"variants of this system: {', '.join(known) or 'none'}"
            raise HarnessError(f"switch on the variant {name!r}", f"{config.file} has no [variants.{name}]", hint)
        for key, value in known[name].env.items():
            if key in env and key in joined:
                env[key] = joined[key].join(dict.fromkeys((*env[key].split(joined[key]), value)))
            elif env.setdefault(key, value) != value:
                why = f"another variant already sets {key} to {env[key]!r}"
                hint = f'one of them, or joined = {{ {key} = "," }} if it takes several words'
                raise HarnessError(f"switch on the variant {name!r}", why, hint)
    return env
