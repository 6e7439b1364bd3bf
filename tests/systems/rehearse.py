"""Every row of systems with habits of others, rehearsed as a person would.

``python -m tests.systems.rehearse [ROW]...`` prints a line a command; exit 1 if one did not say what its row has to.
With ``--record FILE`` it goes on where it was broken off.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from harness.host.checkout import ROOT
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
        told = "; ".join(
            sorted(f"{f['code']}: {f['sentence']}" for kind in ("fail", "unknown") for f in done.found(kind))
        )
        return f"exit {done.exit} instead of {_EXIT[row.outcome]}: {told or done.err[-300:] or done.out[-600:]}"
    if row.said and row.said not in done.out + done.err:
        return f"{row.said!r} is not said"
    if row.codes and not done.codes("unknown") & set(row.codes):
        return f"unknown by {sorted(done.codes('unknown'))} instead of {', '.join(row.codes)}"
    return row.seen(done) if row.seen else ""


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.systems.rehearse")
    parser.add_argument("rows", nargs="*", metavar="ROW")
    parser.add_argument("--times", type=int, default=1, help="rehearse each so often")
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="one line a command; what is in it is not done again"
    )
    asked = parser.parse_args(words)
    if unknown := set(asked.rows) - {r.name for r in ROWS}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    record = Record(asked.record)
    failed = 0
    for _ in range(asked.times):
        for row in (r for r in ROWS if not asked.rows or r.name in asked.rows):
            with tempfile.TemporaryDirectory(prefix="drill-rows-") as place:
                for name, command in commands(row, Path(place)):
                    if record.takes(row.name, name, asked.times):
                        failed += not record.add(row.name, name, *_run(row, command))
    print(f"{failed} wrong" if failed else "all as meant")
    return 1 if failed else 0


def _run(row: Row, command: tuple[str | Path, ...]) -> tuple[str, int]:
    """What was wrong, and after how many seconds that was known."""
    began = mono_ns()
    why = wrong(row, deploydrill(*command, timeout=_LIMIT_S))
    return why, round((mono_ns() - began) / NS)


class Record:
    """What was rehearsed so far at this commit: a JSON line each in ``file``, so that a long one can go on later."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True)
        self._commit = done.stdout.strip()
        lines = file.read_text().splitlines() if file and file.exists() else []
        told = [line for line in map(json.loads, lines) if line["commit"] == self._commit]
        self._times = Counter((line["row"], line["what"]) for line in told)

    def takes(self, row: str, what: str, times: int) -> bool:
        """Whether that is to be rehearsed once more."""
        return self._file is None or self._times[row, what] < times

    def add(self, row: str, what: str, why: str, seconds: int) -> bool:
        """Whether it was as meant."""
        print(f"{'WRONG' if why else 'as meant'}: {row}: {what} ({seconds} s) {why}", flush=True)
        self._times[row, what] += 1
        if self._file:
            line = {"row": row, "what": what, "commit": self._commit, "seconds": seconds, "wrong": why}
            with self._file.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return not why


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
