"""What the harness adds to an operation, and what a sound backup costs against a bare copy.

Interleaved in one run: the kit's ``backup`` as a plain command, the same run and recorded by the harness (phase marks
and gates), the plain command without its off-site copy, and a copy of the database file with fsync. No load, no island:
no disks of a size, and no cable to the store. Medians and ratios round by round.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from harness import registry
from harness.config.reader import load_system
from harness.recording.events import PhaseEdge
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.live import LiveSystem
from harness.system.operations import OperationRequest, Operations
from harness.system.phases.gates import Gates
from harness.system.phases.mark_server import PhaseServer

ROUNDS = 9
SIZE_BYTES = 20_000_000
PORT = 18_480
STORE_PORT = PORT + 20
PLAIN, UNDER, LOCAL, COPY = "bare command", "under the harness", "bare, no off-site copy", "copy + fsync"


def copy_and_sync(source: Path, target: Path) -> float:
    start = time.monotonic()
    shutil.copyfile(source, target)
    for path in (target, target.parent):
        fd = os.open(path, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
    return time.monotonic() - start


@contextmanager
def store(folder: Path, env: Mapping[str, str]) -> Iterator[str]:
    """The URL of the off-site store of the system, beside it."""
    program = registry.BUNDLED / "reference" / "s3.py"
    argv = [sys.executable, str(program), "--port", str(STORE_PORT), "--dir", str(folder)]
    with (folder.parent / "store.out").open("w") as said:
        process = subprocess.Popen(argv, env={**os.environ, **env}, stdout=said, stderr=said)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", STORE_PORT), 1).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, said.name
                time.sleep(0.05)
        yield f"http://127.0.0.1:{STORE_PORT}/drill"
    finally:
        process.kill()
        process.wait()


def bare(argv: Sequence[str], env: Mapping[str, str]) -> float:
    start = time.monotonic()
    subprocess.run(argv, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
    return time.monotonic() - start


def main() -> None:
    config = load_system("hardened", registry.BUNDLED)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name, store(Path(name) / "far", config.env) as url:
        config = replace(config, env={**config.env, "OFFSITE_URL": url})
        folder = Path(name)
        (folder / "record").mkdir()
        recorder = Recorder(folder / "record")
        system = LiveSystem(config, folder / "sut", PORT, SIZE_BYTES, {}, recorder, sys.executable)
        gates = Gates(
            lambda *_: None,
            lambda at, operation, edge, gate, _: (
                recorder.record(PhaseEdge(operation=operation, phase=edge.phase, event=edge.event, gate_ns=gate), at)
                and None
            ),
        )
        phases = PhaseServer(folder / "p.sock", gates)
        operations = Operations(system, phases, lambda edge, operation: None)
        rows: dict[str, list[float]] = {PLAIN: [], UNDER: [], LOCAL: [], COPY: []}
        try:
            operations.run(OperationRequest("seed"))
            system.service.start("1")
            argv = system.commands.argv(config.operations["backup"].command)
            database = Path(system.commands.text(config.data.database))
            for round_ in range(ROUNDS + 1):
                rows[PLAIN].append(bare(argv, system.commands.env))
                assert operations.run(OperationRequest("backup", round_)).exit == 0
                rows[LOCAL].append(bare(argv, {**system.commands.env, "OFFSITE_URL": ""}))
                rows[COPY].append(copy_and_sync(database, folder / "copy"))
        finally:
            system.stop()
            phases.close()
        recorder.close()
        measured = [o for o in Recording(recorder.folder).operations if o.name == "backup"]
        rows[UNDER] = [o.seconds for o in measured]
        gates_ms = [o.gate_ns / 1e6 for o in measured[1:]]
    print(
        f"database of {SIZE_BYTES} bytes; no load, no island, the off-site store beside the kit without a cable between"
    )
    for name, values in rows.items():
        del values[0]  # the warm-up
        print(f"{name:22} {spread(values, '.3f')} s, n = {len(values)}")
    for one, other in ((UNDER, PLAIN), (PLAIN, COPY), (LOCAL, COPY)):
        ratios = [a / b for a, b in zip(rows[one], rows[other], strict=True)]
        print(f"{one} / {other}, round by round: {spread(ratios, '.2f')}, n = {len(ratios)}")
    print(f"held at gates, not counted as the kit's: {spread(gates_ms, '.2f')} ms an operation, n = {len(gates_ms)}")


def spread(values: Sequence[float], form: str) -> str:
    return f"median {statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


if __name__ == "__main__":
    main()
