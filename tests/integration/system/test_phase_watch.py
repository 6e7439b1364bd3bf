"""Phases of a kit that marks none: real commands, seen in their lines, their bytes and their system calls."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.config.schema import EdgeConfig, OperationConfig, PhaseConfig
from harness.host import commands
from harness.host.clock import Deadline, sleep, wait_until
from harness.host.processes import group_states
from harness.model import NS, Edge, Instant
from harness.recording.recorder import Recorder
from harness.system.operations import OperationRequest, OperationResult, Operations
from harness.system.phases.gates import EdgeDetection, Gates
from harness.system.phases.mark_server import PhaseServer

COPY = "backup.copy"
Seen = list[tuple[str, EdgeDetection]]
# A kit that goes on only when an edge of it was seen, for at most 5 s: how soon that is, is not asked here.
SEEN = "seen() { n=0; until [ -e ../seen/$1 ] || [ $n = 500 ]; do sleep 0.01; n=$((n+1)); done; }; "


def log(pattern: str, **more: Any) -> EdgeConfig:
    return EdgeConfig("log", pattern, **more)


def call(family: str, pattern: str = "", nth: int = 1) -> EdgeConfig:
    return EdgeConfig("syscall", pattern, call=family, nth=nth)


class Run:
    """One operation, a shell script in a directory of its own, and what was seen of it."""

    def __init__(self, folder: Path, script: str, *phases: PhaseConfig, at: Callable[[Edge], object] = str) -> None:
        recorder = Recorder(folder / "record")
        self.place = folder / "dir"
        self.place.mkdir()
        (folder / "seen").mkdir()
        self.fired: Seen = []
        self.recorded: list[tuple[str, int, EdgeDetection]] = []

        def on_edge(edge: Edge, _: str, detection: EdgeDetection) -> None:
            if not detection.ended:
                self.fired.append((str(edge), detection))
                (folder / "seen" / str(edge)).touch()
                at(edge)

        def record(when: Instant, _: str, edge: Edge, gate_ns: int, detection: EdgeDetection) -> None:
            self.recorded.append((str(edge), gate_ns, detection))

        def spawn(argv: list[str], output: str, env: dict[str, str], fork: bool = False) -> Any:
            path = recorder.folder / "operations" / output
            return commands.spawn(argv, output=path, cwd=self.place, fork=fork)

        command = OperationConfig("backup", ("sh", "-c", SEEN + script), 10.0)
        kit = SimpleNamespace(
            values={"version": "1"},
            argv=lambda command, **_: list(command),
            text=lambda text: text.replace("{dir}", str(self.place)),
            env={},
            spawn=spawn,
        )
        system = SimpleNamespace(
            recorder=recorder,
            config=SimpleNamespace(operations={"backup": command}, phases=phases),
            commands=kit,
            disks={},
            fault_free_bytes={},
            running={},
        )
        server = PhaseServer(folder / "s", Gates(on_edge, record))
        operations = Operations(system, server, lambda *_: None)  # type: ignore[arg-type]  # no more is used
        self.outcome: OperationResult = operations.run(OperationRequest("backup"))
        server.close()
        self.problems, self.failures = server.gates.problems, server.gates.failures
        recorder.close()
        lines = map(json.loads, (recorder.folder / "events.jsonl").read_text().splitlines())
        self.gate_s = next(e["gate_ns"] for e in lines if e["kind"] == "operation.stop") / NS

    @property
    def edges(self) -> list[str]:
        return [edge for edge, _ in self.fired]


def phase(start: EdgeConfig | None, stop: EdgeConfig | None, name: str = COPY) -> PhaseConfig:
    return PhaseConfig(name, "backup", start, stop)


def test_lines_of_the_output_are_edges_seen_while_the_kit_goes_on(tmp_path: Path) -> None:
    script = f"echo noise; echo copying 1; seen {COPY}.start; echo copied 1; seen {COPY}.stop; echo copying 2"
    run = Run(tmp_path, script, phase(log("^copying"), log("^copied")), at=lambda _: sleep(0.05))
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]
    for _, detection in run.fired:
        assert (detection.by, detection.held, detection.ended) == ("log", False, False)
        assert 0 < detection.late_ns < NS
    assert run.gate_s == 0
    assert "seen in a line of a log, at most" in run.fired[0][1].describe()


def test_the_stop_only_counts_after_the_start_and_the_nth_line_is_meant(tmp_path: Path) -> None:
    script = f"echo done; echo go; echo go; echo done; echo done; seen {COPY}.stop"
    run = Run(tmp_path, script, phase(log("go", nth=2), log("done", nth=2)))
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]
    script = f"echo done; echo go; seen {COPY}.start"
    assert Run(tmp_path / "2", script, phase(log("go"), log("done"))).edges == [f"{COPY}.start"]


def test_another_file_is_read_from_where_it_was(tmp_path: Path) -> None:
    script = f"echo old >> log; echo copying; seen {COPY}.start; printf 'copied\\r\\n' >> log; seen {COPY}.stop"
    run = Run(tmp_path, script, phase(log("copying"), log("^copied$", file="{dir}/log")))
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]


def test_bytes_below_a_directory_are_an_edge(tmp_path: Path) -> None:
    script = f"head -c 1000 /dev/zero > a; sleep 0.1; mv a b; head -c 1200 /dev/zero > c; seen {COPY}.start; echo end"
    edge = EdgeConfig("bytes", path="{dir}", size_bytes=2000)
    run = Run(
        tmp_path, script, phase(edge, log("end")), phase(None, EdgeConfig("bytes", path="{dir}", size_bytes=3000), "x")
    )
    assert run.edges[:2] == ["x.start", f"{COPY}.start"] and run.fired[1][1].by == "bytes"
    # The last is said in the moment it ends: which of the two is seen first is not told here.
    assert [edge for edge, _, _ in run.recorded] == ["x.start", f"{COPY}.start", f"{COPY}.stop"]
    assert [detection.ended for _, _, detection in run.recorded][:2] == [False, False]


def test_what_is_seen_only_after_the_end_is_told_apart(tmp_path: Path) -> None:
    run = Run(tmp_path, "exec printf copying", phase(log("copying"), None))
    assert run.edges in ([], [f"{COPY}.stop"])
    assert [(edge, s.ended) for edge, _, s in run.recorded] == [(f"{COPY}.start", True), (f"{COPY}.stop", False)]


def test_the_operations_own_edges_stand_in_for_those_left_out(tmp_path: Path) -> None:
    run = Run(
        tmp_path,
        "sleep 0.05; echo half; seen a.stop; seen b.start",
        phase(None, log("half"), "a"),
        phase(log("half"), None, "b"),
    )
    assert run.edges == ["a.start", "a.stop", "b.start", "b.stop"]
    assert [s.by for _, s in run.fired] == ["start", "log", "log", "end"]


def test_a_system_call_is_held_at_its_door_and_that_is_no_time_of_the_kit(tmp_path: Path) -> None:
    there: list[bool] = []
    held = tmp_path / "dir" / "b"

    def look(_: Edge) -> None:
        sleep(0.3)  # it would long have been renamed
        there.append(held.exists())

    script = "echo 1 > a; echo 2 > c; mv a b; mv c d; ls"
    run = Run(tmp_path, script, phase(call("rename", "/b$"), call("execve", "/ls$")), at=look)
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]
    assert there == [False, True]
    assert run.outcome.exit == 0 and run.problems == []
    assert all(s.held and s.describe() == "" for _, s in run.fired)
    took_s = (run.outcome.stop_ns - run.outcome.start_ns) / NS
    assert 0.6 <= run.gate_s < took_s < run.gate_s + 5


def test_the_nth_call_of_a_family_is_meant_whichever_process_makes_it(tmp_path: Path) -> None:
    script = "for i in 1 2 3; do echo > f$i; sync f$i; done; (setsid sh -c 'sync -d f1; sleep 0.3; mv f1 late' &)"
    run = Run(tmp_path, script, phase(call("fsync", "f.$", 3), None), phase(call("rename"), None, "late"))
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]
    # What it left behind goes on under the filter, and is answered.
    assert wait_until((run.place / "late").exists, Deadline(5, "the rename"))


def test_a_kit_that_stands_at_its_call_can_be_stopped_and_comes_to_it_only_once(tmp_path: Path) -> None:
    still: list[bool] = []

    def stop_for_a_while(_: Edge) -> None:
        group = int((tmp_path / "dir" / "pid").read_text())
        os.killpg(group, signal.SIGSTOP)
        stopped = wait_until(lambda: set(group_states(group).values()) == {"T"}, Deadline(2, "the signal"), 0.005)
        still.append(stopped)
        threading.Timer(0.2, os.killpg, (group, signal.SIGCONT)).start()

    script = "echo $$ > pid; echo > a; mv a b; mv b c"
    run = Run(tmp_path, script, phase(call("rename"), call("rename", "/c$")), at=stop_for_a_while)
    assert run.outcome.exit == 0 and still == [True, True]
    assert run.edges == [f"{COPY}.start", f"{COPY}.stop"]
    assert (run.place / "c").exists() and (run.outcome.stop_ns - run.outcome.start_ns) / NS > 0.4


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0)], ids=repr)
def test_a_kit_is_let_go_whatever_the_fault_does_at_its_call(tmp_path: Path, error: BaseException) -> None:
    def fail(_: Edge) -> None:
        raise error

    run = Run(tmp_path, "echo > a; mv a b", phase(call("rename"), None), at=fail)
    assert run.outcome.exit == 0 and len(run.failures) == 2
