"""What the harness adds to an operation, and what a sound backup costs against a bare copy.

Interleaved in one run: the kit's ``backup`` as a plain command, the same run and recorded by the harness (phase marks,
gates, disk watch; no load), and a copy of the database file with fsync. Medians and ratios pair by pair.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import registry
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.config import load_system
from harness.system.gates import Gates
from harness.system.live import LiveSystem
from harness.system.operations import Operations, Order
from harness.system.phases import PhaseServer

ROUNDS = 9
SIZE_BYTES = 20_000_000
PORT = 18_480


def copy_and_sync(source: Path, target: Path) -> float:
    start = time.monotonic()
    shutil.copyfile(source, target)
    for path in (target, target.parent):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    return time.monotonic() - start


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        (folder / "record").mkdir()
        recorder = Recorder(folder / "record")
        config = load_system("hardened", registry.BUNDLED)
        system = LiveSystem(config, folder / "sut", PORT, SIZE_BYTES, {}, recorder, sys.executable)
        gates = Gates(
            lambda *_: None,
            lambda at, operation, edge, gate, _: (
                recorder.event("phase", when=at, operation=operation, phase=edge.phase, event=edge.event, gate_ns=gate)
                and None
            ),
        )
        phases = PhaseServer(folder / "p.sock", gates)
        operations = Operations(system, phases, lambda edge, operation: None)
        bare: list[float] = []
        copied: list[float] = []
        try:
            operations.run(Order("seed"))
            system.start("1")
            argv = system.argv(config.operations["backup"].command)
            database = Path(system.text(config.data.database))
            for round_ in range(ROUNDS + 1):
                start = time.monotonic()
                subprocess.run(argv, env=system.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
                bare.append(time.monotonic() - start)
                assert operations.run(Order("backup", round_)).exit == 0
                copied.append(copy_and_sync(database, folder / "copy"))
        finally:
            system.stop()
            phases.close()
        recorder.close()
        measured = [o for o in Recording(recorder.folder).operations if o.name == "backup"]
        under, gates_ms = [o.seconds for o in measured], [o.gate_ns / 1e6 for o in measured]
    rows = {"bare command": bare[1:], "under the harness": under[1:], "copy + fsync": copied[1:]}
    for name, values in rows.items():
        low, high = min(values), max(values)
        print(f"{name:20} median {statistics.median(values):6.3f} s   {low:.3f} to {high:.3f}   n = {len(values)}")
    for one, other in (("under the harness", "bare command"), ("bare command", "copy + fsync")):
        ratios = [a / b for a, b in zip(rows[one], rows[other], strict=True)]
        print(f"{one} / {other}: median {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    print(
        f"database of {SIZE_BYTES} bytes; held at gates, not counted as the kit's: "
        f"median {statistics.median(gates_ms):.2f} ms an operation"
    )


if __name__ == "__main__":
    main()
