"""Death at every record: ``python -m tests.deaths`` kills the harness right after each record of a run of each scenario
and looks what is left on the host, before and after ``heal``.

One quick cell of each scenario; on the tiny system where it has what the cell needs, for a point costs a run up to its
record. The last line is ``deaths=N residues=M``; the exit code is 1 when M is not 0.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import healing
from tests.e2e.command import deploydrill
from tests.e2e.host.test_deaths import notes_about
from tests.e2e.live_run import LiveRun, tiny_copy

HARDENED = "hardened"
# One cell of each scenario, and whether the tiny system can run it: that has no links and no monitors.
CELLS = {
    "baseline": ("baseline:once", True),
    "disk_full": ("disk_full:before-backup", True),
    "concurrent_deployments": ("concurrent_deployments:race-2", True),
    "power_loss": ("power_loss:in-backup", True),
    "monitor_crash": ("monitor_crash:both-killed", False),
    "network_partition": ("network_partition:upload-cut", False),
}
# What LiveRun says of a run that was killed and wrote its last record all the same; one written while the kill was on
# its way (by its own time, so much after the kill at most) is no going on.
ENDED = "the run was killed and went on to its end"
ON_ITS_WAY_NS = 100_000_000
# A record may come late on a busy host.
LIMIT_S = 180.0


@dataclass(frozen=True)
class Point:
    """The harness dies right after the ``record``-th of ``of`` records of that cell."""

    cell: str
    record: int
    of: int


@dataclass(frozen=True)
class Death:
    """``kind``: the record it came after, empty when the run had ended before it was written. ``left``: residues."""

    point: Point
    kind: str
    left: tuple[str, ...]


class Campaign:
    """Runs in ``base``, which is removed by the caller."""

    def __init__(self, base: Path, role: str) -> None:
        self._base = base
        self._role = role
        self._tiny = tiny_copy(base / "tiny")
        self._numbers = iter(range(10**6))

    def run(self, cell: str) -> LiveRun:
        on_tiny = dict(CELLS.values())[cell]
        system = self._tiny if on_tiny else Path(HARDENED)
        return LiveRun(self._base / f"run-{next(self._numbers)}", cell, "--size", "2MB", system=system)

    def records_of(self, cell: str) -> int:
        """How many a whole run has."""
        with self.run(cell) as whole:
            code = whole.end(LIMIT_S)
            assert code in (0, 1, 3), f"{cell} ended with {code}:\n{whole.stderr}"
            return len(whole.events())

    def die(self, point: Point) -> Death:
        with self.run(point.cell) as run:
            events = run.events()
            end = time.monotonic() + LIMIT_S
            while len(events) < point.record and run.process.poll() is None and time.monotonic() < end:
                time.sleep(0.002)
                events = run.events()
            if len(events) < point.record:
                return Death(point, "", () if run.process.poll() is not None else ("the run stood still",))
            kind = str(events[point.record - 1]["kind"])
            left = [*(self._kill_outside(run) if self._role == "outer" else self._kill_within(run, kind))]
            shutil.rmtree(run.out, ignore_errors=True)
            return Death(point, kind, tuple(left))

    def _kill_outside(self, run: LiveRun) -> Iterator[str]:
        """The host is as before without any healing; healing removes the unfinished recording."""
        killed_ns = time.monotonic_ns()
        run.kill()
        left = run.left_behind()
        if ENDED in left and run.events()[-1]["t"] - killed_ns < ON_ITS_WAY_NS:
            left.remove(ENDED)
        yield from (f"before heal: {line}" for line in left)
        with healing.beside_others():
            healed = deploydrill("heal")
        if healed.exit:
            yield f"heal ended with {healed.exit}: {healed.out}"
        yield from (f"after heal: {folder}" for folder in run.staged)
        yield from (f"after heal: undo record {name}" for name in notes_about(run.out))

    def _kill_within(self, run: LiveRun, kind: str) -> Iterator[str]:
        """The outside half goes on: it ends by itself, with a verdict that is no pass, and nothing stays."""
        try:
            os.kill(run.pid(self._role), signal.SIGKILL)
        except (ValueError, ProcessLookupError):  # it had just ended by itself
            kind = "recording.complete"
        code = run.end(LIMIT_S)
        if code != 3 and not (kind == "recording.complete" and code in (0, 1)):
            yield f"a run without its {self._role} half ended with {code}"
        yield from run.left_behind()
        yield from (f"unfinished: {folder}" for folder in run.staged)
        yield from (f"undo record {name}" for name in notes_about(run.out))


def spread(points: Sequence[Point]) -> list[Point]:
    """So ordered that any first part of it lies evenly over all runs: the binary fractions backwards."""
    return sorted(points, key=lambda p: int(f"{p.record * 1024 // (p.of + 1):010b}"[::-1], 2))


def picked(points: Sequence[Point], number: int) -> list[Point]:
    """``number`` of them, evenly."""
    if number >= len(points):
        return list(points)
    return [points[i * len(points) // number] for i in range(number)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.deaths", description=__doc__)
    parser.add_argument("--scenario", action="append", choices=list(CELLS), help="only this one (may be repeated)")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th record of a run")
    parser.add_argument("--points", type=int, default=10**6, metavar="N", help="so many, evenly over all runs")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin none later")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="so many runs side by side")
    parser.add_argument("--role", choices=["outer", "inside", "init", "unshare"], default="outer", help="who is killed")
    options = parser.parse_args()
    end = time.monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory(prefix="deaths-") as base, ThreadPoolExecutor(options.jobs) as pool:
        campaign = Campaign(Path(base), options.role)
        cells = [CELLS[name][0] for name in options.scenario or CELLS]
        sizes = dict(zip(cells, pool.map(campaign.records_of, cells), strict=True))
        for cell, n in sizes.items():
            print(f"{cell}: a whole run has {n} records", flush=True)
        every = [Point(c, k, n) for c, n in sizes.items() for k in range(1, n + 1, options.every)]
        points = spread(picked(every, options.points))
        met: dict[str, int] = dict.fromkeys(cells, 0)
        residues = 0

        def die(point: Point) -> Death | None:
            if time.monotonic() >= end:
                return None
            death = campaign.die(point)
            # A busy host may have ended the run before its time, by a load that never became steady.
            return death if death.kind else campaign.die(point)

        for number, death in enumerate(pool.map(die, points), 1):
            if death is None:
                continue
            point = death.point
            met[point.cell] += bool(death.kind)
            residues += len(death.left)
            said = "; ".join(death.left) or ("nothing left" if death.kind else "the run ended before it")
            where = f"{point.cell} after record {point.record} of {point.of} ({death.kind or 'not written'})"
            print(f"[{number}/{len(points)}] {where}: {said}", flush=True)
    print(", ".join(f"{cell} {n} of {sizes[cell]}" for cell, n in met.items()))
    print(f"deaths={sum(met.values())} residues={residues}")
    return 1 if residues or not sum(met.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
