"""Locust as a child: real Locust against a real server."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.config.schema import RequestTemplate
from harness.host.clock import Deadline, mono_ns, sleep, wait_until
from harness.host.endpoint import Endpoint
from harness.load.config import LoadConfig
from harness.load.driver import LoadDriver
from harness.recording.samples import OUTCOMES, SampleFile, read_samples
from tests.busy import Machine
from tests.integration.load.server import Server

REQUESTS = (
    RequestTemplate("read", "read", 3, "GET", "/r?n={n}"),
    RequestTemplate("put", "read", 1, "PUT", "/put", "{}"),
    RequestTemplate("create", "write", 0, "POST", "/c", '{"token": "{token}"}'),
    RequestTemplate("patch", "write", 0, "POST", "/c/{known}", '{"token": "{token}"}'),
)
Start = Callable[..., LoadDriver]


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def start(server: Server, tmp_path: Path) -> Iterator[Start]:
    drivers: list[LoadDriver] = []

    def _start(begin: bool = True, **changes: Any) -> LoadDriver:
        for name in ("samples", "ledger"):
            (tmp_path / name).mkdir()
        config = LoadConfig(
            endpoint=Endpoint(server.url),
            deadline_ms=800,
            users=8,
            think_s=(0.05, 0.2),
            write_rate=40,
            arrival_rate=0,
            requests=REQUESTS,
            seed=1,
            samples_dir=str(tmp_path / "samples"),
            ledger_dir=str(tmp_path / "ledger"),
            status_path=str(tmp_path / "status.jsonl"),
        )
        drivers.append(LoadDriver(tmp_path))
        drivers[0].configure(replace(config, **changes))
        if begin:
            drivers[0].start()
        return drivers[0]

    yield _start
    for driver in drivers:
        if driver.alive():
            os.kill(driver.pid, signal.SIGKILL)
        driver.stop(2)


def samples(driver: LoadDriver) -> SampleFile:
    (path,) = Path(driver.config.samples_dir).glob("load-*.bin")
    return read_samples(path)


def outcomes(file: SampleFile) -> Counter[str]:
    return Counter(OUTCOMES[int(o)] for o in file.records["outcome"])


@pytest.mark.calm
def test_a_load_becomes_steady_and_agrees_with_the_server_on_the_count(server: Server, start: Start) -> None:
    driver = start()
    steady = driver.wait_steady(60, acknowledged=20)
    assert steady.ok, steady.why
    assert steady.rate_per_s > 40
    machine, began = Machine(), mono_ns()
    end = driver.stop(8)
    machine.must(end.clean, end.why)
    machine.must((mono_ns() - began) / 1e9 < 4, "it ends well before the deadline")
    assert not driver.alive()
    file = samples(driver)
    assert file.complete
    assert outcomes(file) == {"ok": len(file.records)}
    assert len(file.records) == end.started == server.count()
    lines = [json.loads(x) for p in Path(driver.config.ledger_dir).iterdir() for x in p.read_text().splitlines()]
    assert len(lines) == driver.progress().writes_acknowledged >= 20
    assert {line["operation"] for line in lines} == {"create", "patch"}
    assert len({line["token"] for line in lines}) == len(lines)


@pytest.mark.calm
def test_the_arrival_profile_keeps_its_rate_whatever_the_server_does(server: Server, start: Start) -> None:
    server.ask("delay 0.3")
    driver = start(arrival_rate=60.0, write_rate=0.0, users=0)
    assert wait_until(lambda: driver.progress().started > 0, Deadline(60, "the first arrivals"))
    sleep(1.5)
    driver.stop(8)
    due = samples(driver).records["intended_ns"]
    rate = (len(due) - 1) / ((due.max() - due.min()) / 1e9)
    assert 40 < rate < 80  # 60/s, 1.8 s: 3 sigma is +-17/s; a closed loop of 8 users would give 27/s


@pytest.mark.calm
def test_arrivals_that_all_name_a_known_write_let_the_first_writes_through(start: Start) -> None:
    known = RequestTemplate("known", "read", 1, "GET", "/r/{known}")
    driver = start(arrival_rate=60.0, users=0, requests=(known, *(r for r in REQUESTS if r.kind == "write")))
    steady = driver.wait_steady(60, acknowledged=20)
    assert steady.ok, steady.why
    assert 70 < steady.rate_per_s < 130  # 60/s and 40/s, for 1 s: 3 sigma is +-30/s


def test_a_server_frozen_to_the_end_leaves_unfinished_requests(server: Server, start: Start) -> None:
    driver = start()
    assert wait_until(lambda: driver.progress().ok > 30, Deadline(60, "30 good requests"))
    server.signal(signal.SIGSTOP)
    sleep(0.3)
    end = driver.stop(8)
    assert end.clean, end.why
    file = samples(driver)
    counted = outcomes(file)
    assert counted["unfinished"] > 0
    assert counted.total() == end.started
    ledger = "".join(p.read_text() for p in Path(driver.config.ledger_dir).iterdir())
    assert ledger.count('"indeterminate"') > 0


def test_every_request_the_server_drops_after_reading_is_reported(server: Server, start: Start) -> None:
    server.ask("mode drop")
    driver = start(users=4, write_rate=20.0)
    assert wait_until(lambda: driver.progress().started > 80, Deadline(60, "80 requests"))
    steady = driver.wait_steady(0.1)
    assert not steady.ok and "not ok" in steady.why
    driver.stop(8)
    file, read = samples(driver), server.count()
    counted = outcomes(file)
    # Re-sent requests would make the server read more than we started.
    assert read == len(file.records)
    assert counted["reset"] == (read + 1) // 2
    assert counted["ok"] == read // 2


def test_half_an_answer_is_no_answer(server: Server, start: Start) -> None:
    server.ask("mode truncate")
    driver = start(users=4)
    assert wait_until(lambda: driver.progress().started > 40, Deadline(60, "40 requests"))
    driver.stop(8)
    counted = outcomes(samples(driver))
    assert counted["ok"] == 0
    assert counted["reset"] == counted.total() > 40


def test_an_error_page_with_status_200_is_no_good_answer_and_acknowledges_nothing(server: Server, start: Start) -> None:
    driver = start(users=4, requests=tuple(replace(r, expect_body='"ok": true') for r in REQUESTS))
    assert wait_until(lambda: driver.progress().writes_acknowledged > 20, Deadline(60, "20 writes"))
    server.plant("polite", 0.5)
    driver.stop(8)
    records = samples(driver).records
    errors = records[records["outcome"] == OUTCOMES.index("http_error")]
    assert len(errors) > 5 and set(errors["status"]) == {200}
    (ledger,) = Path(driver.config.ledger_dir).glob("*.jsonl")
    told = Counter((w["outcome"], w["status"]) for w in map(json.loads, ledger.read_text().splitlines()))
    assert told["acknowledged", 200] > 20 and told["indeterminate", 200] > 3


@pytest.mark.calm
def test_refused_errors_and_late_answers_are_told_apart(server: Server, start: Start) -> None:
    driver = start()
    assert wait_until(lambda: driver.progress().ok > 30, Deadline(60, "30 good requests"))
    machine = Machine()
    server.plant("503", 0.4)
    server.plant("refuse", 0.4)
    server.plant("stall", 1.2)
    sleep(0.2)
    driver.stop(8)
    file = samples(driver)
    counted = outcomes(file)
    machine.must(min(counted[kind] for kind in ("http_error", "refused", "timeout")) > 5, counted)
    errors = file.records[file.records["outcome"] == OUTCOMES.index("http_error")]
    assert set(errors["status"]) == {503}
    late = file.records[file.records["outcome"] == OUTCOMES.index("timeout")]
    waited_ms = (late["end_ns"] - late["sent_ns"]) / 1e6
    assert waited_ms.min() >= 799
    machine.must(np.median(waited_ms) < 1000, f"half of them waited for {np.median(waited_ms):.0f} of 800 ms")


def test_a_load_against_nothing_never_becomes_steady_and_says_why(server: Server, start: Start) -> None:
    driver = start(endpoint=Endpoint("http://127.0.0.1:1"))
    assert wait_until(lambda: driver.progress().bad > 10, Deadline(60, "ten refusals"))
    steady = driver.wait_steady(0.5)
    assert not steady.ok
    assert "not ok" in steady.why


def test_a_killed_locust_is_seen_and_its_samples_are_incomplete(start: Start) -> None:
    driver = start()
    assert wait_until(lambda: driver.progress().ok > 30, Deadline(60, "30 good requests"))
    os.kill(driver.pid, signal.SIGKILL)
    assert wait_until(lambda: not driver.alive(), Deadline(2, "the death of Locust"))
    end = driver.stop(2)
    file = samples(driver)
    assert not end.clean and "by itself" in end.why
    assert not file.complete
    assert len(file.records) >= driver.progress().ok, "more than the last flush was lost"


@pytest.mark.calm
def test_a_stopped_locust_is_killed_within_the_deadline(start: Start) -> None:
    driver = start()
    assert wait_until(lambda: driver.progress().started > 0, Deadline(60, "the first requests"))
    os.kill(driver.pid, signal.SIGSTOP)
    machine, began = Machine(), mono_ns()
    end = driver.stop(2)
    took_s = (mono_ns() - began) / 1e9
    machine.must(took_s < 2.5, f"killed at its deadline of 2 s, after {took_s:.2f} s")
    assert not end.clean and "killed" in end.why
    assert not driver.alive()


def test_locust_ends_when_its_starter_is_gone(start: Start) -> None:
    driver = start()
    assert wait_until(lambda: driver.progress().started > 0, Deadline(60, "the first requests"))
    assert driver._process and driver._process.stdin
    driver._process.stdin.close()
    assert wait_until(lambda: not driver.alive(), Deadline(5, "the end of Locust"))
    assert samples(driver).complete


def test_a_load_that_is_configured_sends_nothing_until_it_is_started(server: Server, start: Start) -> None:
    driver = start(begin=False)
    out = Path(driver.config.samples_dir)
    assert wait_until(lambda: any(out.iterdir()), Deadline(15, "Locust to be imported"))
    sleep(0.5)
    assert (server.count(), driver.progress().started) == (0, 0)
    driver.start()
    assert driver.wait_steady(15).ok


def test_a_load_that_is_configured_and_never_started_ends_when_it_is_told_to(server: Server, start: Start) -> None:
    driver = start(begin=False)
    driver.stop()
    assert (driver.alive(), server.count()) == (False, 0)


@pytest.mark.parametrize("told", [True, False])
def test_a_locust_that_is_never_configured_ends_with_its_starter_or_as_it_is_told(tmp_path: Path, told: bool) -> None:
    driver = LoadDriver(tmp_path)
    driver.prepare()
    assert driver._process and driver._process.stdin
    if told:
        driver._process.stdin.write(b"stop\n")
        driver._process.stdin.flush()
    else:
        driver._process.stdin.close()
    ended = wait_until(lambda: not driver.alive(), Deadline(60, "the end of Locust"))
    driver._process.stdin.close()
    assert ended
    assert not (tmp_path / "status.jsonl").exists()
    assert (driver._process.exit, (tmp_path / "load.out").read_text()) == (0, "")
