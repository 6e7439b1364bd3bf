"""The socket of the phase marks: every mark is answered, and the time a kit is held there is not its own."""

from __future__ import annotations

import json
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.host.clock import mono_ns, now, sleep
from harness.model import NS, Edge
from harness.recording.recorder import Recorder
from harness.system.operations import OperationRequest, Operations
from harness.system.phases.gates import Gates
from harness.system.phases.mark_server import PhaseServer
from tests.busy import Machine
from tests.integration.system.stand_in import operations_of

HELD_S = 1.5
# Marks the start of a phase and ends once it was let go, or (with "--leave") at once.
KIT = """
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["DEPLOYDRILL_PHASES"])
mark = {"phase": "deploy.migrate", "event": "start", "operation": os.environ["DEPLOYDRILL_OPERATION"]}
s.sendall(json.dumps(mark).encode() + b"\\n")
if "--leave" not in sys.argv:
    s.recv(100)
"""


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[PhaseServer]:
    """Holds every kit for longer than they have."""
    server = PhaseServer(tmp_path / "s", Gates(lambda *_: sleep(HELD_S), lambda *_: None))
    yield server
    server.close()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path)
    yield recorder
    recorder.close()


def operations(slow: PhaseServer, recorder: Recorder, deadline_s: float, *more: str) -> Operations:
    command = (sys.executable, "-c", KIT, *more)
    return operations_of(recorder, slow, "deploy", command, deadline_s)


def said(path: Path, *lines: bytes) -> list[bytes]:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        answers = []
        for line in lines:
            client.sendall(line + b"\n")
            answers.append(client.recv(200))
        return answers


@pytest.mark.parametrize("line", [b"hello", b"[1]", b'{"phase": "x", "event": "begin", "operation": "deploy-1"}'])
def test_a_mark_nobody_understands_is_answered_with_its_fault(tmp_path: Path, line: bytes) -> None:
    seen: list[tuple[Edge, str]] = []
    server = PhaseServer(tmp_path / "s", Gates(lambda edge, id_, _: seen.append((edge, id_)), lambda *_: None))
    good = b'{"phase": "x", "event": "start", "operation": "deploy-1"}'
    bad, fine = (json.loads(a) for a in said(server.path, line, good))
    server.close()
    assert bad == {"go": True, "error": "not a phase mark"}
    assert fine == {"go": True}
    assert seen == [(Edge("x", "start"), "deploy-1")]
    assert len(server.gates.problems) == 1


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0)], ids=repr)
def test_a_kit_is_let_go_whatever_the_fault_does(tmp_path: Path, error: BaseException) -> None:
    def failing(*_: object) -> None:
        raise error

    server = PhaseServer(tmp_path / "s", Gates(failing, lambda *_: None))
    (answer,) = said(server.path, b'{"phase": "x", "event": "start", "operation": "deploy-1"}')
    server.close()
    assert json.loads(answer) == {"go": True}
    assert server.gates.failures == [(Edge("x", "start"), f"{type(error).__name__}: {error}")]
    assert server.gates.problems == []  # those are the kit's


def test_a_gate_that_is_still_closed_at_the_deadline_is_no_hang(slow: PhaseServer, recorder: Recorder) -> None:
    outcome = operations(slow, recorder, 1.0).run(OperationRequest("deploy"))
    assert outcome.exit == 0
    assert (outcome.stop_ns - outcome.start_ns) / NS >= HELD_S
    assert slow.gates.gate_ns("deploy-1") / NS >= HELD_S


@pytest.mark.calm
def test_two_marks_held_at_once_are_one_time_at_the_gates() -> None:
    """A kit may mark from two processes of one operation; both stand still for the same time."""
    gates = Gates(lambda edge, *_: sleep(0.3 if edge.phase == "a" else 0.1), lambda *_: None)
    machine, began = Machine(), mono_ns()
    kits = [
        threading.Thread(target=gates.hold, args=(now(), Edge(phase, "start"), id_))
        for phase, id_ in (("a", "deploy-1"), ("b", "deploy-1"), ("b", "deploy-2"))
    ]
    for kit in kits:
        kit.start()
    sleep(0.05)
    assert gates.gate_ns("deploy-1") / NS <= (mono_ns() - began) / NS
    kits[1].join()
    assert 0.1 <= gates.gate_ns("deploy-1") / NS <= (mono_ns() - began) / NS  # the other one is still there
    for kit in kits:
        kit.join()
    assert 0.3 <= gates.gate_ns("deploy-1") / NS <= (mono_ns() - began) / NS
    assert gates.gate_ns("deploy-2") / NS >= 0.1
    machine.must(gates.gate_ns("deploy-2") / NS < 0.3, "another operation was held as long as the first")
    gates.hold(now(), Edge("b", "stop"), "deploy-1")
    assert 0.4 <= gates.gate_ns("deploy-1") / NS <= (mono_ns() - began) / NS


