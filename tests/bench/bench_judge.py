"""What it takes to judge a run of many rounds, and a restore that takes much back: `make bench` prints it.

Each shape is recorded and judged in a process of its own. The reference of the time is a plain pass over the same rows
in the same process: every ledger and read-back parsed, every sample summed. `--against CHECKOUT` does the same with the
code of another checkout, one after the other, `--pairs` times.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[2]
ROUND_S = 3.0
# Seconds into a round. The writes between the snapshot and the moment the restore takes effect are lost, 73 % of all.
SNAPSHOT, EFFECT = 0.08, 2.3
KEPT, TAKEN_BACK = 40_000, 37_600
WRITES_PER_S = 50
LIMIT_S = 900


def sent_writes(seconds: float) -> list[tuple[float, str]]:
    """When each write of `Run.load` is sent, and its token: of the load 16.7 a second, of the prober 33.3."""
    load = [(i * 0.02, f"load-1-{i}") for i in range(0, round(seconds / 0.02), 3)]
    probe = [(i * 0.01, f"probe-2-{i}") for i in range(2, round(seconds / 0.01), 3)]
    return sorted(load + probe)


def rounds(run: Any, n: int) -> None:
    """Backup, deploy, rollback and restore, with a read-back after each but the first, all as they should be."""
    stored: list[str] = []  # since the backup and before it
    writes = sent_writes(n * ROUND_S)
    at = 0

    def until(moment: float) -> list[str]:
        nonlocal at
        while at < len(writes) and writes[at][0] < moment:
            stored.append(writes[at][1])
            at += 1
        return list(stored)

    for start in (i * ROUND_S for i in range(n)):
        run.op("backup", start + 0.05, start + 0.15)
        snapshot = until(start + SNAPSHOT)
        run.op("validate", start + 0.2, start + 0.3, backup="/backup/1")
        run.op("deploy", start + 0.4, start + 0.8)
        run.observe("deploy", start + 0.9, until(start + 0.9), stop=start + 0.95)
        run.op("rollback", start + 1.0, start + 1.4)
        run.observe("rollback", start + 1.5, until(start + 1.5), stop=start + 1.55)
        until(start + EFFECT)
        run.op("restore", start + 2.2, start + 2.4, backup="/backup/1")
        stored[:] = snapshot
        found = until(start + 2.5)
        run.observe("restore", start + 2.5, found, stop=start + 2.55, snapshot=(start + 0.06, start + 0.1))


def large_restore(run: Any, seconds: float) -> None:
    """One restore, which takes back all that was written since the backup, and a read-back that must not find it."""
    writes = sent_writes(seconds)
    backup = KEPT / WRITES_PER_S
    run.op("backup", backup - 1, backup + 1)
    run.op("restore", seconds - 0.5, seconds - 0.3, backup="/backup/1")
    found = [token for sent, token in writes if sent < backup or sent >= seconds - 0.4]
    run.observe("restore", seconds + 0.1, found, snapshot=(backup - 0.02, backup + 0.02))
    run.observe("end", seconds + 0.4, found)


SHAPES: dict[str, tuple[float, Callable[[Any], None]]] = {
    "59 rounds": (59 * ROUND_S, lambda run: rounds(run, 59)),
    "300 rounds": (300 * ROUND_S, lambda run: rounds(run, 300)),
    "a restore that takes 37 600 of 77 600 writes back": (
        (KEPT + TAKEN_BACK) / WRITES_PER_S,
        lambda run: large_restore(run, (KEPT + TAKEN_BACK) / WRITES_PER_S),
    ),
}


def measure(shape: str) -> dict[str, Any]:
    """In a process of its own, with the checkout that comes first in `sys.path`. CPU seconds: what a neighbour takes of
    the machine does not count."""
    build = import_module("tests.unit.checkers.build")
    judge = at_either("harness.judge.judge", "harness.run.judge")
    seconds, happens = SHAPES[shape]
    build.LENGTH_S = seconds
    with tempfile.TemporaryDirectory() as name:
        run = build.Run(Path(name) / "run")
        happens(run)
        run.load()
        run.done()
        rows, plain_s = timed(lambda: plain_pass(run.folder))
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcomes, judged_s = timed(lambda: judged(judge, run.folder))
        after_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"rows": rows, "plain_s": plain_s, "judged_s": judged_s, "kib": after_kib - before_kib, "data": outcomes}


def at_either(new: str, old: str) -> Any:
    """The module where it is now, or where it was at 35daec1."""
    try:
        return import_module(new)
    except ModuleNotFoundError:
        return import_module(old)


def timed(what: Callable[[], Any]) -> tuple[Any, float]:
    before = time.process_time()
    result = what()
    return result, time.process_time() - before


def plain_pass(folder: Path) -> int:
    """Read every row once; how many there are."""
    samples = import_module("harness.recording.samples")
    rows = 0
    for path in folder.glob("ledger/*.jsonl"):
        rows += len([json.loads(line) for line in path.read_text().splitlines()])
    for path in folder.glob("observations/*.json"):
        rows += len(json.loads(path.read_text())["found"])
    for path in folder.glob("samples/*.bin"):
        records = samples.read_samples(path).records
        assert int((records["end_ns"] - records["sent_ns"]).sum()) > 0
        rows += len(records)
    return rows


def judged(judge: Any, folder: Path) -> dict[str, int]:
    """What each standard checker says, and the facts of the result; the outcomes about data, counted."""
    recording = import_module("harness.recording.recording").Recording(folder)
    try:
        run = import_module("harness.judged.judged_run").JudgedRun(recording)
    except ModuleNotFoundError:
        run = recording
    said: dict[str, int] = {}
    for checker in import_module("harness.checkers").standard():
        for finding in judge._said_by(checker, run):
            if checker.name in ("restore_exact", "acknowledged_writes"):
                said[finding.outcome] = said.get(finding.outcome, 0) + 1
    facts = judge.facts
    facts.measurements(recording), facts.operations(recording), facts.observations(recording)
    facts.outages(recording, 1000.0), facts.load(recording, 1000.0)
    return said


def in_a_process(root: Path, shape: str) -> dict[str, Any] | None:
    command = [sys.executable, __file__, "--measure", shape, "--root", str(root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=True, cwd=root)
    except subprocess.TimeoutExpired:
        return None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--against", type=Path, help="another checkout to compare with")
    options.add_argument("--pairs", type=int, default=3, help="how often each is measured")
    options.add_argument("--only", choices=SHAPES, action="append", help="these shapes")
    options.add_argument("--measure", choices=SHAPES, help=argparse.SUPPRESS)
    options.add_argument("--root", type=Path, default=HERE, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.measure:
        sys.path.insert(0, str(asked.root))
        print(json.dumps(measure(asked.measure)))
        return
    roots = [HERE, *([asked.against.resolve()] if asked.against else [])]
    for shape in asked.only or SHAPES:
        taken: list[list[dict[str, Any] | None]] = [[] for _ in roots]
        for _ in range(asked.pairs):
            for root, results in zip(roots, taken, strict=True):
                results.append(in_a_process(root, shape))
        for root, results in zip(roots, taken, strict=True):
            print(f"{shape}{'' if root == HERE else f' ({root.name})'}: {told(results)}")


def told(results: list[dict[str, Any] | None]) -> str:
    ended = [r for r in results if r is not None]
    if len(ended) < len(results):
        return f"{len(results) - len(ended)} of {len(results)} had not ended after {LIMIT_S} s"

    def median(key: str) -> float:
        return statistics.median(r[key] for r in ended)

    cpu_s, rows = median("judged_s"), ended[0]["rows"]
    ratios = [r["judged_s"] / r["plain_s"] for r in ended]
    return (
        f"{cpu_s:.2f} s of CPU for {rows} rows ({1e6 * cpu_s / rows:.2f} us a row), "
        f"{statistics.median(ratios):.2f} times a plain pass ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"{median('kib') / 1024:.0f} MiB more, data {ended[0]['data']}, n = {len(ended)}"
    )


if __name__ == "__main__":
    main()
