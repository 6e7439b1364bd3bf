"""Locust's requests per CPU second with and without our recorder: `make bench` prints it."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from harness.config.schema import RequestTemplate
from harness.host.endpoint import Endpoint
from harness.load.config import RECORDING_VARIABLE, LoadConfig
from harness.load.driver import LoadDriver
from harness.load.request_tracker import RequestTracker
from harness.load.requests import Requests
from harness.stats.intervals import median
from tests.integration.load.server import Server

PAIRS = 6
SECONDS = 4.0
REQUESTS = (
    RequestTemplate("read", "read", 3, "GET", "/r?n={n}"),
    RequestTemplate("create", "write", 1, "POST", "/c", '{"token": "{token}", "payload": "{payload}"}'),
)


def per_cpu_second(server: Server, recording: bool) -> float:
    """Requests per CPU second of the Locust process, its start and its end left out."""
    with tempfile.TemporaryDirectory() as name:
        status = str(Path(name) / "status.jsonl")
        config = LoadConfig(Endpoint(server.url), 1000, 20, (0.0, 0.0), 0, 0, REQUESTS, 1, name, name, status)
        driver = LoadDriver(Path(name), {**os.environ, RECORDING_VARIABLE: "1" if recording else "0"})
        driver.configure(config)
        driver.start()
        try:
            while driver.progress().started < 500:
                time.sleep(0.05)
            before = driver.progress()
            time.sleep(SECONDS)
            after = driver.progress()
        finally:
            driver.stop()
    return (after.started - before.started) / (after.cpu_s - before.cpu_s)


def own_cost_us(recording: bool) -> float:
    """CPU of writing one finished request down, alone in a loop; the same mix."""
    filler, n = Requests(REQUESTS, "l", "deploydrill-load", 1, Endpoint("http://127.0.0.1")), 20_000
    requests = [r for r in (filler.fill(REQUESTS[i % 4 == 0]) for i in range(n)) if r]
    with tempfile.TemporaryDirectory() as name:
        tracker = RequestTracker(Path(name) / "s.bin", Path(name) / "l.jsonl", [t.name for t in REQUESTS], recording)
        entries = [tracker.start(request, "load", 1) for request in requests]
        before = time.process_time()
        for entry in entries:
            tracker.finish(entry, "ok", 200)
        used = time.process_time() - before
        tracker.close()
    return 1e6 * used / n


def main() -> None:
    server = Server()
    try:
        rates: dict[bool, list[float]] = {True: [], False: []}
        for pair in range(PAIRS):
            # ABBA: a drift of the box falls on both alike
            for recording in (True, False) if pair % 2 else (False, True):
                rates[recording].append(per_cpu_second(server, recording))
    finally:
        server.close()
    ratios = [on / off for on, off in zip(rates[True], rates[False], strict=True)]
    cost_us = 1e6 * (1 / median(rates[True]) - 1 / median(rates[False]))
    print(f"{'':18} {'requests per CPU second: median':>32} {'least':>7} {'most':>7} {'n':>3}")
    for recording, label in ((False, "without recorder"), (True, "with recorder")):
        values = rates[recording]
        print(f"{label:18} {median(values):>32.0f} {min(values):>7.0f} {max(values):>7.0f} {len(values):>3}")
    print(f"with / without recorder, pair by pair: median {median(ratios):.3f} ", end="")
    print(f"({min(ratios):.3f} to {max(ratios):.3f}), n = {len(ratios)}; ", end="")
    print(f"of the medians {cost_us:+.1f} us of CPU a request (samples of all, ledger of the writes: one in four)")
    alone = [own_cost_us(True) - own_cost_us(False) for _ in range(5)]
    print(f"the recorder alone, in a loop: {median(alone):.2f} us ({min(alone):.2f} to {max(alone):.2f}, n = 5)")


if __name__ == "__main__":
    main()
