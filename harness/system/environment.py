"""The environment that the system's commands see: little of ours, so that no token of a CI job is in it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ")
# The kit of a system that runs already is at home where it is: without a HOME it finds neither keys nor settings.
_AT_HOME = ("HOME", "USER", "LOGNAME", "SHELL")


def _kept(names: tuple[str, ...]) -> dict[str, str]:
    return {name: os.environ[name] for name in names if name in os.environ}


def on_island(python: Path, home: Path) -> dict[str, str]:
    """With a home of the run's own, which is made; programs of the wheels (caddy, rclone) lie beside ``python``."""
    home.mkdir(parents=True, exist_ok=True)
    kept = _kept(_KEPT)
    return {
        **kept,
        "PATH": f"{python.parent}:{kept.get('PATH', os.defpath)}",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def at_home(user: str) -> dict[str, str]:
    """As it is for whoever runs us; as a login would have it for another ``user``."""
    if not user:
        return _kept((*_KEPT, *_AT_HOME))
    entry = pwd.getpwnam(user)
    return {**_kept(_KEPT), "HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name}
