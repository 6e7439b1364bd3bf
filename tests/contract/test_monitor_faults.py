"""The contract of the monitor faults, on the reference system's real monitors: inject, bites, undo, does not."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from harness import registry
from harness.config.reader import load_system
from harness.config.schema import MonitorConfig
from harness.errors import HarnessError
from harness.faults.monitor import MonitorChecksDead, MonitorFrozen, MonitorKilled, MonitorLies, Which
from harness.faults.support.monitors_out import How, MonitorsOut
from harness.host.clock import now
from harness.recording.events import MonitorsBlind, PhaseEdge
from harness.recording.recorder import Recorder
from harness.recording.recording import Recording
from harness.system.live import LiveSystem
from tests.busy import Machine
from tests.contract.reference_installation import REFERENCE, free_ports

pytestmark = pytest.mark.limits

FAULTS = {"killed": MonitorKilled, "frozen": MonitorFrozen, "lies": MonitorLies, "checks_dead": MonitorChecksDead}
HOWS: tuple[How, ...] = ("killed", "frozen", "lies", "checks_dead")


class Healthy(BaseHTTPRequestHandler):
    """A service with which nothing is wrong."""

    def do_GET(self) -> None:
        counts = {"answered": 10, "failed": 0}
        body = json.dumps({"version": "1", "pid": 1, "reads": counts, "writes": counts}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def system(tmp_path: Path) -> Iterator[LiveSystem]:
    """Two monitors of the reference system, which look at a healthy service."""
    first = free_ports()
    service = ThreadingHTTPServer(("127.0.0.1", first), Healthy)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    argv = (sys.executable, str(REFERENCE / "monitor.py"), "--url", f"http://127.0.0.1:{first}", "--interval", "0.1")
    monitors = {
        name: MonitorConfig(name, (*argv, "--port", str(port)), f"http://127.0.0.1:{port}/status", stale_after_s=0.5)
        for name, port in (("primary", first + 1), ("secondary", first + 2))
    }
    config = replace(load_system("hardened", registry.BUNDLED), monitors=monitors, operations={})
    recorder = Recorder(tmp_path / "run")
    live = LiveSystem(config, tmp_path / "sut", first, 1, {}, recorder, sys.executable)
    try:
        live.monitors.start_all()
        for name in monitors:
            wait_for(lambda name=name: said(live, name).get("healthy") is True)
        yield live
    finally:
        for process in live.monitors.values():
            process.kill()
            process.wait(2)
        service.shutdown()
        service.server_close()
        recorder.close()


def wait_for(condition: Callable[[], bool], limit_s: float = 20.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def said(system: LiveSystem, name: str) -> dict[str, Any]:
    """What a monitor says, by a hand other than the fault's own; empty without an answer."""
    try:
        with urllib.request.urlopen(system.config.monitors[name].health, timeout=0.5) as answer:
            return dict(json.load(answer))
    except OSError:
        return {}


def looks(system: LiveSystem, name: str, within_s: float = 10.0) -> bool:
    """Whether it answers, and within that time a later answer tells of a newer look than the first."""
    first: dict[str, Any] = {}
    end = time.monotonic() + within_s
    while time.monotonic() < end:
        answer = said(system, name)
        first = first or answer
        if answer and answer["checked_at"] > first["checked_at"] and answer["healthy"]:
            return True
        time.sleep(0.05)
    return False


def injected(system: LiveSystem, how: How, which: Which = "all") -> tuple[MonitorsOut, list[Callable[[], None]]]:
    undo: list[Callable[[], None]] = []
    return FAULTS[how](which).inject(system, "deploy-1", undo.append), undo


def undone(undo: list[Callable[[], None]]) -> None:
    for action in reversed(undo):
        action()


