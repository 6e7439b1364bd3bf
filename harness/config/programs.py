"""The programs a system.toml names, and whether they are there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.config.placeholders import fill
from harness.config.schema import SystemConfig
from harness.config.toml.shapes import Argv
from harness.errors import HarnessError

# These an island has for itself.
_OWN = ("/tmp", "/var/tmp", "/dev/shm", "/run")


def commands(config: SystemConfig) -> dict[str, Argv]:
    """Every command of the system by its dotted key."""
    found = {"service.start": config.service.start, "service.stop": config.service.stop}
    if config.backups:
        found |= {"backups.list": config.backups.list, "backups.latest": config.backups.latest}
    if config.client:
        found["client.command"] = config.client.command
    found["service.version_command"] = config.service.version_command
    found |= {f"operations.{n}.command": o.command for n, o in config.operations.items()}
    found |= {f"dependencies.{n}.start": d.start for n, d in config.dependencies.items()}
    found |= {f"monitors.{n}.start": m.start for n, m in config.monitors.items()}
    return {key: argv for key, argv in found.items() if argv}


def check_commands(
    config: SystemConfig, values: Mapping[str, str], barred: Callable[[Path], Path | None] = lambda _: None
) -> None:
    """Every program exists and may be run, and so does every file of the system's folder that a command names.
    ``barred``: what keeps the user of the commands from a file, such as the home of another one.

    What lies under ``{dir}`` is not looked for: that directory is made by the run.
    """
    path = config.env.get("PATH", os.environ.get("PATH", os.defpath))
    here = {"python": values["python"], "system": str(config.folder)}
    for key, argv in commands(config).items():
        what = f"use {config.file}: {key}"
        if "{dir}" not in argv[0]:
            program = fill(argv[0], {**values, **here})
            # One that runs already is where its system.toml is, and so are its commands run there.
            place = config.folder / program if config.service.attach and "/" in program else program
            # As whoever starts it looks for it: the next on PATH will do where one is closed to it.
            there = [f for entry in path.split(os.pathsep) if (f := shutil.which(place, path=entry))]
            found = next((f for f in there if not barred(Path(f))), next(iter(there), None))
            if found is None:
                hint = _unseen(program) or "install it, or name it by its full path"
                raise HarnessError(what, f"there is no program {program!r}", hint)
            _refuse_barred(config, what, Path(found), barred)
        for item in argv[1:]:
            if item.startswith("{system}/") and not Path(file := fill(item, {**values, **here})).exists():
                hint = _unseen(file) or "{system} is the folder of the system.toml"
                raise HarnessError(what, f"there is no {file}", hint)
            if item.startswith("{system}/"):
                _refuse_barred(config, what, Path(file), barred)


def _refuse_barred(config: SystemConfig, what: str, file: Path, barred: Callable[[Path], Path | None]) -> None:
    if place := barred(file):
        why = f"the user {config.user} cannot get at {file}: {place} is closed to it"
        raise HarnessError(what, why, f"put it where every user gets, such as below /opt; or chmod o+rx {place}")


def _unseen(file: str) -> str:
    """Why a file may be missing that the host has; empty where nothing speaks for it."""
    place = next((p for p in _OWN if Path(os.path.normpath(file)).is_relative_to(p)), "")
    return f"an island has a {place} of its own, and of the host's only {{system}}: put the kit elsewhere" * bool(place)
