"""The harness broken on purpose while it runs: what was not measured ends as unknown (exit 3), never as a pass, and
what went wrong for our own sake never as a fail of the system."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.campaign.flaws.flaw_signs import matches
from tests.e2e.command import TINY, Done, conclusive, deploydrill, refuted, run_tiny
from tests.e2e.live_run import LiveRun, tiny_copy

SCENARIOS = Path(__file__).with_name("scenarios")
pytestmark = pytest.mark.island

# A process that leaves a daemon and ends, as start scripts do.
_DAEMON = '["sh", "-c", "{python} -m http.server --bind 127.0.0.1 %d > /dev/null 2>&1 & sleep 0.2"]'
_MONITORS = "".join(
    f'[monitors.{name}]\nstart = {_DAEMON % port}\nhealth = "http://127.0.0.1:{port}/"\n'
    for name, port in (("one", 9201), ("two", 9202))
)
_IDLE_SEED = '[operations.seed]\ncommand = ["true"]\n'
_SQUATTER = (
    '[operations.seed]\ncommand = ["sh", "-c",'
    ' "TINY_DIR={dir}/other {python} {system}/tiny.py serve {port} > /dev/null 2>&1 & sleep 0.5"]\n'
)


@dataclass(frozen=True)
class Live:
    """A run of ``cell`` and the ``code`` that must be among its unknowns (its fails where ``exit`` is 1), with these
    ``details`` among its own. ``more`` goes into the system.toml, ``path`` is what the reads ask for, ``small``: --out
    is a disk that can be filled."""

    cell: str
    code: str
    flaw: str = ""
    exit: int = 3
    more: str = ""
    path: str = ""
    small: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, ...]:
        """The same for two that are seen in one run."""
        return (self.cell, self.flaw, self.more, self.path)

    def told(self, done: Done) -> list[dict[str, Any]]:
        """The findings that tell it."""
        found = done.found("fail" if self.exit == 1 else "unknown", self.code)
        return [f for f in found if matches(f["details"], self.details)]


PROBED = ["read_fresh", "read_reused", "write"]
# The first two take longest: the others go on beside them.
LIVE = {
    "stops-answering": Live("harmful:long", "requests.never_recovered", "freezes_later"),
    "load-stalls": Live("harmful:long", "load.silent", "freeze_load", details={"sender": "load"}),
    "load-nowhere": Live("patched:load-nowhere", "load.not_steady"),
    "load-elsewhere": Live("patched:load-elsewhere", "load.misrouted"),
    "load-dies": Live("harmful:long", "run.broken_off_elsewhere", "kill_load"),
    "probes-nowhere": Live("patched:probes-nowhere", "load.not_steady", details={"unanswered": PROBED}),
    "probes-elsewhere": Live("patched:probes-elsewhere", "load.misrouted", details={"sender": "probe"}),
    "prober-paused": Live("patched:prober-paused", "load.silent", details={"sender": "prober"}),
    "front-answers-all": Live("harmful:sound", "load.hollow", "catches_all", path="/no"),
    "error-page": Live("harmful:long", "load.strange_content", "error_page"),
    "monitor-not-in-use": Live("harmful:monitor-not-in-use", "fault.lost_early", more=_MONITORS),
    "inside-paused": Live("patched:inside-paused", "harness.late", details={"who": "harness"}),
    "recording-full": Live("patched:recording-full", "run.broken_off_elsewhere", small=True),
    "someone-on-the-port": Live("harmful:sound", "run.broken_off", more=_SQUATTER),
    "idle-seed": Live(
        "harmful:timed", "claim.too_little_data", more=_IDLE_SEED, details={"asked_bytes": 20_000_000, "found_bytes": 0}
    ),
    "idle-backup": Live("harmful:timed", "backup.not_listed", "careless", exit=1),
    "ignores-the-drain": Live(
        "harmful:timed", "requests.bad", "careless", exit=1, details={"due_in": {"kinds": "reset", "name": "deploy"}}
    ),
    "no-phases": Live("concurrent_deployments:race-2", "operations.lock_not_marked"),
}
# Faults that did not bite, all in one run: each has a finding of its own, and one unknown makes the run unknown.
UNBITTEN = {
    "not-applied": (1, "fault.not_applied"),
    "not-felt": (2, "fault.not_felt"),
    "removed-by-the-system": (3, "fault.lost_early"),
    "not-healed": (4, "fault.not_healed"),
    "never-fired": (5, "fault.never_fired"),
    "undo-fails": (6, "fault.not_healed"),
    "disk-not-full": (7, "fault.lost_early"),
}
Result = Callable[[str], Done]


def run(live: Live, folder: Path) -> Done:
    system = TINY
    if live.more or live.path:
        changes = (('path = "/look?n={n}"', f'path = "{live.path}"'),) if live.path else ()
        system = tiny_copy(folder / "tiny", *changes, more=live.more)
    flaw = ("--flaw", live.flaw) if live.flaw else ()
    words = (
        "run",
        live.cell,
        "--scenarios",
        SCENARIOS,
        *flaw,
        "--system",
        system,
        "--out",
        folder / "out",
        "--no-live",
    )
    if not live.small:
        return deploydrill(*words)
    # The memory file system is the command's own, so its report is copied to where it can be read.
    (folder / "out").mkdir()
    script = 'mount -t tmpfs -o size=288m small "$1" && out=$1 && shift && "$@"; code=$?; '
    script += 'rm -f "$out"/*/*/ballast; cp -a "$out" "$out.kept"; exit $code'
    done = deploydrill(*words, before=("unshare", "--mount", "sh", "-c", script, "sh", str(folder / "out")))
    return Done(done.exit, done.out.replace(f"{folder}/out/", f"{folder}/out.kept/"), done.err)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Result]:
    """All runs, two at a time, none twice; a test waits for its own."""
    with ThreadPoolExecutor(2) as pool:
        runs: dict[tuple[str, ...], Future[Done]] = {}
        cases = {**LIVE, "unbitten": Live("harmful:unbitten", "")}
        for live in cases.values():
            if live.key not in runs:
                runs[live.key] = pool.submit(run, live, tmp_path_factory.mktemp("live"))
        yield lambda name: runs[cases[name].key].result()


@pytest.mark.parametrize("name", [name for name, live in LIVE.items() if live.exit == 3 and not live.small])
def test_what_was_not_measured_is_unknown(result: Result, name: str) -> None:
    done = result(name)
    assert (done.exit, done.found("fail")) == (3, [])
    assert LIVE[name].told(done), done.found("unknown")


@pytest.mark.parametrize("name", UNBITTEN)
def test_a_fault_that_did_not_bite_is_unknown(result: Result, name: str) -> None:
    number, code = UNBITTEN[name]
    done = result("unbitten")
    assert (done.exit, done.found("fail")) == (3, [])
    subject = {"kind": "fault", "id": f"fault-{number}"}
    assert [f["check"] for f in done.found("unknown", code) if f["subject"] == subject] == ["fault.took_effect"]


@pytest.mark.root
def test_a_recording_whose_disk_fills_is_unknown_and_not_the_kit_s_fault(result: Result) -> None:
    done = result("recording-full")
    assert (done.exit, done.found("fail")) == (3, [])
    (told,) = LIVE["recording-full"].told(done)
    # All that is missing for that has it as its cause.
    assert [f["because"][-1:] for f in done.found("unknown", "recording.cut_short")] == [[told["code"]]]


@pytest.mark.parametrize("name", [name for name, live in LIVE.items() if live.exit == 1])
def test_a_system_that_only_says_it_works_fails_for_that(result: Result, name: str) -> None:
    done = result(name)
    refuted(done)
    assert LIVE[name].told(done), done.found("fail")


def test_an_outside_half_that_stands_still_changes_nothing(tmp_path: Path) -> None:
    with LiveRun(
        tmp_path / "out", "harmful:sound", "--scenarios", SCENARIOS, system=tiny_copy(tmp_path / "tiny")
    ) as run:
        run.wait_for_event("load.start")
        os.kill(run.process.pid, signal.SIGSTOP)
        time.sleep(3)
        os.kill(run.process.pid, signal.SIGCONT)
        done = run.ended()
        assert done.found("fail") == []
        assert conclusive(done).exit == 0
        assert run.left_behind() == []


@pytest.mark.parametrize("name", ["harmful:nothing", "empty"])
def test_nothing_selected_is_a_usage_error(tmp_path: Path, name: str) -> None:
    assert run_tiny(tmp_path, name, "--scenarios", SCENARIOS).exit == 64
