"""An island as the outside sees it: started, asked to stop, waited for, and gone when the outside is."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.host import commands
from harness.island.spec import IslandSpec
from harness.model import Kind

_NAMESPACES = ("--mount", "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc")
_USER = ("--user", "--map-root-user")


# Restricts the kind of island, such as ``user`` to see as root what an ordinary user gets.
KIND_VARIABLE = "DEPLOYDRILL_ISLAND"


def best_kind() -> Kind:
    """The best this host allows, tried: a full island as root, one in a user namespace, or none."""
    wanted = os.environ.get(KIND_VARIABLE, "")
    kinds: tuple[tuple[Kind, tuple[str, ...]], ...] = (("root", ()), ("user", _USER))
    if wanted not in ("", "root", "user", "none"):
        raise HarnessError(f"use {KIND_VARIABLE}={wanted}", "no such kind of island", "root, user, none, or unset it")
    for kind, extra in kinds:
        if wanted not in ("", kind) or (kind == "root" and os.geteuid() != 0):
            continue
        try:
            if commands.run(["unshare", *extra, *_NAMESPACES, "true"], deadline_s=10).exit == 0:
                return kind
        except HarnessError:
            continue
    return "none"


# What a process on an island can see of our environment, and so print: no token of a CI job, no key of a person.
_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|VIRTUAL_ENV|XDG_(STATE|CACHE)_HOME|LD_LIBRARY_PATH"
    r"|PYTHON\w*|COVERAGE_\w+|DEPLOYDRILL_\w+"
)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}


class Island:
    """``Island(spec).start()``; when this process dies, however it dies, the island's process 1 sees the end of the
    lifeline and the kernel ends everything on it."""

    def __init__(self, spec: IslandSpec, log: Path) -> None:
        self.spec = spec
        self._log = log
        self._lifeline: int | None = None
        self._process: commands.Process | None = None

    def start(self) -> None:
        read_end, self._lifeline = os.pipe()
        with tempfile.TemporaryFile("w+") as file:
            file.write(self.spec.to_json())
            file.flush()
            file.seek(0)
            init = [sys.executable, "-m", "harness.island.init", str(file.fileno()), str(read_end)]
            prefix: Sequence[str] = ()
            if self.spec.kind != "none":
                prefix = ("unshare", *(_USER if self.spec.kind == "user" else ()), *_NAMESPACES)
            self._process = commands.spawn(
                [*prefix, *init],
                env=_environment(),
                output=self._log,
                pass_fds=(file.fileno(), read_end, *self.spec.fds.values()),
            )
        os.close(read_end)

    def ask_to_stop(self) -> None:
        """The inside half gets SIGTERM: it records that it was interrupted and leaves."""
        if self._lifeline is not None:
            try:
                os.write(self._lifeline, b"stop\n")
            except BrokenPipeError:
                pass

    def wait(self, deadline_s: float) -> int | None:
        """The inside half's exit code, or None while the island is up at the deadline."""
        assert self._process is not None, "wait() before start()"
        return self._process.wait(deadline_s)

    def destroy(self, grace_s: float = 5.0) -> None:
        """Destroy the island: close the lifeline, and SIGKILL unshare if that was not enough. Safe to call twice."""
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        if self._process is not None and self._process.wait(grace_s) is None:
            self._process.kill()
            self._process.wait(grace_s)
