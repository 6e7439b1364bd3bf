"""Every row of systems with habits of others, rehearsed as a person would.

``python -m tests.systems.rehearse [ROW]...`` prints a line a command; exit 1 if one did not say what its row has to.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness.host.clock import mono_ns
from harness.model import NS
from tests.e2e.command import Done, deploydrill
from tests.systems.rows import ROWS, Row

# A verify of a kit whose commands run to their deadlines takes long.
_LIMIT_S = 600
_EXIT = {"pass": 0, "unknown": 3, "refused": 64}


def commands(row: Row, place: Path) -> Iterator[tuple[str, tuple[str | Path, ...]]]:
    """What is run for a row, each with its name."""
    folder = row.folder(place)
    if (folder / "build.sh").exists():
        subprocess.run(["sh", folder / "build.sh"], check=True)
    flaws = [word for flaw in row.flaws for word in ("--flaw", flaw)]
    common = (*flaws, *row.words, "--out", place / "reports")
    if "verify" in row.cells:
        yield "verify", ("verify", folder, *common)
    if cells := [c for c in row.cells if c != "verify"]:
        yield " ".join(cells), ("run", folder, *cells, *common)


def wrong(row: Row, done: Done) -> str:
    """What a command said otherwise than its row has it; empty for nothing."""
    if done.exit != _EXIT[row.outcome]:
        return f"exit {done.exit} instead of {_EXIT[row.outcome]}: {done.err[-300:] or done.out[-600:]}"
    if row.said and row.said not in done.out + done.err:
        return f"{row.said!r} is not said"
    if row.codes and not done.codes("unknown") & set(row.codes):
        return f"unknown by {sorted(done.codes('unknown'))} instead of {', '.join(row.codes)}"
    return ""


def main(names: list[str]) -> int:
    failed = 0
    for row in (r for r in ROWS if not names or r.name in names):
        with tempfile.TemporaryDirectory(prefix="drill-rows-") as place:
            for name, words in commands(row, Path(place)):
                began = mono_ns()
                why = wrong(row, deploydrill(*words, timeout=_LIMIT_S))
                failed += bool(why)
                took = f"{(mono_ns() - began) / NS:.0f} s"
                print(f"{'WRONG' if why else 'as meant'}: {row.name}: {name} ({took}) {why}", flush=True)
    print(f"{failed} wrong" if failed else "all as meant")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
