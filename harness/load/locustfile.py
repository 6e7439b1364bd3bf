"""What Locust loads: the users of the configured load, the request tracker, the status lines and the stop signal."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import gevent
import gevent.socket
from locust import events

from harness.host.clock import mono_ns
from harness.load.config import RECORDING_VARIABLE, START, STOP, LoadConfig, next_line
from harness.load.request_tracker import RequestTracker
from harness.load.users import Sender, user_classes
from harness.model import NS
from harness.system.ledger_tail import FLUSH_EVERY_S

STATUS_EVERY_S = 0.1
MOST_BAD = 5  # of the ways in which requests ended badly, so many are told
# At the end, answers already under way get this long. Not the deadline: a frozen server must show as `unfinished`.
DRAIN_S = 0.5
DRAIN_SLOW_S = 2.5


path = next_line()
if path == STOP or not path.endswith(b"\n"):  # the run ends before it began, or whoever started us is gone
    os._exit(0)
config = LoadConfig.load(Path(os.fsdecode(path[:-1])), next_line())
name = f"load-{os.getpid()}"
tracker = RequestTracker(
    Path(config.samples_dir) / f"{name}.bin",
    Path(config.ledger_dir) / f"{name}.jsonl",
    [t.name for t in config.requests],
    recording=os.environ.get(RECORDING_VARIABLE) != "0",
    latencies=config.latencies,
)
sender = Sender(config, tracker)
globals().update(user_classes(sender))
status_file = open(config.status_path, "w", encoding="utf-8")  # noqa: SIM115 -- as long as the process
began_ns, began_cpu_s = mono_ns(), time.process_time()


def write_status(users: int, final: bool = False) -> None:
    line = {
        "t": mono_ns(),
        "started": tracker.started,
        "ok": tracker.outcomes["ok"],
        "bad": tracker.outcomes.total() - tracker.outcomes["ok"],
        "in_flight": len(tracker.in_flight),
        "dropped": tracker.dropped,
        "acknowledged": tracker.acknowledged,
        "users": users,
        "sent_again": sender.sent_again,
        "outcomes": dict(tracker.outcomes),
        "bad_answers": [asdict(bad) for bad in tracker.bad[:MOST_BAD]],
        "cpu_s": time.process_time() - began_cpu_s,
        "wall_s": (mono_ns() - began_ns) / NS,
        "final": final,
    }
    if config.latencies:
        line["latency_ms_p95"] = tracker.latency_ms_p95()
    tracker.flush()  # so that no status line is ahead of the samples on disk
    status_file.write(json.dumps(line) + "\n")
    status_file.flush()


def report(runner: Any) -> None:
    # Most often all users are there in no time: then the first line may say so, a line earlier.
    with gevent.Timeout(STATUS_EVERY_S, False):
        while runner.user_count < config.locust_users:
            gevent.sleep(0.01)
    while not tracker.closed:
        write_status(runner.user_count)
        gevent.sleep(STATUS_EVERY_S)


def flush() -> None:
    while not tracker.closed:
        tracker.flush()
        gevent.sleep(FLUSH_EVERY_S)


def finish() -> None:
    if not tracker.closed:
        sender.stopping = True
        tracker.close()
        write_status(0, final=True)


def drain() -> None:
    """Give what is in flight a moment; stop waiting for slow answers when quick ones do not come either."""
    sender.stopping = True
    began = mono_ns()
    while entries := tracker.in_flight:
        waited_s = (mono_ns() - began) / NS
        quick = any(e.request.template.kind != "slow" for e in entries)
        if waited_s > (DRAIN_S if quick else DRAIN_SLOW_S):
            return
        gevent.sleep(0.01)


def obey() -> None:
    """``stop``, or the end of standard input (whoever started us is gone), ends the load. All is written down then:
    Locust's own summary, which nobody reads, is not waited for."""
    gevent.socket.wait_read(0)
    os.read(0, 64)
    drain()
    finish()
    os._exit(0)


@events.init.add_listener
def begin(environment: Any, runner: Any, **_: Any) -> None:
    """Locust starts its users when this returns: not before it is told to."""
    global began_ns, began_cpu_s
    # Locust wants an address to put before each path; that of a Unix socket is told to its connections.
    environment.host = "http://localhost" if config.endpoint.socket_path else config.endpoint.url
    environment.parsed_options.num_users = environment.parsed_options.spawn_rate = config.locust_users
    gevent.socket.wait_read(0)
    if next_line() != START:
        finish()
        os._exit(0)
    began_ns, began_cpu_s = mono_ns(), time.process_time()
    gevent.spawn(report, runner)
    gevent.spawn(flush)
    gevent.spawn(obey)


@events.quitting.add_listener
def ended(**_: Any) -> None:
    finish()  # SIGTERM comes this way
