"""One cell rehearsed from Python: the command runs in a process of its own, its report is opened."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import ExitCode, HarnessError
from harness.host import commands
from harness.host.outputs import tail
from harness.report.data.opened import Report, open_report

# The command ends earlier by itself: --deadline is a run's limit, and set-up and judging have theirs.
_GRACE_S = 300.0
_END_GRACE_S = 10.0
_TOLD_BYTES = 2000


def rehearse(
    cell: str,
    *,
    system: str | Path = "hardened",
    flaws: Sequence[str] = (),
    seed: int = 1,
    size: str = "",
    repeat: int = 0,
    users: int = 0,
    scenarios: Sequence[str | Path] = (),
    deadline_s: float = 1200.0,
    out: str | Path | None = None,
) -> Report:
    """Run one cell (``disk_full:in-migration``) as ``deploydrill run`` does, and open its report.

    It has a process of its own: this one keeps its signals, its threads and its patches. ``out``: the folder that the
    report is written below, a temporary one if not given. HarnessError with code USAGE where the command says so, with
    UNKNOWN where it ended without one result.
    """
    place = Path(out) if out is not None else Path(tempfile.mkdtemp(prefix="deploydrill-"))
    words = [cell, "--system", str(system), "--seed", str(seed), "--deadline", f"{deadline_s:g}"]
    words += [word for flaw in flaws for word in ("--flaw", flaw)]
    words += [word for folder in scenarios for word in ("--scenarios", str(folder))]
    words += ["--size", size] if size else []
    words += ["--repeat", str(repeat)] if repeat else []
    words += ["--users", str(users)] if users else []
    place.mkdir(parents=True, exist_ok=True)
    said = place / "command.txt"
    argv = [sys.executable, "-m", "harness.cli", "run", *words, "--no-live", "--out", str(place)]
    process = commands.spawn(argv, output=said)
    try:
        code = process.wait(deadline_s + _GRACE_S)
    finally:
        if process.exit is None:  # too late, or the person interrupted: it heals, and ends
            process.end(_END_GRACE_S)
    what, why = f"deploydrill run {' '.join(words)}", tail(said, _TOLD_BYTES).strip()
    if code == ExitCode.USAGE:
        raise HarnessError(what, why)
    latest = place / "latest"
    found = list(latest.glob("*/result.json"))
    if code not in (ExitCode.PASS, ExitCode.FAIL, ExitCode.UNKNOWN) or len(found) != 1:
        raise HarnessError(what, f"it ended with {code} and {len(found)} results:\n{why}", "", ExitCode.UNKNOWN)
    return open_report(latest)
