"""Whether the kernel gives what an island is made of: asked without the harness, so that tests are left out for the
host's sake only."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

_WORDS = ("--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
_USER = ("--user", "--map-root-user")


def refused(root: bool, before: Sequence[str] = ()) -> str:
    """Why there are none for root, or for whom ``before`` becomes; empty when there are."""
    words = [*before, "unshare", *(() if root else _USER), *_WORDS, "true"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return "there is no unshare (Debian: util-linux)"
    return (done.stderr.strip() or f"exit {done.returncode}") if done.returncode else ""