@pytest.mark.parametrize("how", HOWS)
def test_each_fault_bites_until_it_is_undone_and_undoing_it_twice_is_fine(system: LiveSystem, how: How) -> None:
    assert all(looks(system, name) for name in system.monitors)
    injection, undo = injected(system, how)
    evidence = injection.confirm()
    assert evidence.applied, evidence.said
    assert not any(looks(system, name, 0.5) for name in system.monitors)
    assert {name: bool(said(system, name)) for name in system.monitors} == dict.fromkeys(
        system.monitors, how in ("lies", "checks_dead")
    )
    assert injection.lost_early() == ""
    for _ in range(2):
        undone(undo)
        assert injection.reverted()
        wait_for(lambda: all(said(system, name).get("healthy") for name in system.monitors))
        assert all(looks(system, name) for name in system.monitors)
    event = next(Recording(system.recorder.folder).of(MonitorsBlind))
    assert (event.names, event.declared) == (["primary", "secondary"], ["primary", "secondary"])


def test_one_leaves_the_other_alone(system: LiveSystem) -> None:
    injection, undo = injected(system, "killed", "one")
    assert injection.confirm().applied
    assert (said(system, "primary"), looks(system, "secondary")) == ({}, True)
    undone(undo)
    assert injection.reverted()


@pytest.mark.calm
def test_a_liar_repeats_what_the_monitor_last_said(system: LiveSystem) -> None:
    machine, before = Machine(), time.time()
    injection, undo = injected(system, "lies", "one")
    first = said(system, "primary")
    assert first["healthy"]
    machine.must(first["checked_at"] <= before + 0.2, f"{first} where {before} was before")
    assert said(system, "primary") == first
    assert json.dumps(first["checked_at"]) in injection.confirm().said
    undone(undo)


def test_a_monitor_without_its_looks_says_how_old_its_word_is(system: LiveSystem) -> None:
    injection, undo = injected(system, "checks_dead", "one")
    assert said(system, "primary")["age_s"] > system.config.monitors["primary"].stale_after_s
    undone(undo)
    assert injection.reverted()


@pytest.mark.parametrize("how", HOWS)
def test_a_monitor_that_comes_back_by_itself_is_a_fault_lost(system: LiveSystem, how: How) -> None:
    injection, undo = injected(system, how, "one")
    if how == "frozen":
        os.killpg(system.monitors["primary"].pid, signal.SIGCONT)
    elif how == "lies":
        injection.liars["primary"].close()
    else:
        if how == "checks_dead":
            system.monitors["primary"].kill()
            system.monitors["primary"].wait(2)
        system.monitors.start("primary")
        system.monitors.await_answer("primary")
    wait_for(lambda: injection.lost_early() != "")
    assert not injection.confirm().applied
    undone(undo)
    assert injection.reverted()


def test_it_is_felt_by_the_kits_words_else_by_what_it_went_through_unseen_else_not(system: LiveSystem) -> None:
    injection, undo = injected(system, "killed")
    assert injection.observed_by("").startswith("deploy-1 went on for")  # a kit that marks no phases
    began = now()
    for phase, event in (("deploy.migrate", "stop"), ("deploy.switch", "start")):
        system.recorder.record(PhaseEdge(phase=phase, event=event, operation="deploy-1"))
    assert injection.observed_by("deployed: version 2\n") == (
        "the kit went through deploy.migrate of deploy-1, deploy.switch of deploy-1 "
        "while primary and secondary were killed"
    )
    assert injection.observed_by("x\ndeploy: degraded, monitor a does not answer\ny") == (
        "deploy: degraded, monitor a does not answer"
    )
    undone(undo)
    late = replace(injection, began_ns=now().mono_ns)
    assert late.began_ns > began.mono_ns
    assert late.observed_by("deployed: version 2\n") == ""


def test_a_system_without_enough_monitors_is_told_so(system: LiveSystem) -> None:
    system.config = replace(system.config, monitors={"only": system.config.monitors["primary"]})
    with pytest.raises(HarnessError, match="declares 1"):
        MonitorKilled("one").inject(system, "deploy-1", lambda _: None)
    system.config = replace(system.config, monitors={})
    with pytest.raises(HarnessError, match="declares 0"):
        MonitorKilled().inject(system, "deploy-1", lambda _: None)
