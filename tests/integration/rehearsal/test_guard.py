"""The guard of a run, watching: an answer of the user's own URL, and a look that fails, end the run."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from harness.config.schema import StopWhenConfig
from harness.host.clock import Deadline, mono_ns, wait_until
from harness.load.driver import LoadProgress
from harness.recording.events import StopWhenMet
from harness.rehearsal.guard import Guard
from tests.integration.answers import Manners, answering


class Watched:
    """A guard, what it recorded, and whether it took the faults out."""

    def __init__(self, limits: StopWhenConfig, url: str, progress: Callable[[], LoadProgress]) -> None:
        self.met: list[StopWhenMet] = []
        self.withdrawn = threading.Event()
        self.guard = Guard(limits, url, progress, self.withdrawn.set, self.met.append)


def well() -> LoadProgress:
    return LoadProgress(100, 100, 0, 0, 1, mono_ns())


@pytest.mark.parametrize(("status", "stops"), [(200, False), (503, True)])
def test_the_answer_of_a_url_ends_the_run(status: int, stops: bool) -> None:
    manners = Manners(status=status, body=b"too hot")
    with answering(manners) as port:
        url = f"http://127.0.0.1:{port}/go-on"
        watched = Watched(StopWhenConfig(url=url), url, well)
        watched.guard.watch()
        wait_until(lambda: watched.guard.stopped or len(manners.asked) > 2, Deadline(20, "three looks"))
        watched.guard.close()
    assert (watched.guard.stopped, watched.withdrawn.is_set()) == (stops, stops)
    assert [(met.limit, met.said) for met in watched.met] == ([("url", "HTTP 503: too hot")] if stops else [])


def test_a_guard_that_cannot_look_lets_nobody_go_on() -> None:
    def broken() -> LoadProgress:
        raise OSError("no status file")

    watched = Watched(StopWhenConfig(bad_share=0.2), "", broken)
    watched.guard.watch()
    assert watched.withdrawn.wait(20)
    watched.guard.close()
    assert watched.guard.stopped
    assert "no status file" in watched.met[0].said