def test_an_operation_held_at_one_mark_was_held_as_long_as_that_mark_says() -> None:
    said: list[int] = []
    gates = Gates(lambda *_: sleep(0.01), lambda at, operation, edge, gate_ns, _: said.append(gate_ns))
    gates.hold(now(), Edge("a", "start"), "deploy-1")
    assert said == [gates.gate_ns("deploy-1")]


def test_a_kit_that_ended_is_held_no_longer(slow: PhaseServer, recorder: Recorder) -> None:
    start = mono_ns()
    outcome = operations(slow, recorder, 5, "--leave").run(OperationRequest("deploy"))
    assert outcome.exit == 0
    lines = (recorder.folder / "events.jsonl").read_text().splitlines()
    stop = next(e for e in map(json.loads, lines) if e["kind"] == "operation.stop")
    assert 0 <= stop["gate_ns"] <= outcome.stop_ns - start


@pytest.mark.parametrize(
    "line",
    [b"[" * 60_000 + b"\n", b"A" * 300_000 + b"\n", b"\xff\0\n", b'{"phase": "' + b"p" * 60_000 + b'"}\n', b"1e999\n"],
    ids=["nested", "longer than any mark", "no text", "half a mark", "a number"],
)
def test_what_is_no_mark_holds_nobody_and_is_told_in_short(line: bytes, tmp_path: Path) -> None:
    server = PhaseServer(tmp_path / "s", Gates(lambda *_: None, lambda *_: None))
    with socket.socket(socket.AF_UNIX) as kit:
        kit.settimeout(10)
        kit.connect(str(tmp_path / "s"))
        kit.sendall(line)
        assert b"not a phase mark" in kit.recv(200)
    server.close()
    assert server.gates.problems and all(len(problem) < 400 for problem in server.gates.problems)


def test_a_kit_that_goes_with_an_answer_unread_leaves_the_others_served(tmp_path: Path) -> None:
    server = PhaseServer(tmp_path / "s", Gates(lambda *_: None, lambda *_: None))
    for _ in range(5):
        with socket.socket(socket.AF_UNIX) as kit:
            kit.connect(str(tmp_path / "s"))
            kit.sendall(b"x\n")
            select.select([kit], [], [], 10)  # it has been answered, and the kit goes: that is a reset on our side
    end = time.monotonic() + 10
    while any(t.name == "phase-marks" for t in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.01)
    server.close()
    assert not any(t.name == "phase-marks" for t in threading.enumerate())


def test_of_a_thousand_lines_that_are_no_marks_some_are_told(tmp_path: Path) -> None:
    server = PhaseServer(tmp_path / "s", Gates(lambda *_: None, lambda *_: None))
    with socket.socket(socket.AF_UNIX) as kit, kit.makefile("rb") as answers:
        kit.connect(str(tmp_path / "s"))
        for _ in range(10):
            kit.sendall(b"x\n" * 100)
            for _ in range(100):
                assert answers.readline()
    server.close()
    assert len(server.gates.problems) == 100


def test_the_name_of_a_phase_is_kept_short(tmp_path: Path) -> None:
    seen: list[Edge] = []
    server = PhaseServer(tmp_path / "s", Gates(lambda edge, *_: seen.append(edge), lambda *_: None))
    with socket.socket(socket.AF_UNIX) as kit:
        kit.settimeout(10)
        kit.connect(str(tmp_path / "s"))
        kit.sendall(json.dumps({"phase": "p" * 9000, "event": "start", "operation": "x" * 9000}).encode() + b"\n")
        kit.recv(200)
    server.close()
    assert seen == [Edge("p" * 200, "start")]
