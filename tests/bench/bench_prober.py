"""The prober's error on outages of known length: `make bench` prints it."""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.config.schema import RequestTemplate
from harness.host.endpoint import Endpoint
from harness.judged.downtime import overall
from harness.meters.outage import DEFAULT, Prober
from harness.meters.prober import ProberConfig
from harness.recording.samples import read_samples
from harness.stats.intervals import median
from tests.integration.load.server import Server

KINDS = ("stall", "refuse", "503")
LENGTHS_MS = (50, 200, 1000)
ROUNDS = 5
DEADLINE_MS = 500
INTERVAL_MS = DEFAULT.every_ms
QUIET_S = 0.6


def plant(server: Server) -> list[tuple[str, int, int, int]]:
    """(kind, asked ms, start, stop) of every outage, in an order that mixes kinds and at a random point of the grid."""
    own = random.Random(1)
    cells = [(kind, length) for kind in KINDS for length in LENGTHS_MS] * ROUNDS
    own.shuffle(cells)
    planted = []
    for kind, length in cells:
        time.sleep(QUIET_S + own.uniform(0, 0.03))
        planted.append((kind, length, *server.plant(kind, length / 1000)))
    time.sleep(QUIET_S)
    return planted


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        read = RequestTemplate("read", "read", 1, "GET", "/r?n={n}")
        create = RequestTemplate("create", "write", 0, "POST", "/c", '{"token": "{token}"}')
        server = Server()
        prober = Prober(
            ProberConfig(Endpoint(server.url), DEADLINE_MS, INTERVAL_MS, read, create, name, name, 1), folder
        )
        try:
            prober.start()
            planted = plant(server)
            end = prober.stop()
        finally:
            prober.stop()
            server.close()
        records = read_samples(next(folder.glob("probe-*.bin"))).records
    errors: dict[tuple[str, int], list[float]] = {}
    for kind, length, start, stop in planted:
        margin = int(QUIET_S / 2 * 1e9)
        around = (records["intended_ns"] > start - margin) & (records["intended_ns"] < stop + margin)
        seen = overall(records[around], DEADLINE_MS)
        found_ms = seen.longest_gap_ms if forgiven(kind, length) else seen.longest_ms
        errors.setdefault((kind, length), []).append(found_ms - (stop - start) / 1e6)
    print(
        f"prober: every {INTERVAL_MS:g} ms, deadline {DEADLINE_MS} ms, {end.cpu_s / end.wall_s:.1%} of a core, ", end=""
    )
    resolution_ms = overall(records, DEADLINE_MS).resolution_ms
    print(f"real time: {'yes' if end.real_time else 'no'}, resolution {resolution_ms:.1f} ms")
    columns = f"{'error ms: median':>16} {'least':>7} {'most':>7}"
    print(f"{'outage':8} {'planted ms':>10} {'n':>3} {columns}  measured by")
    for (kind, length), values in sorted(errors.items()):
        how = "longest gap (the deadline forgives it)" if forgiven(kind, length) else "bad span"
        errors_ms = f"{median(values):>+16.1f} {min(values):>+7.1f} {max(values):>+7.1f}"
        print(f"{kind:8} {length:>10} {len(values):>3} {errors_ms}  {how}")
    # A gap is that of one channel, which is asked less often than all together.
    good = [
        abs(value) <= (resolution_ms if forgiven(*cell) else INTERVAL_MS) + 5
        for cell, values in errors.items()
        for value in values
    ]
    print(f"within +-(interval, of gaps resolution, + 5 ms): {sum(good)} of {len(good)}")


def forgiven(kind: str, length: int) -> bool:
    return kind == "stall" and length <= DEADLINE_MS


if __name__ == "__main__":
    main()
