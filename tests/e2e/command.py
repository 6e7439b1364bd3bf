"""The command as a person runs it, for tests: real processes, its own output directory, its last line read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.host.checkout import ROOT
from tests.busy import inconclusive
from tests.lateness import late_alone

COMMAND = Path(sys.executable).with_name("deploydrill")
TINY = Path(__file__).with_name("tiny")


@dataclass(frozen=True)
class Done:
    exit: int
    out: str
    err: str

    @property
    def report(self) -> Path:
        """The folder of the report the last line names."""
        return Path(self.out.strip().splitlines()[-1].partition("report=")[2]).parent

    def results(self) -> list[dict[str, Any]]:
        return [json.loads(p.read_text()) for p in sorted(self.report.glob("*/result.json"))]

    def found(self, outcome: str, code: str = "") -> list[dict[str, Any]]:
        """All findings of that outcome, of one code where it is given."""
        found = [f for r in self.results() for f in r["findings"] if f["outcome"] == outcome]
        return [f for f in found if code in ("", f["code"])]

    def cut_states(self) -> list[dict[str, Any]]:
        """What was found about each state that a power cut may have left; not the control."""
        found = [f for r in self.results() for f in r["findings"] if f["subject"]["kind"] == "crash_state"]
        return [f for f in found if f["subject"]["id"].startswith("cut-")]

    def codes(self, outcome: str) -> set[str]:
        """Their codes."""
        return {f["code"] for f in self.found(outcome)}


def deploydrill(
    *words: str | Path, env: dict[str, str] | None = None, before: Sequence[str] = (), timeout: float = 150
) -> Done:
    """Run the command; ``before`` is put in front of it (such as unshare)."""
    done = subprocess.run(
        [*before, str(COMMAND), *map(str, words)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        timeout=timeout,
        cwd=ROOT,
    )
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def conclusive(done: Done) -> Done:
    """The same; the test ends here, inconclusive, if a run of it is unknown only because the harness was late. Look for
    fails before: no lateness excuses one."""
    for result in done.results():
        if why := late_alone(result):
            inconclusive(f"{result['scenario']}:{result['cell']}: {why}")
    return done


def refuted(done: Done) -> Done:
    """The same, once something in it failed; inconclusive if it is unknown only because the harness was late."""
    if done.exit == 3:
        conclusive(done)
    assert done.exit == 1, done.out + done.err
    return done


def run_tiny(out: Path, *words: str | Path, **more: Any) -> Done:
    """One run on the tiny system."""
    return deploydrill("run", *words, "--system", TINY, "--out", out, "--no-live", **more)
