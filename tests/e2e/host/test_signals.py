"""Ctrl-C, SIGTERM and SIGHUP in the middle of a run: it ends soon, tidily, and says what it is worth."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.campaign.outside import STOP_GRACE_S
from tests.e2e import host_state
from tests.e2e.live_run import SCENARIOS, LiveRun, tiny_copy

pytestmark = pytest.mark.island

# Beside the grace: judging and rendering, on a host that has other things to do.
ENDS_WITHIN_S = STOP_GRACE_S + 30


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_copy(tmp_path_factory.mktemp("signals") / "tiny")


@pytest.fixture(autouse=True)
def not_ignored() -> Iterator[None]:
    """A suite that was started with `nohup` has SIGHUP ignored, and the command would inherit that."""
    before = signal.signal(signal.SIGHUP, lambda *_: None)
    yield
    signal.signal(signal.SIGHUP, before)


def ended(run: LiveRun, code: int) -> dict[str, object]:
    """The result of a run that was interrupted, after what is true of each of them."""
    began = time.monotonic()
    assert run.end() == code
    assert time.monotonic() - began < ENDS_WITHIN_S
    last = run.stdout.splitlines()[-1]
    assert last.startswith("outcome=unknown runs=1 failed=0 unknown=1 report=")
    report = Path(last.partition("report=")[2])
    assert report.parent.parent == run.out
    assert "<html" in report.read_text()
    assert "Traceback" not in run.stdout + run.stderr
    assert run.left_behind() == []
    assert run.staged == []
    (result,) = report.parent.glob("*/result.json")
    document: dict[str, object] = json.loads(result.read_text())
    assert document["outcome"] == "unknown"
    return document


@pytest.mark.parametrize(
    ("number", "code", "event"),
    [
        (signal.SIGINT, 130, "load.steady"),
        (signal.SIGTERM, 143, "operation.start"),
        (signal.SIGHUP, 143, "system.up"),
    ],
)
def test_a_signal_ends_the_run_as_unknown_with_its_report(
    number: signal.Signals, code: int, event: str, tmp_path: Path, system: Path
) -> None:
    with LiveRun(tmp_path / "out", "baseline:once", system=system) as run:
        run.wait_for_event(event)
        os.killpg(run.process.pid, number)  # as a terminal does
        document = ended(run, code)
    assert "run.interrupted" in {f["code"] for f in document["findings"]}


def test_a_second_signal_and_a_kit_that_hangs_change_nothing(tmp_path: Path, system: Path) -> None:
    with LiveRun(tmp_path / "out", "baseline:once", "--flaw", "hangs", system=system) as run:
        run.wait_for(lambda: any(e.get("id") == "deploy-1" for e in run.events()))
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGTERM)
        ended(run, 130)


def test_an_inside_half_that_does_not_answer_is_ended_with_its_island(tmp_path: Path, system: Path) -> None:
    with LiveRun(tmp_path / "out", "quick:backup", "--scenarios", SCENARIOS, system=system) as run:
        run.wait_for_event("load.start")
        os.kill(run.pid("inside"), signal.SIGSTOP)
        run.process.send_signal(signal.SIGTERM)
        document = ended(run, 143)
    assert "recording.cut_short" in {f["code"] for f in document["findings"]}


def test_a_signal_ends_a_campaign_after_the_run_it_met(tmp_path: Path, system: Path) -> None:
    both = ("quick", "baseline:once", "--scenarios", SCENARIOS, "--jobs", "1")
    with LiveRun(tmp_path / "out", *both, system=system) as run:
        run.wait_for_event("recording.complete")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 130
        # What ran passed; the campaign did not.
        assert run.stdout.splitlines()[-1].startswith("outcome=unknown runs=1 failed=0 unknown=0 report=")
        campaign = json.loads((run.out / "latest" / "campaign.json").read_text())
        assert (campaign["outcome"], [r["outcome"] for r in campaign["runs"]]) == ("unknown", ["pass"])
        assert run.left_behind() == []


def test_a_signal_ends_every_run_that_goes_on(tmp_path: Path, system: Path) -> None:
    words = ("quick", "baseline:once", "--tier", "full", "--scenarios", SCENARIOS, "--jobs", "2")
    with LiveRun(tmp_path / "out", *words, system=system) as run:

        def both_go_on() -> bool:
            recorded = [p.read_text() for p in run.out.glob(".*.partial/.*.partial/events.jsonl")]
            return len(recorded) == 2 and all('"load.start"' in text for text in recorded)

        run.wait_for(both_go_on)
        run.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        islands = [p.pid for p in host_state.of_run(run.mark).values() if "harness.island.init" in p.words]
        assert len(islands) >= 2
        while any(Path(f"/proc/{pid}").exists() for pid in islands):
            assert time.monotonic() - began < STOP_GRACE_S + 2
            time.sleep(0.01)
        assert run.end() == 143
        # Two were met by the signal, the third was never begun; none of them is a pass.
        assert run.stdout.splitlines()[-1].startswith("outcome=unknown runs=2 failed=0 unknown=2 report=")
        assert re.search("not run, for a signal came: .*baseline:once", run.stdout)
        assert run.left_behind() == []
        assert run.staged == []
