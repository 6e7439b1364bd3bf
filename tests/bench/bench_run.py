"""What the harness adds to a small run whose load is stated: ``baseline:once`` on the tiny system, whole commands.

A run's time is told beside the kit's own work in it (its operations, as recorded), and as a ratio to that.
``--against PATH``: the same of another checkout (with its own ``.venv``), in the same rounds, in turn (ABBA).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 5
LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Run:
    """Wall time and CPU of the whole command; the kit's own seconds; from the first event to the last."""

    wall_s: float
    cpu_s: float
    kit_s: float
    inside_s: float

    @property
    def overhead_s(self) -> float:
        return self.wall_s - self.kit_s


def run(checkout: Path) -> Run:
    with tempfile.TemporaryDirectory() as out:
        argv = [str(checkout / ".venv" / "bin" / "deploydrill"), "run", "baseline:once", "--out", out]
        argv += ["--system", "tests/e2e/tiny", "--no-live"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, timeout=LIMIT_S)
        wall_s, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        assert "outcome=" in done.stdout, done.stderr
        (events,) = Path(out).glob("2*/baseline-once/events.jsonl")  # not by way of latest
        rows = [json.loads(line) for line in events.read_text().splitlines()]
    kit = [(r["t"] - r["start_ns"]) / 1e9 for r in rows if r["kind"] == "operation.stop"]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(wall_s, cpu_s, sum(kit), (rows[-1]["t"] - rows[0]["t"]) / 1e9)


def spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--against", type=Path, help="another checkout with its .venv")
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    given = asked.parse_args()
    checkouts = {"ours": ROOT} | ({"theirs": given.against.resolve()} if given.against else {})
    runs: dict[str, list[Run]] = {name: [] for name in checkouts}
    for number in range(given.rounds):
        for name in sorted(checkouts, reverse=bool(number % 2)):
            runs[name].append(run(checkouts[name]))
    for name, rows in runs.items():
        print(
            f"{name:6} n = {len(rows)}: whole {spread([r.wall_s for r in rows])} s, of which the kit"
            f" {spread([r.kit_s for r in rows])} s; overhead {spread([r.overhead_s for r in rows])} s,"
            f" {spread([r.overhead_s / r.kit_s for r in rows])} x the kit's work;"
            f" inside {spread([r.inside_s for r in rows])} s; CPU {spread([r.cpu_s for r in rows])} s"
        )
    if given.against:
        pairs = list(zip(runs["ours"], runs["theirs"], strict=True))
        print(f"ours / theirs, round by round: whole {spread([a.wall_s / b.wall_s for a, b in pairs])}, ", end="")
        print(f"overhead {spread([a.overhead_s / b.overhead_s for a, b in pairs])}")


if __name__ == "__main__":
    main()
