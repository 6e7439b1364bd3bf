"""The program ``toxiproxy-server``: where it is on this host."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from harness.host.checkout import IS_CHECKOUT, TOOLS

HINT = (
    "`make setup` builds one into .tools/ (needs Go or the package registry)"
    if IS_CHECKOUT
    else "put the toxiproxy-server of a Toxiproxy release on PATH"
)


def find_server() -> Path | None:
    """``toxiproxy-server`` on PATH, else the one ``make setup`` built below the checkout."""
    on_path = shutil.which("toxiproxy-server")
    if on_path:
        return Path(on_path)
    built = TOOLS / "toxiproxy-server"
    return built if os.access(built, os.X_OK) else None
